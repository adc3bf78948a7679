/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/why.h"
#include "tuners/seats.h"

/* Whether each of its vCPUs has one CPU for itself among them. */
static bool
has_own_cpus(const KtSeatDomain *seat)
{
    g_autoptr(KtCpuset) seen = hwloc_bitmap_alloc();
    for (guint i = 0; i < seat->n_vcpus; i++) {
        const KtCpuset *set = seat->vcpus[i].before;
        if (hwloc_bitmap_weight(set) != 1 || hwloc_bitmap_intersects(seen, set))
            return false;
        hwloc_bitmap_or(seen, seen, set);
    }
    return seat->n_vcpus > 0;
}

/* Siblings that it uses now it may use elsewhere as well. */
static KtSmt
present_smt(const KtSeatDomain *seat, const KtTopology *topology)
{
    g_autoptr(KtCpuset) cores = hwloc_bitmap_alloc();
    for (guint i = 0; i < seat->n_vcpus; i++) {
        const KtPu *pu = kt_topology_pu(topology, (guint)hwloc_bitmap_first(seat->vcpus[i].before));
        if (pu != NULL && hwloc_bitmap_isset(cores, pu->core))
            return KT_SMT_SHARE;
        if (pu != NULL)
            hwloc_bitmap_set(cores, pu->core);
    }
    return KT_SMT_AUTO;
}

static void
read_wishes(KtPlacementProblem *problem, guint domain)
{
    for (guint i = 0; i < problem->n_domains; i++) {
        KtSeatDomain *seat = (KtSeatDomain *)&problem->domains[i];
        seat->exclusive = has_own_cpus(seat);
        seat->placed = seat->exclusive || i == domain;
        /* Others stay, even away from their memory: their moves would count in each alternative. */
        if (i != domain)
            g_clear_pointer((gpointer *)&seat->nodes, g_free);
        if (!seat->exclusive)
            continue;
        seat->smt = present_smt(seat, problem->topology);
        for (guint j = 0; j < seat->n_vcpus; j++)
            ((KtSeatVcpu *)&seat->vcpus[j])->load = 1;
    }
}

KtWhy *
kt_why_new(const KtSnapshot *snapshot, guint domain, guint max)
{
    const KtDomain *guest = snapshot->domains->pdata[domain];
    if (!guest->active || kt_domain_online_vcpus(guest) == 0)
        return NULL;
    g_autoptr(KtPlan) plan = kt_plan_new(snapshot);
    KtWhy *why = g_new0(KtWhy, 1);
    why->problem = kt_seats_build(snapshot, NULL, plan, NULL);
    why->problem->housekeeping = NULL;
    why->domain = (guint)plan->domains[domain].seat;
    read_wishes(why->problem, why->domain);
    why->alternatives = kt_placement_alternatives(why->problem, why->domain, max);
    return why;
}

void
kt_why_free(KtWhy *why)
{
    if (why == NULL)
        return;
    g_ptr_array_unref(why->alternatives);
    kt_seats_free(why->problem);
    g_free(why);
}
