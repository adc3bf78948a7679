/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "bench/perf/oracle.h"
#include "tests/unit/tuners/seating_rules.h"

/* On tiny hosts the solved placement is compared with the best of all legal ones, which are all written down
 * and counted one by one; so is the oracle of bench/perf, which leaves out what it needn't try and so can
 * judge larger cases. */

static const char *const hosts[] = {"core:4 pu:1",
                                    "core:2 pu:2",
                                    "pack:1 l3:2 core:2 pu:1",
                                    "node:2 core:2 pu:1",
                                    "pack:2 [numa] core:1 pu:2",
                                    "core:3 pu:1"};

typedef struct {
    Case *it;
    KtPlacement *placement; /* the one that is looked at */
    double best;
} Search;

/* ---- what is legal beside section 10's sets ---- */

static guint
count_on_core(const Search *search, guint core, const KtCpuset *cpus)
{
    guint n = 0;
    for (guint i = 0; i < search->it->topology->n_pus; i++)
        n += search->it->topology->pus[i].core == core &&
             hwloc_bitmap_isset(cpus, search->it->topology->pus[i].os);
    return n;
}

/* All own CPUs of the domains, or of one. Owned. */
static KtCpuset *
own_cpus(const Search *search, gint only)
{
    KtCpuset *own = hwloc_bitmap_alloc();
    for (guint i = 0; i < search->it->n_domains; i++) {
        for (guint j = 0; search->it->domains[i].exclusive && (only < 0 || (guint)only == i) &&
                          j < search->it->domains[i].n_vcpus;
             j++)
            hwloc_bitmap_or(own, own, search->placement->seats[i].vcpus[j]);
    }
    return own;
}

/* Safety rule 7, and what `share` means: no sibling while a whole core is free, and no core more than needed.
 */
static bool
follows_wishes(const Search *search)
{
    const KtTopology *topology = search->it->topology;
    g_autoptr(KtCpuset) own = own_cpus(search, -1);
    guint n_free_cores = 0;
    for (guint i = 0; i < topology->n_cores; i++)
        n_free_cores += count_on_core(search, i, own) == 0;
    for (guint i = 0; i < search->it->n_domains; i++) {
        const KtSeatDomain *wish = &search->it->domains[i];
        g_autoptr(KtCpuset) its = own_cpus(search, (gint)i);
        guint threads = topology->n_pus / topology->n_cores, n_cores = 0;
        for (guint j = 0; j < topology->n_cores; j++) {
            n_cores += count_on_core(search, j, its) > 0;
            if (wish->smt == KT_SMT_AUTO && n_free_cores > 0 && count_on_core(search, j, its) > 0 &&
                count_on_core(search, j, own) > 1)
                return false;
        }
        if (wish->smt == KT_SMT_SHARE && wish->exclusive && n_cores > (wish->n_vcpus + threads - 1) / threads)
            return false;
    }
    return true;
}

/* ---- all placements ---- */

static void try_domain(Search *search, guint domain);

static void
try_shared(Search *search, guint domain)
{
    const KtTopology *topology = search->it->topology;
    const KtSeatDomain *wish = &search->it->domains[domain];
    g_autoptr(KtCpuset) closed = rules_closed(search->it, search->placement);
    bool numa = wish->policy == KT_PLACEMENT_NUMA;
    guint n = numa ? topology->n_nodes : topology->n_groups;
    for (guint chosen = 1; chosen < 1u << n; chosen++) {
        g_autoptr(KtCpuset) set = hwloc_bitmap_alloc();
        for (guint i = 0; i < n; i++) {
            if (chosen >> i & 1)
                hwloc_bitmap_or(set, set, numa ? topology->nodes[i].cpus : topology->groups[i].cpus);
        }
        hwloc_bitmap_andnot(set, set, closed);
        if (hwloc_bitmap_iszero(set))
            continue;
        for (guint i = 0; i < wish->n_vcpus; i++)
            hwloc_bitmap_copy(search->placement->seats[domain].vcpus[i], set);
        try_domain(search, domain + 1);
    }
}

static void
try_exclusive(Search *search, guint domain, guint vcpu)
{
    const KtSeatDomain *wish = &search->it->domains[domain];
    if (vcpu == wish->n_vcpus) {
        try_domain(search, domain + 1);
        return;
    }
    const KtTopology *topology = search->it->topology;
    KtCpuset *set = search->placement->seats[domain].vcpus[vcpu];
    for (guint i = 0; i < topology->n_pus; i++) {
        hwloc_bitmap_zero(set);
        g_autoptr(KtCpuset) own = own_cpus(search, -1);
        g_autoptr(KtCpuset) closed = rules_closed(search->it, search->placement);
        bool alone = count_on_core(search, topology->pus[i].core, own) == 0;
        bool isolated =
            !hwloc_bitmap_isset(own, topology->pus[i].os) && hwloc_bitmap_isset(closed, topology->pus[i].os);
        if (hwloc_bitmap_isset(own, topology->pus[i].os) || isolated ||
            (wish->smt == KT_SMT_ISOLATE && !alone))
            continue;
        hwloc_bitmap_only(set, topology->pus[i].os);
        try_exclusive(search, domain, vcpu + 1);
        hwloc_bitmap_zero(set);
    }
}

/* What the memory tuner makes of a placement: who has all his CPUs on one node has his memory there. */
static void
plan_memory(const Case *it, KtPlacement *placement)
{
    for (guint i = 0; i < it->n_domains; i++) {
        KtSeat *seat = &placement->seats[i];
        g_autoptr(KtCpuset) cpus = hwloc_bitmap_alloc();
        for (guint j = 0; j < seat->n_vcpus; j++)
            hwloc_bitmap_or(cpus, cpus, seat->vcpus[j]);
        g_clear_pointer(&seat->memory_nodes, kt_cpuset_free);
        for (guint j = 0; it->domains[i].memory_follows && j < it->topology->n_nodes; j++) {
            if (!hwloc_bitmap_isincluded(cpus, it->topology->nodes[j].cpus))
                continue;
            seat->memory_nodes = hwloc_bitmap_alloc();
            hwloc_bitmap_only(seat->memory_nodes, it->topology->nodes[j].os);
        }
    }
}

static double
cost_of(Case *it, KtPlacement *placement)
{
    plan_memory(it, placement);
    return kt_cost(case_problem(it), placement).total;
}

/* Domains from @domain on, all ways; those with own CPUs are first. */
static void
try_domain(Search *search, guint domain)
{
    if (domain < search->it->n_domains) {
        if (search->it->domains[domain].exclusive)
            try_exclusive(search, domain, 0);
        else
            try_shared(search, domain);
        return;
    }
    if (follows_wishes(search))
        search->best = MIN(search->best, cost_of(search->it, search->placement));
}

static double
best_cost(Case *it)
{
    g_autoptr(KtPlacement) placement = kt_placement_present(case_problem(it));
    for (guint i = 0; i < it->n_domains; i++) {
        for (guint j = 0; j < it->domains[i].n_vcpus && it->domains[i].exclusive; j++)
            hwloc_bitmap_zero(placement->seats[i].vcpus[j]);
    }
    Search search = {it, placement, INFINITY};
    try_domain(&search, 0);
    return search.best;
}

/* ---- the comparison ---- */

static void
add_domain(Case *it, GRand *chance, bool exclusive, guint most)
{
    g_autofree char *name = g_strdup_printf("guest-%u", it->n_domains);
    g_autofree char *online = kt_cpuset_format(it->topology->online);
    KtSeatDomain *domain = case_add(it, name, (guint)g_rand_int_range(chance, 1, (gint)most + 1), online);
    domain->exclusive = exclusive;
    domain->smt = (KtSmt)g_rand_int_range(chance, 0, 3);
    domain->policy = (KtPlacementPolicy)g_rand_int_range(chance, 0, 2);
    if (g_rand_boolean(chance)) {
        g_autofree double *shares = g_new0(double, it->topology->n_nodes);
        shares[g_rand_int_range(chance, 0, (gint)it->topology->n_nodes)] = 1;
        case_set_memory(it, domain, shares);
    }
    for (guint i = 0; i < domain->n_vcpus && g_rand_boolean(chance); i++) {
        guint pu = (guint)g_rand_int_range(chance, 0, (gint)it->topology->n_pus);
        KtCpuset *set = case_set(it, "");
        hwloc_bitmap_only(set, it->topology->pus[pu].os);
        case_vcpus(domain)[i].before = set;
    }
}

/* The other oracle finds the same best, or none as well. */
static void
check_other_oracle(Case *it, double best)
{
    g_autoptr(Ground) ground = ground_new(it->topology);
    g_autoptr(Board) board = board_new(ground, case_problem(it));
    OracleResult result = oracle_solve(board);
    bool follows_all = result.placement && result.score.broken == 0;
    g_assert_true(follows_all == !isinf(best));
    if (follows_all)
        case_assert_near(result.score.cost, best);
    kt_placement_free(result.placement);
}

/* A host with one domain or two, from chance. */
static Case *
case_by_chance(guint seed, const char *host)
{
    g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
    Case *it = case_new(host);
    bool second = g_rand_boolean(chance);
    add_domain(it, chance, g_rand_boolean(chance), 3);
    if (second)
        add_domain(it, chance, it->domains[0].exclusive && g_rand_boolean(chance), 3);
    return it;
}

typedef struct {
    guint n, n_equal;
    double worst;
} Tally;

/* Solves a case; @best: what all ways together come to. */
static void
compare(Case *it, double best, Tally *tally)
{
    g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
    bool second = it->n_domains > 1;
    bool refused = placement->seats[0].refusal || (second && placement->seats[1].refusal);
    /* What all ways together don't find, is refused, and only that. */
    g_assert_true(refused == isinf(best) || second);
    if (refused)
        return;
    double found = cost_of(it, placement);
    tally->n++;
    tally->n_equal += found <= best + 1e-9;
    tally->worst = MAX(tally->worst, best > 0 ? found / best : 1);
    g_test_message("found %.4f, best %.4f", found, best);
    g_assert_cmpfloat(found, <=, 1.05 * best + 1e-9);
    /* It can't be better than all. */
    g_assert_cmpfloat(found, >=, best - 1e-9);
}

static void
assert_mostly_equal(const Tally *tally)
{
    g_test_message("%u of %u equal, worst %.4f", tally->n_equal, tally->n, tally->worst);
    g_assert_cmpuint(tally->n, >, 200);
    g_assert_cmpuint(tally->n_equal * 100, >=, tally->n * 95);
}

static void
test_oracle(void)
{
    Tally tally = {.worst = 1};
    for (guint seed = 0; seed < 300; seed++) {
        const char *host = hosts[seed % G_N_ELEMENTS(hosts)];
        g_autoptr(Case) it = case_by_chance(seed, host);
        g_test_message("seed %u: %s", seed, host);
        double best = best_cost(it);
        check_other_oracle(it, best);
        compare(it, best, &tally);
    }
    assert_mostly_equal(&tally);
}

static void
test_memory_follows(void)
{
    static const char *const several_nodes[] = {"node:2 core:2 pu:1", "node:4 core:1 pu:1",
                                                "node:2 l3:2 core:1 pu:1", "pack:2 [numa] core:1 pu:2"};
    Tally tally = {.worst = 1};
    for (guint seed = 0; seed < 300; seed++) {
        const char *host = several_nodes[seed % G_N_ELEMENTS(several_nodes)];
        g_autoptr(Case) it = case_by_chance(seed, host);
        for (guint i = 0; i < it->n_domains; i++) {
            it->domains[i].memory_gib = it->domains[i].memory_share ? 1 : 0;
            it->domains[i].memory_follows = KT_MEMORY_TO_ONE_NODE;
        }
        g_test_message("seed %u: %s", seed, host);
        compare(it, best_cost(it), &tally);
    }
    assert_mostly_equal(&tally);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-oracle/tiny-hosts", test_oracle);
    g_test_add_func("/placement-oracle/memory-follows", test_memory_follows);
    return g_test_run();
}
