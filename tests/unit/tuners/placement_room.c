/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_sets.h"

static void
test_no_room_says_how_many_are_missing(void)
{
    g_autoptr(Case) it = case_new("core:8 pu:1");
    case_add_exclusive(it, "a", 5, "0-7");
    case_add_exclusive(it, "b", 4, "0-7");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_null(placement->seats[0].refusal);
    g_assert_cmpstr(placement->seats[1].refusal, ==,
                    "4 own CPUs wanted, 3 free outside housekeeping: 1 missing; cpu.exclusive = no for a (5 "
                    "vCPUs) would make room");
}

static void
test_no_room_by_priority(void)
{
    g_autoptr(Case) it = case_new("core:8 pu:1");
    case_add_exclusive(it, "a", 5, "0-7");
    case_add_exclusive(it, "b", 4, "0-7")->priority = 1;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_nonnull(placement->seats[0].refusal);
    g_assert_null(placement->seats[1].refusal);
}

static void
test_no_room_newcomer_waits(void)
{
    /* Given a small domain that has its CPUs, when a larger one of the same priority comes. */
    g_autoptr(Case) it = case_new("core:8 pu:1");
    case_add_exclusive(it, "large", 7, "0-7");
    case_set_before(it, case_add_exclusive(it, "small", 2, "0"), "0;1");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_nonnull(placement->seats[0].refusal);
    sets_assert(placement, 1, "0;1");
}

static void
test_no_room_isolate(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "rt", 5, "0-7")->smt = KT_SMT_ISOLATE;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpstr(
        placement->seats[0].refusal, ==,
        "5 own whole cores wanted, 4 free outside housekeeping: 1 missing; cpu.smt = auto would make "
        "room");
}

static void
test_a_cpu_stays_for_the_others(void)
{
    /* Given somebody who floats, and exclusive vCPUs for all CPUs. */
    g_autoptr(Case) it = case_new("core:4 pu:1");
    case_add(it, "floating", 1, "0-3")->placed = false;
    case_add_exclusive(it, "db", 4, "0-3");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_nonnull(strstr(placement->seats[1].refusal, "3 free"));
}

static void
test_room_for_isolating_ones_first(void)
{
    /* Given a present that has a thread of each core, and one who needs a whole core. */
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_set_before(it, case_add_exclusive(it, "db", 4, "0"), "0;2;4;6");
    case_add_exclusive(it, "rt", 1, "0-7")->smt = KT_SMT_ISOLATE;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_null(placement->seats[0].refusal);
    g_assert_null(placement->seats[1].refusal);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/no-room/missing", test_no_room_says_how_many_are_missing);
    g_test_add_func("/placement/no-room/priority", test_no_room_by_priority);
    g_test_add_func("/placement/no-room/newcomer", test_no_room_newcomer_waits);
    g_test_add_func("/placement/no-room/isolate", test_no_room_isolate);
    g_test_add_func("/placement/no-room/one-stays", test_a_cpu_stays_for_the_others);
    g_test_add_func("/placement/no-room/isolate-first", test_room_for_isolating_ones_first);
    return g_test_run();
}
