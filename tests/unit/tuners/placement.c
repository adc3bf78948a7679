/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement.h"

#include "tests/unit/tuners/seating_rules.h"

#define HOST                                                                                                 \
    "pack:2 [numa] l3:2 core:4 pu:2" /* 32 CPUs, siblings are 2n and 2n+1, 8 CPUs a L3, 16 a node            \
                                      */

/* The sets of a domain, "1;2;4-7". Owned. */
static char *
sets_of(const KtPlacement *placement, guint domain)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < placement->seats[domain].n_vcpus; i++) {
        g_autofree char *set = kt_cpuset_format(placement->seats[domain].vcpus[i]);
        g_string_append_printf(text, "%s%s", i > 0 ? ";" : "", set);
    }
    return g_string_free(text, FALSE);
}

static void
assert_sets(const KtPlacement *placement, guint domain, const char *expected)
{
    g_autofree char *sets = sets_of(placement, domain);
    g_assert_cmpstr(sets, ==, expected);
}

static KtPlacement *
solve(Case *it)
{
    KtPlacement *placement = kt_placement_solve(case_problem(it));
    rules_check(it, placement);
    return placement;
}

/* The union of a domain's sets. Owned. */
static KtCpuset *
cpus_of(const KtPlacement *placement, guint domain)
{
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (guint i = 0; i < placement->seats[domain].n_vcpus; i++)
        hwloc_bitmap_or(cpus, cpus, placement->seats[domain].vcpus[i]);
    return cpus;
}

static guint
count_groups(const Case *it, const KtPlacement *placement, guint domain)
{
    g_autoptr(KtCpuset) cpus = cpus_of(placement, domain);
    guint n = 0;
    for (guint i = 0; i < it->topology->n_groups; i++)
        n += hwloc_bitmap_intersects(cpus, it->topology->groups[i].cpus);
    return n;
}

static guint
count_cores(const Case *it, const KtPlacement *placement, guint domain)
{
    g_autoptr(KtCpuset) cpus = cpus_of(placement, domain);
    guint n = 0;
    for (guint i = 0; i < it->topology->n_cores; i++)
        n += hwloc_bitmap_intersects(cpus, it->topology->cores[i].cpus);
    return n;
}

/* ---- own CPUs ---- */

static void
test_nobody(void)
{
    g_autoptr(Case) it = case_new(HOST);
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_cmpuint(placement->n_seats, ==, 0);
}

static void
test_exclusive_in_one_l3(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "db", 4, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0;2;4;6");
    g_assert_cmpstr(placement->seats[0].reason, ==, "4 own cores in one L3 (CPUs 0,2,4,6)");
}

static void
test_exclusive_on_node_of_memory(void)
{
    g_autoptr(Case) it = case_new(HOST);
    double shares[] = {0, 1};
    case_set_memory(it, case_add_exclusive(it, "db", 2, "0-31"), shares);
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "16;18");
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
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "16;18");
}

static void
test_housekeeping_is_avoided(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    it->housekeeping = case_set(it, "0-1");
    case_add_exclusive(it, "db", 3, "0-7");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "2;4;6");
}

static void
test_obstacles_are_avoided(void)
{
    /* Given somebody's manual pins on the first L3. */
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "manual", 2, "0-7")->placed = false;
    case_add_exclusive(it, "db", 4, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0-7;0-7");
    g_autoptr(KtCpuset) cpus = cpus_of(placement, 1);
    g_assert_false(hwloc_bitmap_intersects(cpus, it->domains[0].vcpus[0].before));
    g_assert_cmpuint(count_groups(it, placement, 1), ==, 1);
}

static void
test_whole_cores_before_siblings(void)
{
    /* Given 8 vCPUs and L3s of 4 cores: nearer would be both threads of one L3 (safety rule 7). */
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "db", 8, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_cmpuint(count_cores(it, placement, 0), ==, 8);
    g_assert_cmpuint(count_groups(it, placement, 0), ==, 2);
}

static void
test_siblings_when_cores_are_gone(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "db", 6, "0-7");
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_cmpuint(count_cores(it, placement, 0), ==, 4);
}

static void
test_share_packs_siblings(void)
{
    g_autoptr(Case) it = case_new(HOST);
    KtSeatDomain *domain = case_add_exclusive(it, "db", 4, "0-31");
    domain->smt = KT_SMT_SHARE;
    for (guint i = 0; i < 4; i++)
        case_vcpus(domain)[i].guest_core = (gint)(i / 2);
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0;1;2;3");
    g_assert_cmpstr(placement->seats[0].reason, ==, "4 own CPUs on 2 cores in one L3 (CPUs 0-3)");
}

static void
test_isolate_takes_whole_cores(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "rt", 2, "0-7")->smt = KT_SMT_ISOLATE;
    case_add(it, "web", 2, "0-7");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0;2");
    assert_sets(placement, 1, "4-7;4-7");
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
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "6;7");
    assert_sets(placement, 1, "0;1");
}

static void
test_spread_uses_all_groups(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "own", 4, "0-31")->policy = KT_PLACEMENT_SPREAD;
    case_add(it, "web", 2, "0-7")->policy = KT_PLACEMENT_SPREAD;
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_cmpuint(count_groups(it, placement, 0), ==, 4);
    g_assert_cmpuint(count_groups(it, placement, 1), ==, 4);
}

static void
test_larger_than_everything(void)
{
    /* Given a guest as large as the host. */
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "huge", 32, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_null(placement->seats[0].refusal);
}

static void
test_cells_on_distinct_nodes(void)
{
    for (guint exclusive = 0; exclusive < 2; exclusive++) {
        g_autoptr(Case) it = case_new(HOST);
        KtSeatDomain *domain = case_add(it, "big", 4, "0-31");
        domain->exclusive = exclusive;
        for (guint i = 0; i < 4; i++)
            case_vcpus(domain)[i].cell = (gint)(i / 2);
        g_autoptr(KtPlacement) placement = solve(it);
        const KtSeat *seat = &placement->seats[0];
        for (guint node = 0; node < 2; node++) {
            const KtCpuset *cpus = it->topology->nodes[node].cpus;
            g_assert_true(hwloc_bitmap_intersects(seat->vcpus[0], cpus) !=
                          hwloc_bitmap_intersects(seat->vcpus[2], cpus));
            g_assert_true(hwloc_bitmap_intersects(seat->vcpus[0], cpus) ==
                          hwloc_bitmap_intersects(seat->vcpus[1], cpus));
        }
    }
}

/* ---- common sets ---- */

static void
test_shared_has_an_l3(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "web", 2, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0-7;0-7");
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
    g_autoptr(KtPlacement) placement = solve(it);
    guint n_shared = 0;
    for (guint i = 0; i < 8; i++) {
        g_assert_cmpuint(count_groups(it, placement, i), ==, 1);
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
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0;1");
    assert_sets(placement, 1, "2-3;2-3;2-3");
}

static void
test_numa_has_whole_nodes(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "web", 2, "0-31")->policy = KT_PLACEMENT_NUMA;
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "0-15;0-15");
    g_assert_cmpstr(placement->seats[0].reason, ==, "alone in node 0 (CPUs 0-15)");
}

static void
test_large_shared_grows(void)
{
    /* Given more vCPUs than an L3 has CPUs. */
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "big", 14, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_cmpuint(count_groups(it, placement, 0), >=, 2);
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
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "4;5");
    assert_sets(placement, 1, "0-3;0-3");
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
    g_autoptr(KtPlacement) placement = solve(it);
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
    g_autoptr(KtPlacement) placement = solve(it);
    g_autoptr(KtCpuset) a = cpus_of(placement, 0), b = cpus_of(placement, 1);
    g_autofree char *web = kt_cpuset_format(b);
    g_assert_cmpstr(web, ==, hwloc_bitmap_isset(a, 9) ? "2-3" : "9");
}

/* ---- no room ---- */

static void
test_no_room_says_how_many_are_missing(void)
{
    g_autoptr(Case) it = case_new("core:8 pu:1");
    case_add_exclusive(it, "a", 5, "0-7");
    case_add_exclusive(it, "b", 4, "0-7");
    g_autoptr(KtPlacement) placement = solve(it);
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
    g_autoptr(KtPlacement) placement = solve(it);
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
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_nonnull(placement->seats[0].refusal);
    assert_sets(placement, 1, "0;1");
}

static void
test_no_room_isolate(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "rt", 5, "0-7")->smt = KT_SMT_ISOLATE;
    g_autoptr(KtPlacement) placement = solve(it);
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
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_nonnull(strstr(placement->seats[1].refusal, "3 free"));
}

static void
test_room_for_isolating_ones_first(void)
{
    /* Given a present that has a thread of each core, and one who needs a whole core. */
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_set_before(it, case_add_exclusive(it, "db", 4, "0"), "0;2;4;6");
    case_add_exclusive(it, "rt", 1, "0-7")->smt = KT_SMT_ISOLATE;
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_null(placement->seats[0].refusal);
    g_assert_null(placement->seats[1].refusal);
}

/* ---- stability ---- */

static void
test_good_seats_stay(void)
{
    /* Given seats that are as good as others. */
    g_autoptr(Case) it = case_new(HOST);
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "26;28");
    case_set_before(it, case_add(it, "web", 2, "0"), "8-15;8-15");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "26;28");
    assert_sets(placement, 1, "8-15;8-15");
}

static void
test_only_the_missing_moves(void)
{
    /* Given four seats of which one is on a CPU for housekeeping. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:8 pu:1");
    it->housekeeping = case_set(it, "0");
    case_set_before(it, case_add_exclusive(it, "db", 4, "0"), "0;1;2;3");
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "4;1;2;3");
}

static void
test_domain_stops(void)
{
    /* Given three that were placed, when one is gone: nobody else moves more than its set grows. */
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "a", 4, "0-31");
    case_add_exclusive(it, "b", 4, "0-31");
    case_add(it, "c", 4, "0-31");
    g_autoptr(KtPlacement) placement = solve(it);
    case_carry_out(it, placement);
    it->n_domains--;
    g_autoptr(KtPlacement) after = solve(it);
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
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_cmpuint(count_cores(it, placement, 0), ==, 4);
    g_autoptr(KtCpuset) cpus = cpus_of(placement, 0);
    g_assert_true(hwloc_bitmap_isincluded(cpus, it->topology->nodes[1].cpus));
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
    g_autoptr(KtPlacement) placement = solve(it);
    g_autoptr(KtCpuset) cpus = cpus_of(placement, 1);
    g_assert_cmpint(hwloc_bitmap_first(cpus), ==, 2);
}

static void
test_present(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "26;0-31");
    g_autoptr(KtPlacement) placement = kt_placement_present(case_problem(it));
    assert_sets(placement, 0, "26;0-31");
    g_assert_null(placement->seats[0].reason);
    g_assert_null(placement->seats[0].refusal);
}

static void
test_domain_without_vcpus(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "none", 0, "0");
    case_add_exclusive(it, "no-own", 0, "0");
    g_autoptr(KtPlacement) placement = solve(it);
    g_assert_null(placement->seats[0].refusal);
}

/* ---- memory that can't follow, and moves that must be worth it ---- */

static void
test_stays_on_the_node_of_bound_memory(void)
{
    /* Given a guest with huge pages on node 1, which is busy while node 0 is idle. */
    g_autoptr(Case) it = case_new(HOST);
    const bool nodes[] = {false, true};
    case_add(it, "manual", 40, "16-31")->placed = false;
    case_add_exclusive(it, "own", 2, "0-31")->nodes = nodes;
    case_add(it, "shared", 2, "0-31")->nodes = nodes;
    g_autoptr(KtPlacement) placement = solve(it);
    for (guint i = 1; i < 3; i++) {
        g_autoptr(KtCpuset) cpus = cpus_of(placement, i);
        g_assert_cmpint(hwloc_bitmap_first(cpus), >=, 16);
    }
}

static void
test_no_own_cpus_on_the_node_of_bound_memory(void)
{
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    const bool nodes[] = {false, true};
    case_add_exclusive(it, "own", 3, "0-3")->nodes = nodes;
    g_autoptr(KtPlacement) placement = solve(it);
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
    g_autoptr(KtPlacement) stays = solve(it);
    db->memory_follows = KT_MEMORY_TO_ONE_NODE;
    KtPlacementProblem problem = *case_problem(it);
    problem.node_room_gib = room;
    g_autoptr(KtPlacement) follows = kt_placement_solve(&problem);
    room[0] = 3;
    g_autoptr(KtPlacement) full = kt_placement_solve(&problem);
    g_autoptr(KtCpuset) without = cpus_of(stays, 1), with = cpus_of(follows, 1), with_full = cpus_of(full, 1);
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
    g_autoptr(KtPlacement) placement = solve(it);
    assert_sets(placement, 0, "12-15");
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

    g_autoptr(KtPlacement) stays = solve(it);
    big->memory_follows = KT_MEMORY_TO_NODES;
    g_autoptr(KtPlacement) goes_along = solve(it);

    g_autoptr(KtCpuset) near = cpus_of(stays, 1), anywhere = cpus_of(goes_along, 1);
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
    g_autoptr(KtPlacement) placement = solve(it);
    g_autoptr(KtCpuset) cpus = cpus_of(placement, 0);
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

    g_autoptr(KtPlacement) placement = solve(it);

    /* Then its CPUs are there, since on several nodes memory follows to none. */
    g_autoptr(KtCpuset) cpus = cpus_of(placement, 2);
    g_autofree char *list = kt_cpuset_format(cpus);
    g_assert_cmpstr(list, ==, "0-15");
}

static void
test_move_threshold(void)
{
    /* Given two guests in one L3 beside an empty one. */
    g_autoptr(Case) it = case_new("l3:2 core:4 pu:1");
    case_add(it, "a", 4, "0-3");
    case_add(it, "b", 4, "0-3");
    g_autoptr(KtPlacement) free_to_move = solve(it);
    for (guint i = 0; i < 2; i++)
        it->domains[i].move_threshold = 1000;
    g_autoptr(KtPlacement) reluctant = solve(it);
    g_autofree char *a = sets_of(free_to_move, 0), *b = sets_of(free_to_move, 1);
    g_assert_cmpstr(a, !=, b);
    assert_sets(reluctant, 0, "0-3;0-3;0-3;0-3");
    assert_sets(reluctant, 1, "0-3;0-3;0-3;0-3");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/nobody", test_nobody);
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
    g_test_add_func("/placement/exclusive/large", test_larger_than_everything);
    g_test_add_func("/placement/spread", test_spread_uses_all_groups);
    g_test_add_func("/placement/cells", test_cells_on_distinct_nodes);
    g_test_add_func("/placement/shared/l3", test_shared_has_an_l3);
    g_test_add_func("/placement/shared/several", test_shared_spread_out_and_tell);
    g_test_add_func("/placement/shared/beside-own", test_shared_leaves_own_cpus_alone);
    g_test_add_func("/placement/shared/numa", test_numa_has_whole_nodes);
    g_test_add_func("/placement/shared/large", test_large_shared_grows);
    g_test_add_func("/placement/isolcpus", test_isolated_cpus_only_one_to_one);
    g_test_add_func("/placement/isolcpus/only", test_only_isolated_cpus);
    g_test_add_func("/placement/not-placeable", test_cpus_that_are_not_placeable);
    g_test_add_func("/placement/no-room/missing", test_no_room_says_how_many_are_missing);
    g_test_add_func("/placement/no-room/priority", test_no_room_by_priority);
    g_test_add_func("/placement/no-room/newcomer", test_no_room_newcomer_waits);
    g_test_add_func("/placement/no-room/isolate", test_no_room_isolate);
    g_test_add_func("/placement/no-room/one-stays", test_a_cpu_stays_for_the_others);
    g_test_add_func("/placement/no-room/isolate-first", test_room_for_isolating_ones_first);
    g_test_add_func("/placement/stable/good-seats", test_good_seats_stay);
    g_test_add_func("/placement/stable/missing", test_only_the_missing_moves);
    g_test_add_func("/placement/stable/stops", test_domain_stops);
    g_test_add_func("/placement/stable/bad-seats", test_bad_seats_are_left);
    g_test_add_func("/placement/memory/bound", test_stays_on_the_node_of_bound_memory);
    g_test_add_func("/placement/memory/no-room", test_no_own_cpus_on_the_node_of_bound_memory);
    g_test_add_func("/placement/memory/follows", test_memory_follows_where_there_is_room);
    g_test_add_func("/placement/memory/several-nodes", test_memory_follows_to_no_set_of_several_nodes);
    g_test_add_func("/placement/memory/larger-than-a-node",
                    test_memory_follows_to_no_own_cpus_of_several_nodes);
    g_test_add_func("/placement/memory/strict", test_strict_memory_that_is_there_already);
    g_test_add_func("/placement/memory/cells", test_memory_of_cells_stays);
    g_test_add_func("/placement/stable/threshold", test_move_threshold);
    g_test_add_func("/placement/present", test_present);
    g_test_add_func("/placement/without-vcpus", test_domain_without_vcpus);
    return g_test_run();
}
