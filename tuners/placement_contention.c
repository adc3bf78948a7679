/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_state.h"

#include "tuners/cost_weights.h"

/* What the owners of a core pay for company there (T and C's 3), and what a zone pays for cores with more
 * load than they take (the rest of C). */

/* ---- company ---- */

/* Who has the CPUs of a core. */
typedef struct {
    guint n_domains;
    bool one_guest_core; /* all owners are threads of one guest core */
} Owners;

static Owners
owners_of(const KtState *state, guint core)
{
    const KtModel *model = state->model;
    const KtIndices *pus = &model->core_pus[core];
    Owners owners = {0, true};
    gint first = -1;
    for (guint i = 0; i < pus->n; i++) {
        gint vcpu = state->owner[pus->items[i]];
        if (vcpu < 0)
            continue;
        bool seen = false;
        for (guint j = 0; j < i && !seen; j++) {
            gint earlier = state->owner[pus->items[j]];
            seen = earlier >= 0 &&
                   kt_state_domain_of(state, (guint)earlier) == kt_state_domain_of(state, (guint)vcpu);
        }
        owners.n_domains += !seen;
        if (first < 0)
            first = vcpu;
        gint guest_core = model->vcpus[vcpu].guest_core;
        owners.one_guest_core &= guest_core >= 0 && guest_core == model->vcpus[first].guest_core;
    }
    owners.one_guest_core &= owners.n_domains == 1;
    return owners;
}

void
kt_state_note_owners(KtState *state, guint index)
{
    const KtModel *model = state->model;
    KtCoreState *core = &state->cores[index];
    const KtIndices *pus = &model->core_pus[index];
    Owners owners = owners_of(state, index);
    guint n_doubled = 0;
    core->n_owners = owners.n_domains;
    core->n_excused = 0;
    for (guint i = 0; core->n_owned > 1 && i < pus->n; i++) {
        gint vcpu = state->owner[pus->items[i]];
        if (vcpu < 0)
            continue;
        KtSmt smt = model->domains[kt_state_domain_of(state, (guint)vcpu)].wish->smt;
        core->n_excused += owners.one_guest_core || (owners.n_domains == 1 && smt == KT_SMT_SHARE);
        /* Whom safety rule 7 gives a spare whole core. */
        n_doubled += smt == KT_SMT_AUTO && !owners.one_guest_core;
    }
    state->n_doubled += n_doubled - core->n_doubled;
    core->n_doubled = n_doubled;
}

/* T for the owners of a core, and C's 3 for strangers. */
static double
owners_cost(const KtCoreState *core, guint n_sharing)
{
    guint n_others = core->n_obstacles + n_sharing;
    double cost = (double)KT_COST_STRANGER * core->n_owners * (core->n_owners + n_others - 1);
    if (core->n_owned + n_others <= 1)
        return cost;
    guint n_excused = n_others == 0 ? core->n_excused : 0;
    return cost + (double)KT_COST_SIBLING * (core->n_owned - n_excused);
}

void
kt_state_refresh_core(KtState *state, guint index)
{
    const KtModel *model = state->model;
    KtCoreState *core = &state->cores[index];
    KtZoneState *zone = &state->zones[model->zones->of_pu[model->core_pus[index].items[0]]];
    double cost = core->n_owned > 0 ? owners_cost(core, core->n_open > 0 ? zone->n_domains : 0) : 0;
    guint exposed = core->n_open > 0 ? core->n_owned : 0;
    zone->exposed += exposed - core->exposed;
    core->exposed = exposed;
    state->cost += cost - core->cost;
    core->cost = cost;
}

/* The same for all cores of a zone in which others share now. */
static void
refresh_company(KtState *state, guint index)
{
    KtZoneState *zone = &state->zones[index];
    const KtIndices *cores = &state->model->zone_cores[index];
    for (guint i = 0; zone->exposed > 0 && zone->n_domains != zone->n_counted && i < cores->n; i++) {
        if (state->cores[cores->items[i]].exposed > 0)
            kt_state_refresh_core(state, cores->items[i]);
    }
    zone->n_counted = zone->n_domains;
}

/* ---- overload ---- */

/* A core's load over what it takes, as a part of that: @fixed + @each · rate, where that isn't negative. */
typedef struct {
    double fixed;
    double each;
} CoreLoad;

static CoreLoad
core_load(const KtState *state, guint index)
{
    const KtCoreState *core = &state->cores[index];
    double capacity = state->model->core_capacity[index];
    return (CoreLoad){(core->own_load + core->obstacle_load) / capacity - 1, core->n_open / capacity};
}

double
kt_state_core_cost(const KtState *state, guint index)
{
    CoreLoad load = core_load(state, index);
    guint zone = state->model->zones->of_pu[state->model->core_pus[index].items[0]];
    double over = load.fixed + load.each * state->zones[zone].rate;
    return state->cores[index].cost + (over > 0 ? KT_COST_OVERLOAD * over * over : 0);
}

/* Which cores are overloaded at the zone's rate, and between which rates it is these. */
static void
find_overload(const KtState *state, guint index, KtOverload *it)
{
    const KtIndices *cores = &state->model->zone_cores[index];
    double rate = state->zones[index].rate;
    *it = (KtOverload){.low = -1, .high = G_MAXDOUBLE};
    for (guint i = 0; i < cores->n; i++) {
        CoreLoad load = core_load(state, cores->items[i]);
        double limit = load.each > 0 ? -load.fixed / load.each : load.fixed > 0 ? -1 : G_MAXDOUBLE;
        if (rate <= limit) {
            it->high = MIN(it->high, limit);
            continue;
        }
        it->low = MAX(it->low, limit);
        it->fixed += load.fixed * load.fixed;
        it->slope += 2 * load.fixed * load.each;
        it->curve += load.each * load.each;
    }
}

void
kt_state_refresh_zone(KtState *state, guint index)
{
    KtZoneState *zone = &state->zones[index];
    KtOverload *it = &zone->overload;
    refresh_company(state, index);
    if (zone->changed || zone->rate <= it->low || zone->rate > it->high)
        find_overload(state, index, it);
    zone->changed = false;
    double cost = KT_COST_OVERLOAD * (it->fixed + zone->rate * (it->slope + zone->rate * it->curve));
    state->cost += cost - zone->cost;
    zone->cost = cost;
}
