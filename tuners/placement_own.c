/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/cost_weights.h"
#include "tuners/placement_state.h"

/* What the wishes say and section 10's cost doesn't: more than any cost it could be weighed against. */
#define UNPACKED_CORE_COST 1000 /* smt = share: each core more than needed */
#define UNSPREAD_COST 1000      /* spread: each group less than possible */
/* A preference only: cells of one guest with a node in common. */
#define COMMON_NODE_COST 1.0

/* ---- what a domain pays ---- */

static bool
has_on_node(const KtState *state, guint unit, guint node)
{
    const KtUnitState *it = &state->units[unit];
    const KtZones *zones = state->model->zones;
    if (it->node_vcpus)
        return it->node_vcpus[node] > 0;
    for (guint i = 0; it->hall && i < it->hall->n_zones; i++) {
        if (zones->zones[it->hall->zones[i]].node == node)
            return true;
    }
    return false;
}

double
kt_state_cells_cost(const KtState *state, guint domain)
{
    const KtModelDomain *it = &state->model->domains[domain];
    double cost = 0;
    for (guint node = 0; it->n_units > 1 && node < state->model->topology->n_nodes; node++) {
        guint n = 0;
        for (guint i = 0; i < it->n_units; i++)
            n += has_on_node(state, it->first_unit + i, node);
        cost += n > 1 ? COMMON_NODE_COST * (n - 1) : 0;
    }
    return cost;
}

/* M (where the memory isn't known: the unit's own nodes) and V of a unit with own CPUs. */
static double
unit_nodes_cost(const KtState *state, const KtModelDomain *domain, const KtUnitState *unit)
{
    const KtTopology *topology = state->model->topology;
    guint n_nodes = 0;
    double together = 0, apart = 0, spread = 0;
    for (guint from = 0; from < topology->n_nodes; from++) {
        if (unit->node_vcpus[from] == 0) {
            apart += kt_model_moving_cost(domain, from);
            continue;
        }
        n_nodes++;
        together += unit->node_vcpus[from] * domain->node_cost[from];
        apart += unit->node_vcpus[from] * domain->apart_cost[from];
        for (guint to = 0; domain->memory_spreads && to < topology->n_nodes; to++) {
            if (unit->node_vcpus[to] > 0)
                spread += unit->node_vcpus[from] * kt_model_node_cost(state->model, from, to);
        }
    }
    return n_nodes > 0 ? (n_nodes > 1 ? apart : together) + spread / n_nodes : 0;
}

static double
broken_wishes_cost(const KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    const KtDomainState *it = &state->domains[index];
    double cost = 0;
    if (domain->wish->smt == KT_SMT_SHARE) {
        guint least = (it->n_seated + state->core_threads - 1) / state->core_threads;
        cost += UNPACKED_CORE_COST * (double)(it->n_cores - MIN(least, it->n_cores));
    }
    if (it->group_vcpus) {
        guint most = MIN(it->n_seated, state->spread_groups);
        cost += UNSPREAD_COST * (double)(most - MIN(it->n_groups, most));
    }
    return cost;
}

static void
refresh_domain(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    KtDomainState *it = &state->domains[index];
    double cost = (double)KT_COST_KIND * it->n_other_kind;
    for (guint i = 0; i < domain->n_units; i++) {
        const KtUnitState *unit = &state->units[domain->first_unit + i];
        cost += domain->pair_scale * unit->pair_sum + unit_nodes_cost(state, domain, unit);
    }
    double broken = broken_wishes_cost(state, index);
    cost += broken + kt_state_cells_cost(state, index);
    state->cost += cost - it->cost;
    state->broken += broken - it->broken;
    it->cost = cost;
    it->broken = broken;
}

/* Opens and closes CPUs of a core for common sets after its owners changed. */
static void
refresh_open(KtState *state, guint core)
{
    const KtIndices *pus = &state->model->core_pus[core];
    for (guint i = 0; i < pus->n; i++) {
        guint pu = pus->items[i];
        bool open = state->model->sharable[pu] && state->owner[pu] < 0 && !state->cores[core].isolated;
        if (open != state->open[pu])
            kt_hall_flip(state, pu, open);
    }
}

/* Whether those that don't sit yet would find room when a vCPU of @domain took @pu. */
static bool
leaves_room(const KtState *state, guint domain, guint pu)
{
    const KtModel *model = state->model;
    bool isolate = model->domains[domain].wish->smt == KT_SMT_ISOLATE;
    KtDemand demand = state->demand;
    if (isolate)
        demand.isolated--;
    else
        demand.others--;
    /* One CPU for one vCPU: that leaves as much as there was. */
    if (demand.isolated == 0 && (!isolate || demand.others == 0))
        return true;
    guint core = model->topology->pus[pu].core;
    KtRoomCore before = kt_room_core(model, core, state->owner, state->open), after = before;
    kt_room_count(state->room, before, -1);
    if (!isolate) {
        gint owner = state->owner[pu];
        bool open = state->open[pu];
        state->owner[pu] = 0;
        state->open[pu] = false;
        after = kt_room_core(model, core, state->owner, state->open);
        state->owner[pu] = owner;
        state->open[pu] = open;
        kt_room_count(state->room, after, 1);
    }
    bool fits = kt_room_fits(state->room, demand);
    if (!isolate)
        kt_room_count(state->room, after, -1);
    kt_room_count(state->room, before, 1);
    return fits;
}

bool
kt_state_can_take(const KtState *state, guint domain, guint pu)
{
    const KtModel *model = state->model;
    guint core = model->topology->pus[pu].core;
    if (!model->usable[pu] || state->owner[pu] >= 0 || state->cores[core].isolated ||
        !kt_model_may_be_on(&model->domains[domain], model->topology->pus[pu].node))
        return false;
    bool isolate = model->domains[domain].wish->smt == KT_SMT_ISOLATE;
    if (isolate && state->cores[core].n_owned > 0)
        return false;
    guint closes = isolate ? state->cores[core].n_open : state->open[pu];
    if (model->keeps_open && closes > 0 && state->n_open <= closes)
        return false;
    return leaves_room(state, domain, pu);
}

/* Distances from @pu to the unit's other vCPUs that have a CPU. */
static double
pair_sum_from(const KtState *state, guint vcpu, guint pu)
{
    const KtUnit *unit = &state->model->units[state->model->vcpus[vcpu].unit];
    double sum = 0;
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        if (i != vcpu && state->pu[i] >= 0)
            sum += kt_zones_pu_distance(state->model->zones, pu, (guint)state->pu[i]);
    }
    return sum;
}

static guint
own_on_core(const KtState *state, guint domain, guint core)
{
    const KtIndices *pus = &state->model->core_pus[core];
    guint n = 0;
    for (guint i = 0; i < pus->n; i++) {
        gint vcpu = state->owner[pus->items[i]];
        n += vcpu >= 0 && kt_state_domain_of(state, (guint)vcpu) == domain;
    }
    return n;
}

static bool
is_other_kind(const KtModelDomain *domain, const KtPu *pu)
{
    return domain->kind >= 0 && pu->kind >= 0 && pu->kind != domain->kind;
}

/* Adds (@sign 1) or takes away (-1) what a vCPU on a PU means for its domain. */
static void
count_for_domain(KtState *state, guint vcpu, guint pu_index, gint sign)
{
    const KtModel *model = state->model;
    const KtPu *pu = &model->topology->pus[pu_index];
    guint domain = kt_state_domain_of(state, vcpu);
    KtDomainState *domain_state = &state->domains[domain];
    KtUnitState *unit = &state->units[model->vcpus[vcpu].unit];
    unit->pair_sum += sign * pair_sum_from(state, vcpu, pu_index);
    unit->node_vcpus[pu->node] += (guint)sign;
    domain_state->n_seated += (guint)sign;
    if (is_other_kind(&model->domains[domain], pu))
        domain_state->n_other_kind += (guint)sign;
    if (own_on_core(state, domain, pu->core) == (sign > 0 ? 1 : 0))
        domain_state->n_cores += (guint)sign;
    if (domain_state->group_vcpus) {
        domain_state->group_vcpus[pu->group] += (guint)sign;
        if (domain_state->group_vcpus[pu->group] == (sign > 0 ? 1 : 0))
            domain_state->n_groups += (guint)sign;
    }
    if (model->vcpus[vcpu].before_pu != (gint)pu_index)
        state->move_cost += sign * model->domains[domain].move_cost;
    refresh_domain(state, domain);
}

/* The same for its surroundings. */
static void
count_for_core(KtState *state, guint vcpu, guint pu_index, gint sign)
{
    const KtModel *model = state->model;
    const KtPu *pu = &model->topology->pus[pu_index];
    KtCoreState *core = &state->cores[pu->core];
    double load = model->vcpus[vcpu].load;
    bool isolates = model->domains[kt_state_domain_of(state, vcpu)].wish->smt == KT_SMT_ISOLATE;
    core->n_owned += (guint)sign;
    core->own_load += sign * load;
    core->isolated = sign > 0 && isolates;
    state->groups[pu->group].fixed_load += sign * load;
    if (isolates)
        state->demand.isolated -= (guint)sign;
    else
        state->demand.others -= (guint)sign;
}

/* Adds (@sign 1) or takes away a core as those who seek CPUs see it. */
static void
count_core(KtState *state, guint index, gint sign)
{
    if (state->cores[index].isolated)
        return;
    KtRoomCore core = kt_room_core(state->model, index, state->owner, state->open);
    kt_room_count(state->room, core, sign);
    if (core.whole && core.n_usable > 0)
        state->n_spare += (guint)sign;
}

/* Makes @vcpu the owner of @pu, or (@sign -1) takes it away; what the core is then is yet to be noted. */
static void
set_owner(KtState *state, guint vcpu, guint pu, gint sign)
{
    g_assert(sign < 0 || state->owner[pu] < 0);
    state->owner[pu] = sign > 0 ? (gint)vcpu : -1;
    state->pu[vcpu] = sign > 0 ? (gint)pu : -1;
    count_for_domain(state, vcpu, pu, sign);
    count_for_core(state, vcpu, pu, sign);
}

/* What follows for others from who owns a core's CPUs now. */
static void
note_core(KtState *state, guint core)
{
    const KtModel *model = state->model;
    refresh_open(state, core);
    kt_state_dirty_core(state, core);
    kt_state_dirty_group(state, model->topology->pus[model->core_pus[core].items[0]].group);
    kt_state_note_owners(state, core);
    count_core(state, core, 1);
}

static void
change_owner(KtState *state, guint vcpu, guint pu, gint sign)
{
    guint core = state->model->topology->pus[pu].core;
    count_core(state, core, -1);
    set_owner(state, vcpu, pu, sign);
    note_core(state, core);
    kt_state_settle(state);
}

void
kt_state_take(KtState *state, guint vcpu, guint pu)
{
    change_owner(state, vcpu, pu, 1);
}

void
kt_state_release(KtState *state, guint vcpu)
{
    change_owner(state, vcpu, (guint)state->pu[vcpu], -1);
}

void
kt_state_exchange(KtState *state, guint vcpu, guint other)
{
    const KtPu *pus = state->model->topology->pus;
    guint pu = (guint)state->pu[vcpu], other_pu = (guint)state->pu[other];
    guint core = pus[pu].core, other_core = pus[other_pu].core;
    count_core(state, core, -1);
    if (other_core != core)
        count_core(state, other_core, -1);
    set_owner(state, vcpu, pu, -1);
    set_owner(state, other, other_pu, -1);
    set_owner(state, vcpu, other_pu, 1);
    set_owner(state, other, pu, 1);
    note_core(state, core);
    if (other_core != core)
        note_core(state, other_core);
    kt_state_settle(state);
}
