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

/* Given guests with CPUs of their own, on siblings and not, and one that shares what is left: an exchange,
 * and changes that are counted at once, come to what one change after the other does. */
static void
test_exchange_is_release_and_take(void)
{
    g_autoptr(Case) it = case_new("pack:2 [numa] l3:2 core:2 pu:2");
    case_set_before(it, case_add_exclusive(it, "one", 3, "0"), "0;2;3");
    case_set_before(it, case_add_exclusive(it, "two", 3, "1"), "1;9;12");
    case_add(it, "shared", 4, "4-15")->policy = KT_PLACEMENT_NUMA;
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    static const guint pairs[][2] = {{0, 9}, {9, 0}, {0, 1}, {3, 12}};
    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(KtState) exchanged = seated(model), single = seated(model);
        double total = kt_state_total(single);
        g_assert_cmpuint(single->zones[single->model->zones->of_pu[pairs[i][1]]].halls->len, >, 0);
        guint pu = pairs[i][0], other_pu = pairs[i][1];
        guint vcpu = owner_of(single, pu), other = owner_of(single, other_pu);
        kt_state_release(single, vcpu);
        kt_state_release(single, other);
        kt_state_take(single, vcpu, other_pu);
        kt_state_take(single, other, pu);

        kt_state_exchange(exchanged, vcpu, other);
        g_assert_cmpint(exchanged->pu[vcpu], ==, other_pu);
        g_assert_cmpint(exchanged->owner[pu], ==, other);
        g_assert_cmpfloat_with_epsilon(kt_state_total(exchanged), kt_state_total(single), 1e-9);
        g_assert_cmpuint(exchanged->n_spare, ==, single->n_spare);

        kt_state_suspend(exchanged);
        kt_state_release(exchanged, vcpu);
        kt_state_release(exchanged, other);
        kt_state_take(exchanged, other, other_pu);
        kt_state_take(exchanged, vcpu, pu);
        kt_state_resume(exchanged);
        g_assert_cmpfloat_with_epsilon(kt_state_total(exchanged), total, 1e-9);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-exchange/spread", test_spread_is_exchanged);
    g_test_add_func("/placement-exchange/spread-done", test_spread_is_done);
    g_test_add_func("/placement-exchange/is-release-and-take", test_exchange_is_release_and_take);
    return g_test_run();
}
