/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/cost.h"

#include "tests/unit/tuners/seating_case.h"
#include "tests/unit/tuners/shared_topologies.h"

/* ---- the example of design section 10 ---- */

static void
test_example_whole_cores(void)
{
    /* Given an idle L3 of 8 cores, and 4 vCPUs on 4 of them. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:8 pu:2");
    KtSeatDomain *domain = case_add_exclusive(it, "db", 4, "0");
    case_set_before(it, domain, "0;2;4;6");
    double here[] = {1};
    case_set_memory(it, domain, here);
    KtCost cost = case_present_cost(it);
    case_assert_near(cost.locality, 8);
    case_assert_near(cost.crowding, 5);
    case_assert_near(cost.siblings, 0);
    case_assert_near(cost.contention, 0);
    case_assert_near(cost.total, 13);
}

static void
test_example_siblings(void)
{
    /* Given the same on 2 cores with both siblings: n·(L + T) is 54. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:8 pu:2");
    case_set_before(it, case_add_exclusive(it, "db", 4, "0"), "0;1;2;3");
    KtCost cost = case_present_cost(it);
    case_assert_near(cost.locality, 4 * 1.5);
    case_assert_near(cost.siblings, 48);
    case_assert_near(cost.locality + cost.siblings, 54);
    /* 2 on a core that takes 1.25: (2/1.25 − 1)² · 10, twice. */
    case_assert_near(cost.contention, 2 * 3.6);
}

/* ---- L ---- */

static void
test_locality_shared(void)
{
    /* Given two L3s of 2 CPUs on one node and one set over both: half of the pairs of CPUs are at 2, half
     * at 5. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:2 pu:1");
    case_add(it, "web", 3, "0-3");
    case_assert_near(case_present_cost(it).locality, 3 * 3.5);
}

static void
test_locality_cells(void)
{
    /* Given two cells on two nodes: only pairs within a cell count, here one of each. */
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    KtSeatDomain *domain = case_add_exclusive(it, "big", 4, "0");
    case_set_before(it, domain, "0;1;2;3");
    for (guint i = 0; i < 4; i++)
        case_vcpus(domain)[i].cell = (gint)(i / 2);
    case_assert_near(case_present_cost(it).locality, 4 * 2);
}

static void
test_locality_without_pairs(void)
{
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    case_add(it, "one", 1, "0-3");
    case_assert_near(case_present_cost(it).locality, 0);
}

/* ---- M and V ---- */

static void
test_memory_known(void)
{
    /* Given one vCPU on node 0 with a quarter of the memory on node 1, at 20: 5·(20/10 − 1) of a quarter. */
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    KtSeatDomain *domain = case_add(it, "web", 2, "0-1");
    double shares[] = {0.75, 0.25};
    case_set_memory(it, domain, shares);
    case_assert_near(case_present_cost(it).memory, 2 * 5 * 0.25);
}

static void
test_memory_unknown(void)
{
    /* Given a set over both nodes: memory counts on both alike, and each CPU is far from one. */
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    case_add(it, "web", 2, "0-3");
    case_assert_near(case_present_cost(it).memory, 2 * 2.5);
}

static void
test_memory_unknown_by_cell(void)
{
    /* Given a cell on each node: each is where its memory is. */
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    KtSeatDomain *domain = case_add(it, "big", 2, "0-1");
    case_set_before(it, domain, "0-1;2-3");
    case_vcpus(domain)[0].cell = 0;
    case_vcpus(domain)[1].cell = 1;
    case_assert_near(case_present_cost(it).memory, 0);
}

static void
test_memory_planned(void)
{
    /* Given memory that is planned to go to node 1, when the vCPUs stay on node 0. */
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    KtSeatDomain *domain = case_add(it, "web", 2, "0-1");
    double shares[] = {0.75, 0.25};
    case_set_memory(it, domain, shares);
    domain->memory_gib = 8;
    const KtPlacementProblem *problem = case_problem(it);
    g_autoptr(KtPlacement) placement = kt_placement_present(problem);
    placement->seats[0].memory_nodes = kt_cpuset_single(1);
    KtCost cost = kt_cost(problem, placement);
    case_assert_near(cost.memory, 2 * 5);
    case_assert_near(cost.moved_gib, 6);
    case_assert_near(cost.total, cost.locality + cost.memory + cost.crowding + cost.contention + 0.5 * 6);
}

static void
test_devices(void)
{
    /* Given a device on each node, and both vCPUs on node 0: half of it is far. */
    g_autoptr(Case) it = case_new("node:2 core:2 pu:1");
    KtSeatDomain *domain = case_add(it, "card", 2, "0-1");
    guint nodes[] = {0, 1};
    domain->device_nodes = nodes;
    domain->n_device_nodes = 2;
    case_assert_near(case_present_cost(it).devices, 2 * 2.5);
}

/* ---- T ---- */

static void
test_siblings_of_strangers(void)
{
    /* Given a domain that nobody places on the sibling of one of two exclusive vCPUs. */
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "0;2");
    case_add(it, "floating", 1, "1")->placed = false;
    KtCost cost = case_present_cost(it);
    case_assert_near(cost.siblings, 12);
    case_assert_near(cost.contention, 3 + 3.6);
}

static void
test_siblings_of_guest_threads(void)
{
    /* Given two guest cores of two threads: one on a core's threads, the other on two cores with a
     * stranger's. */
    g_autoptr(Case) it = case_new("core:4 pu:2");
    KtSeatDomain *domain = case_add_exclusive(it, "db", 4, "0");
    case_set_before(it, domain, "0;1;2;4");
    for (guint i = 0; i < 4; i++)
        case_vcpus(domain)[i].guest_core = (gint)(i / 2);
    case_assert_near(case_present_cost(it).siblings, 0);
    /* When threads of different guest cores share a core, they count. */
    case_set_before(it, domain, "0;2;1;3");
    case_assert_near(case_present_cost(it).siblings, 48);
}

static void
test_siblings_wished(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    KtSeatDomain *domain = case_add_exclusive(it, "db", 4, "0");
    case_set_before(it, domain, "0;1;2;3");
    domain->smt = KT_SMT_SHARE;
    case_assert_near(case_present_cost(it).siblings, 0);
    /* When a stranger is there too it isn't the wish any more. */
    case_add(it, "floating", 1, "3")->placed = false;
    case_assert_near(case_present_cost(it).siblings, 24);
}

/* ---- K ---- */

static void
test_kinds(void)
{
    /* Given a host with 2 efficient and 2 fast cores. */
    g_autoptr(Case) it = case_new("core:4 pu:1");
    for (guint i = 0; i < 4; i++)
        it->topology->pus[i].kind = i >= 2;
    it->topology->n_kinds = 2;
    KtSeatDomain *domain = case_add_exclusive(it, "db", 2, "0");
    case_set_before(it, domain, "1;2");
    const struct {
        KtKindWish wish;
        double cost;
    } wishes[] = {{KT_KIND_AUTO, 6}, {KT_KIND_FAST, 6}, {KT_KIND_EFFICIENT, 6}, {KT_KIND_ANY, 0}};
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++) {
        domain->kind = wishes[i].wish;
        case_assert_near(case_present_cost(it).kinds, wishes[i].cost);
    }
    case_set_before(it, domain, "2;3");
    domain->kind = KT_KIND_AUTO;
    case_assert_near(case_present_cost(it).kinds, 0);
    domain->exclusive = false;
    domain->kind = KT_KIND_EFFICIENT;
    case_assert_near(case_present_cost(it).kinds, 0);
}

/* ---- C and B ---- */

static void
test_contention_of_exclusive(void)
{
    /* Given exclusive vCPUs of two domains on one core: each is the other's stranger. */
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_add_exclusive(it, "a", 1, "0");
    case_add_exclusive(it, "b", 1, "1");
    case_assert_near(case_present_cost(it).contention, 3 + 3 + 3.6);
}

static void
test_contention_of_load(void)
{
    /* Given 6 vCPUs of measured load over 2 cores of one thread: 1.5 on each of them. */
    g_autoptr(Case) it = case_new("core:2 pu:1");
    KtSeatDomain *domain = case_add(it, "web", 6, "0-1");
    for (guint i = 0; i < 6; i++)
        case_vcpus(domain)[i].load = 0.5;
    KtCost cost = case_present_cost(it);
    case_assert_near(cost.contention, 2 * 10 * 0.25);
    case_assert_near(cost.crowding, 2.5 * 9 / 2);
}

static void
test_crowding_by_group(void)
{
    /* Given 4 of a load in one L3 of 2 cores and none in the other; who isn't placed counts alike. */
    g_autoptr(Case) it = case_new("pack:1 l3:2 core:2 pu:1");
    case_add(it, "web", 2, "0-1");
    case_add(it, "floating", 2, "0-1")->placed = false;
    KtCost cost = case_present_cost(it);
    case_assert_near(cost.crowding, 2.5 * 16 / 2);
    /* Of who isn't placed nothing else counts. */
    case_assert_near(cost.locality, 2 * 2);
}

static void
test_refused_is_not_placed(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:2");
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "0;1");
    const KtPlacementProblem *problem = case_problem(it);
    g_autoptr(KtPlacement) placement = kt_placement_present(problem);
    placement->seats[0].refusal = g_strdup("no room");
    KtCost cost = kt_cost(problem, placement);
    case_assert_near(cost.siblings + cost.locality, 0);
    case_assert_near(cost.total, 3.6 + 2.5 * 4 / 4);
}

static void
test_offline_cpus_are_no_members(void)
{
    /* Given a set that names CPUs that this host doesn't have. */
    g_autoptr(Case) it = case_new("core:2 pu:1");
    case_add(it, "web", 2, "0-1,5-9");
    case_assert_near(case_present_cost(it).crowding, 2.5 * 4 / 2);
}

static void
test_moves(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:1");
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "0;1");
    case_add(it, "floating", 3, "0-3")->placed = false;
    const KtPlacementProblem *problem = case_problem(it);
    g_autoptr(KtPlacement) placement = kt_placement_present(problem);
    hwloc_bitmap_only(placement->seats[0].vcpus[1], 2);
    KtCost before = case_present_cost(it), after = kt_cost(problem, placement);
    g_assert_cmpuint(before.moves, ==, 0);
    g_assert_cmpuint(after.moves, ==, 1);
}

/* ---- sets of many CPUs ---- */

/* The mean distance by its definition. */
static double
mean_distance(const KtTopology *topology, const KtCpuset *a, const KtCpuset *b, bool shared)
{
    double sum = 0, pairs = 0;
    for (guint i = 0; i < topology->n_pus; i++) {
        for (guint j = 0; j < topology->n_pus; j++) {
            if (!hwloc_bitmap_isset(a, topology->pus[i].os) || !hwloc_bitmap_isset(b, topology->pus[j].os))
                continue;
            double distance = kt_topology_distance(topology, &topology->pus[i], &topology->pus[j]);
            sum += shared ? MAX(distance, 2) : distance;
            pairs++;
        }
    }
    return sum / pairs;
}

static void
check_wide_sets(KtTopology *topology, gconstpointer data)
{
    (void)data;
    g_autoptr(Case) it = case_new_on(topology);
    g_autoptr(GRand) chance = g_rand_new_with_seed(7);
    for (guint round = 0; round < 4; round++) {
        KtCpuset *sets[2];
        for (guint i = 0; i < 2; i++) {
            sets[i] = case_set(it, "");
            for (guint j = 0; j < topology->n_pus; j++) {
                if (g_rand_boolean(chance))
                    hwloc_bitmap_set(sets[i], topology->pus[j].os);
            }
            hwloc_bitmap_set(sets[i], topology->pus[0].os);
        }
        it->n_domains = 0;
        KtSeatDomain *domain = case_add(it, "wide", 2, "0");
        case_vcpus(domain)[0].before = sets[0];
        case_vcpus(domain)[1].before = sets[1];
        for (guint exclusive = 0; exclusive < 2; exclusive++) {
            domain->exclusive = exclusive;
            g_assert_cmpfloat_with_epsilon(case_present_cost(it).locality,
                                           2 * mean_distance(topology, sets[0], sets[1], !exclusive), 1e-9);
        }
    }
}

static void
test_wide_sets(void)
{
    static const char *const topologies[] = {"pack:2 l3:4 l2:4 core:2 pu:2", "pack:2 [numa] core:8 pu:4",
                                             "node:4 core:8 pu:2", "core:16 pu:2",
                                             "pack:4 [numa] l3:2 core:4 pu:1"};
    for (guint i = 0; i < G_N_ELEMENTS(topologies); i++) {
        g_autoptr(GError) error = NULL;
        KtTopology *topology = kt_topology_from_synthetic(topologies[i], &error);
        g_assert_no_error(error);
        check_wide_sets(topology, NULL);
    }
}

static void
test_wide_sets_on_samples(void)
{
    shared_topologies_each(check_wide_sets, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cost/example/whole-cores", test_example_whole_cores);
    g_test_add_func("/cost/example/siblings", test_example_siblings);
    g_test_add_func("/cost/locality/shared", test_locality_shared);
    g_test_add_func("/cost/locality/cells", test_locality_cells);
    g_test_add_func("/cost/locality/without-pairs", test_locality_without_pairs);
    g_test_add_func("/cost/memory/known", test_memory_known);
    g_test_add_func("/cost/memory/unknown", test_memory_unknown);
    g_test_add_func("/cost/memory/unknown-by-cell", test_memory_unknown_by_cell);
    g_test_add_func("/cost/memory/planned", test_memory_planned);
    g_test_add_func("/cost/devices", test_devices);
    g_test_add_func("/cost/siblings/strangers", test_siblings_of_strangers);
    g_test_add_func("/cost/siblings/guest-threads", test_siblings_of_guest_threads);
    g_test_add_func("/cost/siblings/wished", test_siblings_wished);
    g_test_add_func("/cost/kinds", test_kinds);
    g_test_add_func("/cost/contention/exclusive", test_contention_of_exclusive);
    g_test_add_func("/cost/contention/load", test_contention_of_load);
    g_test_add_func("/cost/crowding/by-group", test_crowding_by_group);
    g_test_add_func("/cost/refused-is-not-placed", test_refused_is_not_placed);
    g_test_add_func("/cost/offline-cpus", test_offline_cpus_are_no_members);
    g_test_add_func("/cost/moves", test_moves);
    g_test_add_func("/cost/wide-sets/synthetic", test_wide_sets);
    g_test_add_func("/cost/wide-sets/samples", test_wide_sets_on_samples);
    return g_test_run();
}
