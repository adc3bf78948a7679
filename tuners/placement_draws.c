/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_anneal.h"

/* One draw in so many, or in as many as a sharing group has CPUs, is of two regions; of those among own CPUs
 * one in so many of a whole unit, and of the others one in so many of two cores. */
#define ONE_MIRROR_IN 16
#define ONE_UNIT_IN 8
#define ONE_CORE_IN 4
#define SEED 1

static guint
draw(KtDraws *draws, guint n)
{
    return (guint)g_rand_int_range(draws->chance, 0, (gint)n);
}

/* ---- the parts of a change ---- */

bool
kt_draws_take(KtDraws *draws, guint vcpu, guint pu)
{
    if (!kt_state_can_take(draws->state, kt_state_domain_of(draws->state, vcpu), pu))
        return false;
    KtChange change = {.index = vcpu, .pu = -1};
    g_array_append_val(draws->changes, change);
    kt_state_take(draws->state, vcpu, pu);
    return true;
}

void
kt_draws_release(KtDraws *draws, guint vcpu)
{
    KtChange change = {.index = vcpu, .pu = draws->state->pu[vcpu]};
    g_array_append_val(draws->changes, change);
    kt_state_release(draws->state, vcpu);
}

bool
kt_draws_enter(KtDraws *draws, guint unit, KtHall *hall)
{
    KtState *state = draws->state;
    KtChange change = {.is_set = true, .index = unit, .hall = state->units[unit].hall};
    if (kt_state_hall_pus(state, hall) == 0)
        return false;
    if (hall == change.hall)
        return true;
    g_array_append_val(draws->changes, change);
    kt_state_leave(state, unit);
    kt_state_enter(state, unit, hall);
    return true;
}

void
kt_draws_undo(KtDraws *draws)
{
    KtState *state = draws->state;
    kt_state_suspend(state);
    for (guint i = draws->changes->len; i > 0; i--) {
        const KtChange *it = &g_array_index(draws->changes, KtChange, i - 1);
        if (it->is_set) {
            kt_state_leave(state, it->index);
            kt_state_enter(state, it->index, it->hall);
        } else if (it->pu < 0) {
            kt_state_release(state, it->index);
        } else {
            kt_state_take(state, it->index, (guint)it->pu);
        }
    }
    kt_state_resume(state);
}

/* ---- own CPUs ---- */

/* Moves a vCPU; who is there gets the CPU that it leaves. */
static bool
move_to(KtDraws *draws, guint vcpu, guint pu)
{
    guint from = (guint)draws->state->pu[vcpu];
    gint other = draws->state->owner[pu];
    if (from == pu)
        return true;
    kt_draws_release(draws, vcpu);
    if (other >= 0)
        kt_draws_release(draws, (guint)other);
    return kt_draws_take(draws, vcpu, pu) && (other < 0 || kt_draws_take(draws, (guint)other, from));
}

/* A CPU for a vCPU to go to: where it is at present, anywhere, near another vCPU of its unit, or beside that.
 */
static guint
draw_target(KtDraws *draws, guint vcpu)
{
    const KtState *state = draws->state;
    const KtModel *model = state->model;
    const KtUnit *unit = &model->units[model->vcpus[vcpu].unit];
    guint mate = (guint)state->pu[unit->first + draw(draws, unit->n)];
    guint way = draw(draws, 4);
    if (way == 0 && state->counts_moves && model->vcpus[vcpu].before_pu >= 0)
        return (guint)model->vcpus[vcpu].before_pu;
    if (way <= 1)
        return draws->usable[draw(draws, draws->n_usable)];
    const KtZone *zone = &model->zones->zones[model->zones->of_pu[mate]];
    const KtIndices *core = &model->core_pus[model->topology->pus[mate].core];
    return way == 2 ? zone->pus[draw(draws, zone->n_pus)] : core->items[draw(draws, core->n)];
}

static bool
change_vcpu(KtDraws *draws)
{
    guint vcpu = draws->owners[draw(draws, draws->n_owners)];
    return move_to(draws, vcpu, draw_target(draws, vcpu));
}

/* Releases who has CPUs of a core; they are to be seated in the same order on @onto. */
static void
release_core(KtDraws *draws, guint core, const KtIndices *onto, GArray *seats)
{
    const KtIndices *pus = &draws->state->model->core_pus[core];
    for (guint i = 0; i < pus->n; i++) {
        gint owner = draws->state->owner[pus->items[i]];
        if (owner < 0)
            continue;
        KtChange seat = {.index = (guint)owner, .pu = (gint)onto->items[i]};
        g_array_append_val(seats, seat);
        kt_draws_release(draws, (guint)owner);
    }
}

/* Exchanges all that sits on two cores. */
static bool
exchange_cores(KtDraws *draws, guint one, guint other)
{
    const KtModel *model = draws->state->model;
    if (one == other || model->core_pus[one].n != model->core_pus[other].n)
        return false;
    g_autoptr(GArray) seats = g_array_new(FALSE, FALSE, sizeof(KtChange));
    release_core(draws, one, &model->core_pus[other], seats);
    release_core(draws, other, &model->core_pus[one], seats);
    for (guint i = 0; i < seats->len; i++) {
        const KtChange *seat = &g_array_index(seats, KtChange, i);
        if (!kt_draws_take(draws, seat->index, (guint)seat->pu))
            return false;
    }
    return true;
}

static bool
change_cores(KtDraws *draws)
{
    const KtState *state = draws->state;
    const KtPu *pus = state->model->topology->pus;
    guint vcpu = draws->owners[draw(draws, draws->n_owners)];
    guint target = draw_target(draws, vcpu);
    return exchange_cores(draws, pus[state->pu[vcpu]].core, pus[target].core);
}

/* Moves a unit with the cores that it has to a zone and, where these are more, to those next to it. */
static bool
change_unit_cores(KtDraws *draws, const KtUnit *unit, guint zone)
{
    KtState *state = draws->state;
    const KtModel *model = state->model;
    const guint *order = kt_state_zone_order(state, zone);
    guint at = 0, number = 0; /* the next core: of which zone, which one */
    gint last = -1;
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        gint core = (gint)model->topology->pus[state->pu[i]].core;
        if (core == last)
            continue;
        while (at < model->zones->n_zones && number == model->zone_cores[order[at]].n) {
            at++;
            number = 0;
        }
        if (at == model->zones->n_zones)
            return true;
        last = (gint)model->zone_cores[order[at]].items[number++];
        if (last != core && !exchange_cores(draws, (guint)core, (guint)last))
            return false;
    }
    return true;
}

/* Moves vCPUs of a unit from @vcpu on, to CPUs of this core from the thread @first to before @end. */
static bool
move_onto(KtDraws *draws, guint *vcpu, guint last, guint core, guint first, guint end)
{
    const KtIndices *pus = &draws->state->model->core_pus[core];
    for (guint i = first; *vcpu <= last && i < MIN(end, pus->n); i++) {
        if (draws->state->model->usable[pus->items[i]] && !move_to(draws, (*vcpu)++, pus->items[i]))
            return false;
    }
    return true;
}

/* Moves a unit to another zone, with its cores, or core by core, or thread by thread; who sits there gets its
 * CPUs. */
static bool
change_unit(KtDraws *draws)
{
    const KtModel *model = draws->state->model;
    guint owner = draws->owners[draw(draws, draws->n_owners)];
    const KtUnit *unit = &model->units[model->vcpus[owner].unit];
    guint zone = draw(draws, model->zones->n_zones);
    const KtIndices *cores = &model->zone_cores[zone];
    if (cores->n == 0)
        return false;
    if (draw(draws, 2) == 0)
        return change_unit_cores(draws, unit, zone);
    guint first = draw(draws, cores->n), vcpu = unit->first, last = unit->first + unit->n - 1;
    bool packs = draw(draws, 2) == 0;
    guint n_rounds = packs ? 1 : draws->state->core_threads;
    for (guint i = 0; i < n_rounds * cores->n; i++) {
        guint core = cores->items[(first + i) % cores->n], thread = packs ? 0 : i / cores->n;
        if (!move_onto(draws, &vcpu, last, core, thread, packs ? G_MAXUINT : thread + 1))
            return false;
    }
    return true;
}

/* ---- common sets ---- */

static bool
change_set(KtDraws *draws)
{
    KtState *state = draws->state;
    guint unit = draws->sharers[draw(draws, draws->n_sharers)];
    KtHall *hall = kt_draw_hall(state, unit, draws->chance, draws->regions);
    return hall && kt_draws_enter(draws, unit, hall);
}

/* ---- any ---- */

static bool
draw_change(KtDraws *draws)
{
    const KtTopology *topology = draws->state->model->topology;
    if (draw(draws, MAX(ONE_MIRROR_IN, topology->n_pus / topology->n_groups)) == 0)
        return kt_draws_mirror(draws);
    /* Sets are fewer than own CPUs, and each matters more. */
    guint sets = 2 * draws->n_sharers;
    if (draw(draws, draws->n_owners + sets) < sets)
        return change_set(draws);
    if (draw(draws, ONE_UNIT_IN) == 0)
        return change_unit(draws);
    if (draws->state->core_threads > 1 && draw(draws, ONE_CORE_IN) == 0)
        return change_cores(draws);
    return change_vcpu(draws);
}

bool
kt_draws_change(KtDraws *draws)
{
    g_array_set_size(draws->changes, 0);
    kt_state_suspend(draws->state);
    bool changed = draw_change(draws);
    kt_state_resume(draws->state);
    return changed;
}

static void
list_all(KtDraws *draws)
{
    const KtState *state = draws->state;
    const KtModel *model = state->model;
    for (guint i = 0; i < model->n_vcpus; i++) {
        if (state->pu[i] >= 0)
            draws->owners[draws->n_owners++] = i;
    }
    for (guint i = 0; i < model->n_units; i++) {
        if (state->units[i].hall)
            draws->sharers[draws->n_sharers++] = i;
    }
    for (guint i = 0; i < model->topology->n_pus; i++) {
        if (model->usable[i])
            draws->usable[draws->n_usable++] = i;
    }
}

KtDraws *
kt_draws_new(KtState *state)
{
    const KtModel *model = state->model;
    KtDraws *draws = g_new0(KtDraws, 1);
    draws->state = state;
    draws->chance = g_rand_new_with_seed(SEED);
    draws->owners = g_new(guint, model->n_vcpus + 1);
    draws->sharers = g_new(guint, model->n_units + 1);
    draws->usable = g_new(guint, model->topology->n_pus);
    draws->changes = g_array_new(FALSE, FALSE, sizeof(KtChange));
    draws->regions = g_new0(guint64, state->region_words);
    list_all(draws);
    return draws;
}

void
kt_draws_free(KtDraws *draws)
{
    if (!draws)
        return;
    g_rand_free(draws->chance);
    g_array_unref(draws->changes);
    g_free(draws->owners);
    g_free(draws->sharers);
    g_free(draws->usable);
    g_free(draws->regions);
    g_free(draws);
}
