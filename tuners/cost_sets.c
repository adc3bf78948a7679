/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/cost_sets.h"

/* Up to this number of pairs of CPUs they are summed one by one. */
#define FEW_PAIRS 256

static void
clear_run(gpointer run)
{
    g_free(((KtCostRun *)run)->pus);
}

static bool
continues(const KtCostRun *run, const KtSeatVcpu *vcpu, const KtCpuset *set)
{
    return run->cell == vcpu->cell && (run->set == set || hwloc_bitmap_isequal(run->set, set));
}

static void
fill_members(KtCostRun *run, const KtTopology *topology)
{
    int weight = hwloc_bitmap_weight(run->set);
    run->pus = g_new(guint, weight < 0 ? topology->n_pus : MIN((guint)weight, topology->n_pus));
    int os = -1;
    while ((os = hwloc_bitmap_next(run->set, os)) >= 0 && (guint)os < topology->n_os) {
        if (topology->pu_of_os[os] >= 0)
            run->pus[run->n_pus++] = (guint)topology->pu_of_os[os];
    }
}

GArray *
kt_cost_runs_new(const KtPlacementProblem *problem, const KtPlacement *placement, guint domain)
{
    const KtSeatDomain *wish = &problem->domains[domain];
    GArray *runs = g_array_new(FALSE, FALSE, sizeof(KtCostRun));
    g_array_set_clear_func(runs, clear_run);
    for (guint i = 0; i < wish->n_vcpus; i++) {
        const KtSeatVcpu *vcpu = &wish->vcpus[i];
        const KtCpuset *set = placement->seats[domain].vcpus[i];
        KtCostRun *last = runs->len > 0 ? &g_array_index(runs, KtCostRun, runs->len - 1) : NULL;
        if (last && continues(last, vcpu, set)) {
            last->n_vcpus++;
            last->load += vcpu->load;
            if (last->guest_core != vcpu->guest_core)
                last->guest_core = -1;
            continue;
        }
        KtCostRun run = {
            .set = set, .n_vcpus = 1, .load = vcpu->load, .cell = vcpu->cell, .guest_core = vcpu->guest_core};
        fill_members(&run, problem->topology);
        g_array_append_val(runs, run);
    }
    return runs;
}

static double
sum_one_by_one(const KtZones *zones, const KtCostRun *a, const KtCostRun *b, bool shared)
{
    double sum = 0;
    for (guint i = 0; i < a->n_pus; i++) {
        for (guint j = 0; j < b->n_pus; j++) {
            double distance = kt_zones_pu_distance(zones, a->pus[i], b->pus[j]);
            sum += shared ? MAX(distance, 2) : distance;
        }
    }
    return sum;
}

static guint *
count_by_zone(const KtZones *zones, const KtCostRun *run)
{
    guint *counts = g_new0(guint, zones->n_zones);
    for (guint i = 0; i < run->n_pus; i++)
        counts[zones->of_pu[run->pus[i]]]++;
    return counts;
}

static double
sum_by_zone(const KtZones *zones, const KtCostRun *a, const KtCostRun *b)
{
    g_autofree guint *in_a = count_by_zone(zones, a);
    g_autofree guint *in_b = count_by_zone(zones, b);
    double sum = 0;
    for (guint i = 0; i < zones->n_zones; i++) {
        for (guint j = 0; in_a[i] > 0 && j < zones->n_zones; j++) {
            if (in_b[j] > 0)
                sum += kt_zones_distance(zones, i, j) * in_a[i] * in_b[j];
        }
    }
    return sum;
}

/* How much nearer than by zone the pairs are that share an L2, a core or are one CPU. Zones are nested. */
static double
sum_of_nearness(const KtZones *zones, const KtCostRun *a, const KtCostRun *b)
{
    const KtTopology *topology = zones->topology;
    g_autofree guint *by_l2 = g_new0(guint, topology->n_l2 + 1);
    g_autofree guint *by_core = g_new0(guint, topology->n_cores);
    g_autofree guint *by_pu = g_new0(guint, topology->n_pus);
    for (guint i = 0; i < a->n_pus; i++) {
        const KtPu *pu = &topology->pus[a->pus[i]];
        by_pu[a->pus[i]]++;
        by_core[pu->core]++;
        if (pu->l2 >= 0)
            by_l2[pu->l2]++;
    }
    double sum = 0;
    for (guint i = 0; i < b->n_pus; i++) {
        const KtPu *pu = &topology->pus[b->pus[i]];
        double nearest = 2;
        if (pu->l2 >= 0) {
            sum += (nearest - 1) * by_l2[pu->l2];
            nearest = 1;
        }
        sum += (nearest - 0.5) * by_core[pu->core];
        sum += 0.5 * by_pu[b->pus[i]];
    }
    return sum;
}

double
kt_cost_mean_distance(const KtZones *zones, const KtCostRun *a, const KtCostRun *b, bool shared)
{
    double pairs = (double)a->n_pus * b->n_pus;
    if (pairs <= 0)
        return 0;
    if (pairs <= FEW_PAIRS || !zones->nested)
        return sum_one_by_one(zones, a, b, shared) / pairs;
    double sum = sum_by_zone(zones, a, b);
    if (!shared)
        sum -= sum_of_nearness(zones, a, b);
    return sum / pairs;
}
