/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_sets.h"

static void
test_shared_has_an_l3(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "web", 2, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0-7;0-7");
    g_assert_cmpstr(placement->seats[0].reason, ==, "alone in the L3 of CPUs 0-7");
}

static void
test_shared_spread_out_and_tell(void)
{
    /* Given 8 domains on 4 L3s: each has one neighbour. */
    g_autoptr(Case) it = case_new(HOST);
    for (guint i = 0; i < 8; i++) {
        g_autofree char *name = g_strdup_printf("web-%u", i);
        case_add(it, name, 4, "0-31");
    }
    g_autoptr(KtPlacement) placement = sets_solve(it);
    guint n_shared = 0;
    for (guint i = 0; i < 8; i++) {
        g_assert_cmpuint(sets_count_groups(it, placement, i), ==, 1);
        n_shared += strstr(placement->seats[i].reason, "with 1 other domain") != NULL;
    }
    g_assert_cmpuint(n_shared, ==, 8);
}

static void
test_shared_leaves_own_cpus_alone(void)
{
    /* Given one L3 for both, and own CPUs in it. */
    g_autoptr(Case) it = case_new("pack:1 l3:1 core:4 pu:1");
    case_add_exclusive(it, "db", 2, "0-3");
    case_add(it, "web", 3, "0-3");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0;1");
    sets_assert(placement, 1, "2-3;2-3;2-3");
}

static void
test_numa_has_whole_nodes(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "web", 2, "0-31")->policy = KT_PLACEMENT_NUMA;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0-15;0-15");
    g_assert_cmpstr(placement->seats[0].reason, ==, "alone in node 0 (CPUs 0-15)");
}

static void
test_large_shared_grows(void)
{
    /* Given more vCPUs than an L3 has CPUs. */
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "big", 14, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpuint(sets_count_groups(it, placement, 0), >=, 2);
}

static void
test_isolated_cpus_only_one_to_one(void)
{
    /* Given isolcpus=4-7 (safety rule 9). */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:4 pu:1");
    for (guint i = 4; i < 8; i++) {
        it->topology->pus[i].isolated = true;
        hwloc_bitmap_set(it->topology->isolated, i);
    }
    case_add_exclusive(it, "rt", 2, "0-7");
    case_add(it, "web", 2, "0-7");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "4;5");
    sets_assert(placement, 1, "0-3;0-3");
}

static void
test_only_isolated_cpus(void)
{
    g_autoptr(Case) it = case_new("core:2 pu:1");
    for (guint i = 0; i < 2; i++) {
        it->topology->pus[i].isolated = true;
        hwloc_bitmap_set(it->topology->isolated, i);
    }
    case_add(it, "web", 2, "0-1");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_nonnull(strstr(placement->seats[0].refusal, "isolcpus"));
}

static void
test_cpus_that_are_not_placeable(void)
{
    /* Given a machine.slice that has only CPUs 2-3 and 9. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:8 pu:1");
    for (guint i = 0; i < 16; i++)
        it->topology->pus[i].placeable = i == 2 || i == 3 || i == 9;
    case_add_exclusive(it, "db", 1, "0-15");
    case_add(it, "web", 1, "0-15");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_autoptr(KtCpuset) a = sets_union(placement, 0), b = sets_union(placement, 1);
    g_autofree char *web = kt_cpuset_format(b);
    g_assert_cmpstr(web, ==, hwloc_bitmap_isset(a, 9) ? "2-3" : "9");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/shared/l3", test_shared_has_an_l3);
    g_test_add_func("/placement/shared/several", test_shared_spread_out_and_tell);
    g_test_add_func("/placement/shared/beside-own", test_shared_leaves_own_cpus_alone);
    g_test_add_func("/placement/shared/numa", test_numa_has_whole_nodes);
    g_test_add_func("/placement/shared/large", test_large_shared_grows);
    g_test_add_func("/placement/isolcpus", test_isolated_cpus_only_one_to_one);
    g_test_add_func("/placement/isolcpus/only", test_only_isolated_cpus);
    g_test_add_func("/placement/not-placeable", test_cpus_that_are_not_placeable);
    return g_test_run();
}
