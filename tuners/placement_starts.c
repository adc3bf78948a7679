/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tuners/placement_search.h"

/* What a vCPU that has no room in the zone is taken to cost elsewhere. */
#define FAR_ESTIMATE 10

/* What a zone has for a unit. */
typedef struct {
    double whole;     /* vCPUs that have room without giving anything up */
    double squeezed;  /* more that have room */
    double strangers; /* of the whole ones: beside obstacles */
    double other_kind;
} Supply;

static Supply
supply_of(const KtState *state, const KtModelDomain *domain, guint zone)
{
    const KtModel *model = state->model;
    const KtIndices *cores = &model->zone_cores[zone];
    Supply supply = {0};
    for (guint i = 0; i < cores->n; i++) {
        const KtCoreState *core = &state->cores[cores->items[i]];
        const KtIndices *pus = &model->core_pus[cores->items[i]];
        guint n_free = 0;
        for (guint j = 0; j < pus->n; j++)
            n_free += kt_state_can_take(state, (guint)(domain - model->domains), pus->items[j]);
        if (n_free == 0)
            continue;
        guint whole = domain->wish->smt == KT_SMT_SHARE ? n_free : core->n_owned == 0;
        gint kind = model->topology->pus[pus->items[0]].kind;
        supply.whole += whole;
        supply.squeezed += domain->wish->smt == KT_SMT_ISOLATE ? 0 : n_free - whole;
        supply.strangers += core->n_obstacles > 0 ? whole : 0;
        supply.other_kind += domain->kind >= 0 && kind >= 0 && kind != domain->kind ? whole : 0;
    }
    return supply;
}

static bool
other_cell_on_node(const KtState *state, const KtUnit *unit, guint node)
{
    const KtModelDomain *domain = &state->model->domains[unit->domain];
    for (guint i = 0; domain->n_units > 1 && i < domain->n_units; i++) {
        if (i != unit->number && state->units[domain->first_unit + i].node_vcpus[node] > 0)
            return true;
    }
    return false;
}

/* Roughly what it costs to have the unit in and around @zone: it only says where to try. Negative: no room at
 * all. */
static double
estimate(const KtState *state, const KtUnit *unit, guint index)
{
    const KtModel *model = state->model;
    const KtModelDomain *domain = &model->domains[unit->domain];
    const KtZone *zone = &model->zones->zones[index];
    Supply supply = supply_of(state, domain, index);
    double room = supply.whole + supply.squeezed;
    if (room <= 0)
        return -1;
    double inside = MIN(unit->n, room);
    double load = unit->load * inside / unit->n;
    double squeezed = MAX(inside - supply.whole, 0);
    double share = supply.whole > 0 ? MIN(inside / supply.whole, 1) : 0;
    const KtGroupState *group = &state->groups[zone->group];
    double cost =
        KT_COST_CROWDING * (2 * group->load + load) * load / MAX(model->group_cores[zone->group], 1);
    cost += MAX(unit->n * domain->node_cost[zone->node], 0);
    cost += FAR_ESTIMATE * (unit->n - inside) + 2 * KT_COST_SIBLING * squeezed;
    cost += (KT_COST_SIBLING + KT_COST_STRANGER) * supply.strangers * share;
    cost += KT_COST_KIND * supply.other_kind * share;
    /* Siblings stay open to common sets unless all are taken. */
    if (state->zones[index].n_domains > 0 && domain->wish->smt == KT_SMT_AUTO && state->core_threads > 1)
        cost += (KT_COST_SIBLING + KT_COST_STRANGER) * inside;
    if (other_cell_on_node(state, unit, zone->node))
        cost += 5 * unit->n;
    return cost;
}

guint
kt_rank_starts(const KtState *state, const KtUnit *unit, KtStart starts[KT_MAX_STARTS])
{
    guint n = 0;
    for (guint i = 0; i < state->model->zones->n_zones; i++) {
        KtStart it = {i, estimate(state, unit, i)};
        if (it.estimate < 0)
            continue;
        guint at = n;
        while (at > 0 && it.estimate < starts[at - 1].estimate - 1e-9)
            at--;
        if (at >= KT_MAX_STARTS)
            continue;
        n = MIN(n + 1, KT_MAX_STARTS);
        memmove(starts + at + 1, starts + at, (n - at - 1) * sizeof *starts);
        starts[at] = it;
    }
    return n;
}
