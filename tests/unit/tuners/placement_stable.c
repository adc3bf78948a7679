/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_sets.h"

static void
test_good_seats_stay(void)
{
    /* Given seats that are as good as others. */
    g_autoptr(Case) it = case_new(HOST);
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "26;28");
    case_set_before(it, case_add(it, "web", 2, "0"), "8-15;8-15");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "26;28");
    sets_assert(placement, 1, "8-15;8-15");
}

static void
test_only_the_missing_moves(void)
{
    /* Given four seats of which one is on a CPU for housekeeping. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:8 pu:1");
    it->housekeeping = case_set(it, "0");
    case_set_before(it, case_add_exclusive(it, "db", 4, "0"), "0;1;2;3");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "4;1;2;3");
}

static void
test_domain_stops(void)
{
    /* Given three that were placed, when one is gone: nobody else moves more than its set grows. */
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "a", 4, "0-31");
    case_add_exclusive(it, "b", 4, "0-31");
    case_add(it, "c", 4, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    case_carry_out(it, placement);
    it->n_domains--;
    g_autoptr(KtPlacement) after = sets_solve(it);
    g_assert_cmpuint(case_moves(it, after), ==, 0);
}

static void
test_bad_seats_are_left(void)
{
    /* Given exclusive vCPUs on siblings far from their memory. */
    g_autoptr(Case) it = case_new(HOST);
    KtSeatDomain *domain = case_add_exclusive(it, "db", 4, "0");
    case_set_before(it, domain, "0;1;2;3");
    double shares[] = {0, 1};
    case_set_memory(it, domain, shares);
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpuint(sets_count_cores(it, placement, 0), ==, 4);
    g_autoptr(KtCpuset) cpus = sets_union(placement, 0);
    g_assert_true(hwloc_bitmap_isincluded(cpus, it->topology->nodes[1].cpus));
}

static void
test_move_threshold(void)
{
    /* Given two guests in one L3 beside an empty one. */
    g_autoptr(Case) it = case_new("l3:2 core:4 pu:1");
    case_add(it, "a", 4, "0-3");
    case_add(it, "b", 4, "0-3");
    g_autoptr(KtPlacement) free_to_move = sets_solve(it);
    for (guint i = 0; i < 2; i++)
        it->domains[i].move_threshold = 1000;
    g_autoptr(KtPlacement) reluctant = sets_solve(it);
    g_autofree char *a = sets_list(free_to_move, 0), *b = sets_list(free_to_move, 1);
    g_assert_cmpstr(a, !=, b);
    sets_assert(reluctant, 0, "0-3;0-3;0-3;0-3");
    sets_assert(reluctant, 1, "0-3;0-3;0-3;0-3");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/stable/good-seats", test_good_seats_stay);
    g_test_add_func("/placement/stable/missing", test_only_the_missing_moves);
    g_test_add_func("/placement/stable/stops", test_domain_stops);
    g_test_add_func("/placement/stable/bad-seats", test_bad_seats_are_left);
    g_test_add_func("/placement/stable/threshold", test_move_threshold);
    return g_test_run();
}
