/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_sets.h"

static void
test_stays_on_the_node_of_bound_memory(void)
{
    /* Given a guest with huge pages on node 1, which is busy while node 0 is idle. */
    g_autoptr(Case) it = case_new(HOST);
    const bool nodes[] = {false, true};
    case_add(it, "manual", 40, "16-31")->placed = false;
    case_add_exclusive(it, "own", 2, "0-31")->nodes = nodes;
    case_add(it, "shared", 2, "0-31")->nodes = nodes;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    for (guint i = 1; i < 3; i++) {
        g_autoptr(KtCpuset) cpus = sets_union(placement, i);
        g_assert_cmpint(hwloc_bitmap_first(cpus), >=, 16);
    }
}

static void
test_no_own_cpus_on_the_node_of_bound_memory(void)
{
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    const bool nodes[] = {false, true};
    case_add_exclusive(it, "own", 3, "0-3")->nodes = nodes;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpstr(placement->seats[0].refusal, ==,
                    "3 own CPUs wanted, 2 free on the node of its memory, which can't follow: 1 missing; "
                    "cpu.exclusive = no for others would make room");
}

static void
test_memory_follows_where_there_is_room(void)
{
    /* Given a guest of 4 GiB on a node that is busy. */
    g_autoptr(Case) it = case_new(HOST);
    double there[] = {0, 1}, room[] = {8, 8};
    case_add(it, "manual", 24, "16-31")->placed = false;
    KtSeatDomain *db = case_add_exclusive(it, "db", 4, "16-31");
    case_set_memory(it, db, there);
    db->memory_gib = 4;
    g_autoptr(KtPlacement) stays = sets_solve(it);
    db->memory_follows = KT_MEMORY_TO_ONE_NODE;
    KtPlacementProblem problem = *case_problem(it);
    problem.node_room_gib = room;
    g_autoptr(KtPlacement) follows = kt_placement_solve(&problem);
    room[0] = 3;
    g_autoptr(KtPlacement) full = kt_placement_solve(&problem);
    g_autoptr(KtCpuset) without = sets_union(stays, 1), with = sets_union(follows, 1),
                        with_full = sets_union(full, 1);
    g_assert_cmpint(hwloc_bitmap_first(with), <, 16);
    g_assert_true(hwloc_bitmap_isequal(without, with_full));
}

static void
test_memory_follows_to_no_set_of_several_nodes(void)
{
    /* Given a guest of one vCPU, which an idle host would be less crowded with the more CPUs it may use. */
    g_autoptr(Case) it = case_new("pack:4 [numa] l3:1 core:4 pu:1");
    double there[] = {0, 0, 0, 1};
    KtSeatDomain *tiny = case_add(it, "tiny", 1, "0-15");
    case_set_memory(it, tiny, there);
    tiny->memory_gib = 0.1;
    tiny->memory_follows = KT_MEMORY_TO_ONE_NODE;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    sets_assert(placement, 0, "12-15");
}

static void
test_memory_follows_to_no_own_cpus_of_several_nodes(void)
{
    /* Given a guest that is larger than a node, and its memory on one that is half full. */
    g_autoptr(Case) it = case_new("pack:4 [numa] l3:1 core:4 pu:1");
    const bool last[] = {false, false, false, true};
    double there[] = {0, 0, 0, 1};
    case_add_exclusive(it, "bound", 2, "12-13")->nodes = last;
    KtSeatDomain *big = case_add_exclusive(it, "big", 6, "0-15");
    case_set_memory(it, big, there);
    big->memory_gib = 0.1;
    big->memory_follows = KT_MEMORY_TO_ONE_NODE;

    g_autoptr(KtPlacement) stays = sets_solve(it);
    big->memory_follows = KT_MEMORY_TO_NODES;
    g_autoptr(KtPlacement) goes_along = sets_solve(it);

    g_autoptr(KtCpuset) near = sets_union(stays, 1), anywhere = sets_union(goes_along, 1);
    g_assert_cmpint(hwloc_bitmap_last(near), >=, 12);
    g_assert_cmpint(hwloc_bitmap_last(anywhere), <, 12);
}

static void
test_strict_memory_that_is_there_already(void)
{
    /* Given a guest on two nodes, with half of much memory on each. */
    g_autoptr(Case) it = case_new("pack:2 [numa] l3:1 core:8 pu:1");
    double there[] = {0.5, 0.5};
    KtSeatDomain *big = case_add_exclusive(it, "big", 4, "1");
    case_set_memory(it, big, there);
    big->memory_gib = 256;
    big->memory_follows = KT_MEMORY_TO_NODES;
    case_set_before(it, big, "1;2;8;9");

    /* Then nobody brings 128 GiB to one of them. */
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_autoptr(KtCpuset) cpus = sets_union(placement, 0);
    g_assert_cmpint(hwloc_bitmap_first(cpus), <, 8);
    g_assert_cmpint(hwloc_bitmap_last(cpus), >=, 8);
}

static void
test_memory_of_cells_stays(void)
{
    /* Given a guest of two cells, whose memory is on two nodes with others on them. */
    g_autoptr(Case) it = case_new("pack:4 [numa] l3:1 core:8 pu:1");
    double there[] = {0.5, 0.5, 0, 0};
    case_add(it, "a", 3, "0-7")->placed = false;
    case_add(it, "b", 3, "8-15")->placed = false;
    KtSeatDomain *big = case_add(it, "big", 8, "0-31");
    for (guint i = 0; i < 8; i++)
        case_vcpus(big)[i].cell = i / 4;
    case_set_memory(it, big, there);
    big->memory_gib = 1;
    big->memory_follows = KT_MEMORY_TO_ONE_NODE;

    g_autoptr(KtPlacement) placement = sets_solve(it);

    /* Then its CPUs are there, since on several nodes memory follows to none. */
    g_autoptr(KtCpuset) cpus = sets_union(placement, 2);
    g_autofree char *list = kt_cpuset_format(cpus);
    g_assert_cmpstr(list, ==, "0-15");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/memory/bound", test_stays_on_the_node_of_bound_memory);
    g_test_add_func("/placement/memory/no-room", test_no_own_cpus_on_the_node_of_bound_memory);
    g_test_add_func("/placement/memory/follows", test_memory_follows_where_there_is_room);
    g_test_add_func("/placement/memory/several-nodes", test_memory_follows_to_no_set_of_several_nodes);
    g_test_add_func("/placement/memory/larger-than-a-node",
                    test_memory_follows_to_no_own_cpus_of_several_nodes);
    g_test_add_func("/placement/memory/strict", test_strict_memory_that_is_there_already);
    g_test_add_func("/placement/memory/cells", test_memory_of_cells_stays);
    return g_test_run();
}
