/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seated_state.h"
#include "tests/unit/tuners/seating_case.h"

/* Given one who wants to be spread over two full caches and is in one, with another's in the other one. */
static void
test_spread_is_exchanged(void)
{
    g_autoptr(Case) it = case_new("l3:2 core:2 pu:1");
    KtSeatDomain *spread = case_add_exclusive(it, "spread", 2, "0");
    spread->policy = KT_PLACEMENT_SPREAD;
    case_set_before(it, spread, "0;1");
    case_set_before(it, case_add_exclusive(it, "other", 2, "0"), "2;3");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    guint vcpu = owner_of(state, 0), domain = kt_state_domain_of(state, vcpu);
    g_assert_cmpuint(state->domains[domain].n_groups, ==, 1);

    g_assert_true(kt_improve_by_exchange(state, vcpu));

    g_assert_cmpuint(state->domains[domain].n_groups, ==, 2);
    g_assert_cmpfloat(state->broken, ==, 0);
    g_assert_false(kt_improve_by_exchange(state, vcpu));
}

/* Who has a cache for each of his vCPUs, as many as there are, is let be. */
static void
test_spread_is_done(void)
{
    g_autoptr(Case) it = case_new("l3:2 core:2 pu:1");
    KtSeatDomain *spread = case_add_exclusive(it, "spread", 3, "0");
    spread->policy = KT_PLACEMENT_SPREAD;
    case_set_before(it, spread, "0;1;2");
    case_set_before(it, case_add_exclusive(it, "other", 1, "0"), "3");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    g_assert_false(kt_improve_by_exchange(state, owner_of(state, 0)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-exchange/spread", test_spread_is_exchanged);
    g_test_add_func("/placement-exchange/spread-done", test_spread_is_done);
    return g_test_run();
}
