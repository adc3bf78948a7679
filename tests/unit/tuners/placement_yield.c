/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seated_state.h"
#include "tests/unit/tuners/seating_case.h"

/* A cache of four cores of two threads each. A guest of four vCPUs that is to share cores has three of them.
 */
static Case *
case_of_share(void)
{
    Case *it = case_new("l3:1 core:4 pu:2");
    KtSeatDomain *packed = case_add_exclusive(it, "packed", 4, "0");
    packed->smt = KT_SMT_SHARE;
    case_set_before(it, packed, "0;1;2;4");
    return it;
}

/* Given somebody who has a core only, and could have two: the guest leaves one of its own to him. To pack it
 * alone would leave a core spare, which is a wish for another. */
static void
test_core_goes_to_who_is_doubled(void)
{
    g_autoptr(Case) it = case_of_share();
    case_set_before(it, case_add_exclusive(it, "doubled", 2, "0"), "6;7");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    guint packed = kt_state_domain_of(state, owner_of(state, 0)),
          doubled = kt_state_domain_of(state, owner_of(state, 6));
    g_assert_cmpfloat(state->broken, >, 0);

    g_assert_true(kt_improve_by_exchange(state, owner_of(state, 4)));

    g_assert_cmpfloat(state->broken, ==, 0);
    g_assert_cmpuint(state->domains[packed].n_cores, ==, 2);
    g_assert_cmpuint(state->domains[doubled].n_cores, ==, 2);
    g_assert_cmpuint(kt_state_domain_of(state, owner_of(state, 4)), ==, doubled);
}

/* Given a guest whose two vCPUs are threads of one of its cores, and that has a core for each: one of them
 * goes beside the other, and who is doubled gets the core. */
static void
test_threads_of_a_guest_core_leave_one(void)
{
    g_autoptr(Case) it = case_new("l3:1 core:3 pu:2");
    KtSeatDomain *threads = case_add_exclusive(it, "threads", 2, "0");
    case_set_before(it, threads, "0;2");
    for (guint i = 0; i < threads->n_vcpus; i++)
        case_vcpus(threads)[i].guest_core = 0;
    case_set_before(it, case_add_exclusive(it, "doubled", 2, "0"), "4;5");
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    guint doubled = kt_state_domain_of(state, owner_of(state, 4));
    double total = kt_state_total(state);

    g_assert_true(kt_improve_by_exchange(state, owner_of(state, 2)));

    g_assert_cmpfloat(kt_state_total(state), <, total);
    g_assert_cmpuint(kt_state_domain_of(state, owner_of(state, 0)), ==,
                     kt_state_domain_of(state, owner_of(state, 1)));
    g_assert_cmpuint(state->domains[doubled].n_cores, ==, 2);
}

/* The vCPU on CPU 4 stays there, and nothing has changed. */
static void
assert_stays(Case *it)
{
    g_autoptr(KtModel) model = kt_model_new(case_problem(it));
    kt_admit(model);
    g_autoptr(KtState) state = seated(model);
    guint vcpu = owner_of(state, 4);
    double total = kt_state_total(state);

    g_assert_false(kt_improve_by_yielding(state, vcpu));

    g_assert_cmpint(state->pu[vcpu], ==, 4);
    g_assert_cmpfloat(kt_state_total(state), ==, total);
}

/* Given nobody who gains by it: all stay. */
static void
test_nobody_wants_the_core(void)
{
    g_autoptr(Case) it = case_of_share();
    KtSeatDomain *threads = case_add_exclusive(it, "threads", 2, "0");
    case_set_before(it, threads, "6;7");
    for (guint i = 0; i < threads->n_vcpus; i++)
        case_vcpus(threads)[i].guest_core = 0;
    assert_stays(it);
}

/* Given somebody doubled who must stay on another node: what was tried is taken back. */
static void
test_taken_back_where_nobody_may_have_the_core(void)
{
    g_autoptr(Case) it = case_new("pack:2 [numa] l3:1 core:3 pu:2");
    KtSeatDomain *packed = case_add_exclusive(it, "packed", 4, "0");
    packed->smt = KT_SMT_SHARE;
    case_set_before(it, packed, "0;1;2;4");
    static const bool second[] = {false, true};
    KtSeatDomain *doubled = case_add_exclusive(it, "doubled", 4, "1");
    doubled->nodes = second;
    case_set_before(it, doubled, "6;7;8;10");
    assert_stays(it);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-yield/core-goes-to-who-is-doubled", test_core_goes_to_who_is_doubled);
    g_test_add_func("/placement-yield/threads-of-a-guest-core", test_threads_of_a_guest_core_leave_one);
    g_test_add_func("/placement-yield/nobody-wants-the-core", test_nobody_wants_the_core);
    g_test_add_func("/placement-yield/taken-back", test_taken_back_where_nobody_may_have_the_core);
    return g_test_run();
}
