/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_sets.h"

static void
test_exclusive_in_one_l3(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "db", 4, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0;2;4;6");
    g_assert_cmpstr(placement->seats[0].reason, ==, "4 own cores in one L3 (CPUs 0,2,4,6)");
}

static void
test_exclusive_on_node_of_memory(void)
{
    g_autoptr(Case) it = case_new(HOST);
    double shares[] = {0, 1};
    case_set_memory(it, case_add_exclusive(it, "db", 2, "0-31"), shares);
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "16;18");
    g_assert_cmpstr(placement->seats[0].reason, ==,
                    "2 own cores in one L3 (CPUs 16,18), on the node of its memory");
}

static void
test_exclusive_near_device(void)
{
    g_autoptr(Case) it = case_new(HOST);
    guint nodes[] = {1};
    KtSeatDomain *domain = case_add_exclusive(it, "card", 2, "0-31");
    domain->device_nodes = nodes;
    domain->n_device_nodes = 1;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "16;18");
}

static void
test_housekeeping_is_avoided(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    it->housekeeping = case_set(it, "0-1");
    case_add_exclusive(it, "db", 3, "0-7");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "2;4;6");
}

static void
test_obstacles_are_avoided(void)
{
    /* Given somebody's manual pins on the first L3. */
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "manual", 2, "0-7")->placed = false;
    case_add_exclusive(it, "db", 4, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0-7;0-7");
    g_autoptr(KtCpuset) cpus = sets_union(placement, 1);
    g_assert_false(hwloc_bitmap_intersects(cpus, it->domains[0].vcpus[0].before));
    g_assert_cmpuint(sets_count_groups(it, placement, 1), ==, 1);
}

static void
test_whole_cores_before_siblings(void)
{
    /* Given 8 vCPUs and L3s of 4 cores: nearer would be both threads of one L3 (safety rule 7). */
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "db", 8, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpuint(sets_count_cores(it, placement, 0), ==, 8);
    g_assert_cmpuint(sets_count_groups(it, placement, 0), ==, 2);
}

static void
test_siblings_when_cores_are_gone(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "db", 6, "0-7");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpuint(sets_count_cores(it, placement, 0), ==, 4);
}

static void
test_share_packs_siblings(void)
{
    g_autoptr(Case) it = case_new(HOST);
    KtSeatDomain *domain = case_add_exclusive(it, "db", 4, "0-31");
    domain->smt = KT_SMT_SHARE;
    for (guint i = 0; i < 4; i++)
        case_vcpus(domain)[i].guest_core = (gint)(i / 2);
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0;1;2;3");
    g_assert_cmpstr(placement->seats[0].reason, ==, "4 own CPUs on 2 cores in one L3 (CPUs 0-3)");
}

static void
test_isolate_takes_whole_cores(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "rt", 2, "0-7")->smt = KT_SMT_ISOLATE;
    case_add(it, "web", 2, "0-7");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "0;2");
    sets_assert(placement, 1, "4-7;4-7");
}

static void
test_kind_is_chosen(void)
{
    g_autoptr(Case) it = case_new("core:8 pu:1");
    for (guint i = 0; i < 8; i++)
        it->topology->pus[i].kind = i >= 6;
    it->topology->n_kinds = 2;
    case_add_exclusive(it, "fast", 2, "0-7");
    case_add_exclusive(it, "slow", 2, "0-7")->kind = KT_KIND_EFFICIENT;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "6;7");
    sets_assert(placement, 1, "0;1");
}

/* Whoever got fast cores first gives them to who wants them. */
static void
test_kinds_are_exchanged(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:1");
    it->topology->n_kinds = 2;
    for (guint i = 0; i < 4; i++)
        it->topology->pus[i].kind = i >= 2;
    case_add_exclusive(it, "a", 2, "0-3")->kind = KT_KIND_ANY;
    case_add_exclusive(it, "b", 2, "0-3")->kind = KT_KIND_FAST;
    case_set_before(it, &it->domains[0], "2;3");
    it->domains[0].smt = KT_SMT_ISOLATE;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_autoptr(KtCpuset) cpus = sets_union(placement, 1);
    g_assert_cmpint(hwloc_bitmap_first(cpus), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/exclusive/one-l3", test_exclusive_in_one_l3);
    g_test_add_func("/placement/exclusive/memory", test_exclusive_on_node_of_memory);
    g_test_add_func("/placement/exclusive/device", test_exclusive_near_device);
    g_test_add_func("/placement/exclusive/housekeeping", test_housekeeping_is_avoided);
    g_test_add_func("/placement/exclusive/obstacles", test_obstacles_are_avoided);
    g_test_add_func("/placement/exclusive/whole-cores", test_whole_cores_before_siblings);
    g_test_add_func("/placement/exclusive/siblings", test_siblings_when_cores_are_gone);
    g_test_add_func("/placement/exclusive/share", test_share_packs_siblings);
    g_test_add_func("/placement/exclusive/isolate", test_isolate_takes_whole_cores);
    g_test_add_func("/placement/exclusive/kind", test_kind_is_chosen);
    g_test_add_func("/placement/exclusive/kinds-exchanged", test_kinds_are_exchanged);
    return g_test_run();
}
