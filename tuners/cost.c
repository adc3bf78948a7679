/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/cost.h"

#include "tuners/cost_sets.h"
#include "tuners/cost_weights.h"

#define NO_DOMAIN G_MAXUINT
#define NO_RUN G_MAXUINT
/* KtCoreUse.guest_core before the first vCPU. */
#define UNSEEN (-2)

/* Who may run on one core. */
typedef struct {
    double load;
    guint n_vcpus;
    guint n_domains;
    guint n_exclusive; /* domains with an exclusive vCPU here */
    gint guest_core;   /* the one that all vCPUs here are threads of, as far as they are of one domain; -1 =
                          none */
    guint last_domain; /* the one counted last: each counts once */
    guint last_run;
} KtCoreUse;

typedef struct {
    const KtPlacementProblem *problem;
    const KtPlacement *placement;
    const KtTopology *topology;
    KtZones *zones;
    KtCoreUse *cores;
    double *group_load;
    guint n_runs; /* seen so far */
} KtCosting;

static bool
is_placed(const KtCosting *costing, guint domain)
{
    return costing->problem->domains[domain].placed && !costing->placement->seats[domain].refusal;
}

static bool
is_exclusive(const KtCosting *costing, guint domain)
{
    return is_placed(costing, domain) && costing->problem->domains[domain].exclusive;
}

/* ---- who is where ---- */

static void
count_on_core(const KtCosting *costing, guint domain, const KtCostRun *run, KtCoreUse *core)
{
    if (core->last_run == costing->n_runs)
        return;
    core->last_run = costing->n_runs;
    core->n_vcpus += run->n_vcpus;
    if (core->guest_core == UNSEEN)
        core->guest_core = run->guest_core;
    else if (core->guest_core != run->guest_core)
        core->guest_core = -1;
    if (core->last_domain == domain)
        return;
    core->last_domain = domain;
    core->n_domains++;
    if (is_exclusive(costing, domain))
        core->n_exclusive++;
}

static void
count_domain(KtCosting *costing, guint domain)
{
    g_autoptr(GArray) runs = kt_cost_runs_new(costing->problem, costing->placement, domain);
    for (guint i = 0; i < runs->len; i++) {
        const KtCostRun *run = &g_array_index(runs, KtCostRun, i);
        double load = run->n_pus > 0 ? run->load / run->n_pus : 0;
        for (guint j = 0; j < run->n_pus; j++) {
            const KtPu *pu = &costing->topology->pus[run->pus[j]];
            costing->group_load[pu->group] += load;
            costing->cores[pu->core].load += load;
            count_on_core(costing, domain, run, &costing->cores[pu->core]);
        }
        costing->n_runs++;
    }
}

/* ---- C and B: the host as a whole ---- */

static double
contention(const KtCosting *costing)
{
    g_autofree guint *threads = g_new0(guint, costing->topology->n_cores);
    for (guint i = 0; i < costing->topology->n_pus; i++)
        threads[costing->topology->pus[i].core]++;
    double sum = 0;
    for (guint i = 0; i < costing->topology->n_cores; i++) {
        const KtCoreUse *core = &costing->cores[i];
        double capacity = threads[i] > 1 ? KT_COST_THREADED_CAPACITY : 1;
        double overload = MAX(core->load / capacity - 1, 0);
        if (core->n_exclusive > 0)
            sum += KT_COST_STRANGER * (double)core->n_exclusive * (core->n_domains - 1);
        sum += KT_COST_OVERLOAD * overload * overload;
    }
    return sum;
}

static double
crowding(const KtCosting *costing)
{
    const KtTopology *topology = costing->topology;
    g_autofree guint *cores = kt_zones_group_cores(topology);
    double sum = 0;
    for (guint i = 0; i < topology->n_groups; i++) {
        if (cores[i] > 0)
            sum += KT_COST_CROWDING * costing->group_load[i] * costing->group_load[i] / cores[i];
    }
    return sum;
}

/* ---- one domain ---- */

static double
locality(const KtCosting *costing, const GArray *runs, bool shared)
{
    double sum = 0, pairs = 0;
    for (guint i = 0; i < runs->len; i++) {
        const KtCostRun *a = &g_array_index(runs, KtCostRun, i);
        double within = (double)a->n_vcpus * (a->n_vcpus - 1) / 2;
        if (within > 0)
            sum += within * kt_cost_mean_distance(costing->zones, a, a, shared);
        pairs += within;
        for (guint j = i + 1; j < runs->len; j++) {
            const KtCostRun *b = &g_array_index(runs, KtCostRun, j);
            if (a->cell != b->cell)
                continue;
            double between = (double)a->n_vcpus * b->n_vcpus;
            sum += between * kt_cost_mean_distance(costing->zones, a, b, shared);
            pairs += between;
        }
    }
    return pairs > 0 ? sum / pairs : 0;
}

/* Weights of the memory nodes of the vCPUs in @cell, by node index; owned. */
static double *
memory_weights(const KtCosting *costing, guint domain, const GArray *runs, gint cell)
{
    const KtTopology *topology = costing->topology;
    const KtSeatDomain *wish = &costing->problem->domains[domain];
    const KtCpuset *planned = costing->placement->seats[domain].memory_nodes;
    if (!planned && wish->memory_share)
        return g_memdup2(wish->memory_share, topology->n_nodes * sizeof *wish->memory_share);

    double *weights = g_new0(double, topology->n_nodes);
    for (guint i = 0; planned && i < topology->n_nodes; i++)
        weights[i] = hwloc_bitmap_isset(planned, topology->nodes[i].os);
    for (guint i = 0; !planned && i < runs->len; i++) {
        const KtCostRun *run = &g_array_index(runs, KtCostRun, i);
        for (guint j = 0; run->cell == cell && j < run->n_pus; j++)
            weights[topology->pus[run->pus[j]].node] = 1;
    }
    double sum = 0;
    for (guint i = 0; i < topology->n_nodes; i++)
        sum += weights[i];
    for (guint i = 0; sum > 0 && i < topology->n_nodes; i++)
        weights[i] /= sum;
    return weights;
}

/* What the vCPUs of a run pay together for @weights, by the means over the members of their set. */
static double
run_node_cost(const KtCosting *costing, const KtCostRun *run, const double *weights)
{
    const KtTopology *topology = costing->topology;
    g_autofree guint *members = g_new0(guint, topology->n_nodes);
    for (guint i = 0; i < run->n_pus; i++)
        members[topology->pus[run->pus[i]].node]++;
    double sum = 0;
    for (guint i = 0; i < topology->n_nodes; i++) {
        for (guint j = 0; members[i] > 0 && j < topology->n_nodes; j++)
            sum += members[i] * weights[j] * kt_zones_node_cost(topology, i, j);
    }
    return run->n_pus > 0 ? run->n_vcpus * sum / run->n_pus : 0;
}

static double
memory(const KtCosting *costing, guint domain, const GArray *runs)
{
    g_autofree double *weights = NULL;
    double sum = 0;
    gint cell = -1;
    for (guint i = 0; i < runs->len; i++) {
        const KtCostRun *run = &g_array_index(runs, KtCostRun, i);
        if (!weights || run->cell != cell) {
            cell = run->cell;
            g_free(weights);
            weights = memory_weights(costing, domain, runs, cell);
        }
        sum += run_node_cost(costing, run, weights);
    }
    return sum;
}

static double
devices(const KtCosting *costing, guint domain, const GArray *runs)
{
    const KtSeatDomain *wish = &costing->problem->domains[domain];
    if (wish->n_device_nodes == 0)
        return 0;
    g_autofree double *weights = g_new0(double, costing->topology->n_nodes);
    for (guint i = 0; i < wish->n_device_nodes; i++)
        weights[wish->device_nodes[i]] += 1.0 / wish->n_device_nodes;
    double sum = 0;
    for (guint i = 0; i < runs->len; i++)
        sum += run_node_cost(costing, &g_array_index(runs, KtCostRun, i), weights);
    return sum;
}

/* Whether a vCPU of the (exclusive) domain has a stranger on one of its set's cores. */
static bool
has_sibling(const KtCosting *costing, guint domain, const KtCostRun *run)
{
    bool may_share = costing->problem->domains[domain].smt == KT_SMT_SHARE;
    for (guint i = 0; i < run->n_pus; i++) {
        const KtCoreUse *core = &costing->cores[costing->topology->pus[run->pus[i]].core];
        bool excused = core->n_domains == 1 && (may_share || core->guest_core >= 0);
        if (core->n_vcpus > 1 && !excused)
            return true;
    }
    return false;
}

static bool
has_other_kind(const KtCosting *costing, const KtCostRun *run, gint wanted)
{
    for (guint i = 0; wanted >= 0 && i < run->n_pus; i++) {
        gint kind = costing->topology->pus[run->pus[i]].kind;
        if (kind >= 0 && kind != wanted)
            return true;
    }
    return false;
}

static gdouble
moved_gib(const KtCosting *costing, guint domain)
{
    const KtSeatDomain *wish = &costing->problem->domains[domain];
    const KtCpuset *planned = costing->placement->seats[domain].memory_nodes;
    if (!planned || !wish->memory_share)
        return 0;
    double moving = 0;
    for (guint i = 0; i < costing->topology->n_nodes; i++) {
        if (!hwloc_bitmap_isset(planned, costing->topology->nodes[i].os))
            moving += wish->memory_share[i];
    }
    return moving * wish->memory_gib;
}

static guint
moves(const KtCosting *costing, guint domain)
{
    const KtSeatDomain *wish = &costing->problem->domains[domain];
    guint n = 0;
    for (guint i = 0; i < wish->n_vcpus; i++)
        n += !hwloc_bitmap_isequal(wish->vcpus[i].before, costing->placement->seats[domain].vcpus[i]);
    return n;
}

static void
add_domain(const KtCosting *costing, guint domain, KtCost *cost)
{
    const KtSeatDomain *wish = &costing->problem->domains[domain];
    g_autoptr(GArray) runs = kt_cost_runs_new(costing->problem, costing->placement, domain);
    bool exclusive = is_exclusive(costing, domain);
    gint kind = kt_zones_wanted_kind(costing->topology, wish->kind);
    for (guint i = 0; exclusive && i < runs->len; i++) {
        const KtCostRun *run = &g_array_index(runs, KtCostRun, i);
        if (has_sibling(costing, domain, run))
            cost->siblings += (double)KT_COST_SIBLING * run->n_vcpus;
        if (has_other_kind(costing, run, kind))
            cost->kinds += (double)KT_COST_KIND * run->n_vcpus;
    }
    cost->locality += wish->n_vcpus * locality(costing, runs, !exclusive);
    cost->memory += memory(costing, domain, runs);
    cost->devices += devices(costing, domain, runs);
    cost->moves += moves(costing, domain);
    cost->moved_gib += moved_gib(costing, domain);
}

KtCost
kt_cost(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    const KtTopology *topology = problem->topology;
    g_autoptr(KtZones) zones = kt_zones_new(topology);
    g_autofree KtCoreUse *cores = g_new(KtCoreUse, topology->n_cores);
    g_autofree double *group_load = g_new0(double, topology->n_groups);
    for (guint i = 0; i < topology->n_cores; i++)
        cores[i] = (KtCoreUse){.guest_core = UNSEEN, .last_domain = NO_DOMAIN, .last_run = NO_RUN};
    KtCosting costing = {problem, placement, topology, zones, cores, group_load, 0};

    KtCost cost = {0};
    for (guint i = 0; i < problem->n_domains; i++)
        count_domain(&costing, i);
    for (guint i = 0; i < problem->n_domains; i++) {
        if (is_placed(&costing, i))
            add_domain(&costing, i, &cost);
    }
    cost.contention = contention(&costing);
    cost.crowding = crowding(&costing);
    cost.total = cost.locality + cost.memory + cost.devices + cost.siblings + cost.kinds + cost.contention +
                 cost.crowding + KT_COST_MOVE * cost.moves + KT_COST_MOVED_GIB * cost.moved_gib;
    return cost;
}
