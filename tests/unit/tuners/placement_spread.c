/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tests/unit/tuners/seated_state.h"
#include "tests/unit/tuners/seating_case.h"

/* Two caches of two cores of two threads each. A guest that wants to be spread over both sits on one core of
 * the first, thread beside thread. */
static Case *
case_of_spread(void)
{
    Case *it = case_new("l3:2 core:2 pu:2");
    KtSeatDomain *spread = case_add_exclusive(it, "spread", 2, "0");
    spread->policy = KT_PLACEMENT_SPREAD;
    case_set_before(it, spread, "0;1");
    for (guint i = 0; i < spread->n_vcpus; i++)
        case_vcpus(spread)[i].guest_core = 0;
    return it;
}

static KtSeatDomain *
add_at(Case *it, const char *name, guint n_vcpus, const char *sets)
{
    KtSeatDomain *domain = case_add_exclusive(it, name, n_vcpus, "0");
    case_set_before(it, domain, sets);
    return domain;
}

static guint
domain_at(const KtState *state, guint pu)
{
    return kt_state_domain_of(state, owner_of(state, pu));
}

/* Given a stranger on each core of the other cache, and a core that nobody has. */
static void
test_stranger_gives_way(void)
{
    g_autoptr(Case) it = case_of_spread();
    add_at(it, "other", 2, "4;6");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    guint domain = domain_at(state, 1), other = domain_at(state, 4);
    g_assert_cmpfloat(state->broken, >, 0);

    g_assert_true(kt_improve_by_exchange(state, owner_of(state, 1)));

    g_assert_cmpuint(state->domains[domain].n_groups, ==, 2);
    g_assert_cmpuint(domain_at(state, 4), ==, domain);
    g_assert_cmpuint(domain_at(state, 0), ==, domain);
    g_assert_cmpuint(domain_at(state, 2), ==, other);
    g_assert_cmpfloat(state->broken, ==, 0);
}

/* Given strangers who want their siblings empty, and no core that nobody has: they get the guest's own, whose
 * other vCPU goes beside somebody else. */
static void
test_stranger_gets_the_core(void)
{
    g_autoptr(Case) it = case_of_spread();
    add_at(it, "alone", 2, "4;6")->smt = KT_SMT_ISOLATE;
    add_at(it, "single", 1, "2");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    guint domain = domain_at(state, 1), alone = domain_at(state, 4);
    g_assert_cmpfloat(state->broken, >, 0);

    g_assert_true(kt_improve_by_exchange(state, owner_of(state, 1)));

    g_assert_cmpuint(state->domains[domain].n_groups, ==, 2);
    g_assert_cmpuint(domain_at(state, 4), ==, domain);
    g_assert_cmpuint(domain_at(state, 0), ==, alone);
    g_assert_cmpuint(domain_at(state, 3), ==, domain);
    g_assert_cmpfloat(state->broken, ==, 0);
}

/* Given neither that nor a CPU beside somebody else in the first cache: all stay. */
static void
test_no_room_is_left_as_it_was(void)
{
    g_autoptr(Case) it = case_of_spread();
    add_at(it, "alone", 2, "4;6")->smt = KT_SMT_ISOLATE;
    add_at(it, "pair", 2, "2;3");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    gsize size = model->n_vcpus * sizeof *state->pu;
    g_autofree gint *before = g_memdup2(state->pu, size);
    double total = kt_state_total(state);
    g_assert_cmpfloat(state->broken, >, 0);

    g_assert_false(kt_improve_by_exchange(state, owner_of(state, 1)));

    g_assert_cmpmem(state->pu, size, before, size);
    g_assert_cmpfloat(kt_state_total(state), ==, total);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-spread/gives-way", test_stranger_gives_way);
    g_test_add_func("/placement-spread/gets-the-core", test_stranger_gets_the_core);
    g_test_add_func("/placement-spread/no-room", test_no_room_is_left_as_it_was);
    return g_test_run();
}
