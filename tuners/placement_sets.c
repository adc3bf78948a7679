/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_sets.h"

#include <string.h>

static const KtModelDomain *
domain_of(const KtState *state, guint unit)
{
    return &state->model->domains[state->model->units[unit].domain];
}

bool
kt_unit_is_large(const KtState *state, guint unit)
{
    const KtModelDomain *domain = domain_of(state, unit);
    return state->model->units[unit].load > domain->region_cores * MAX(state->model->core_load, 1);
}

guint
kt_unit_max_regions(const KtState *state, guint unit)
{
    return kt_unit_is_large(state, unit) ? G_MAXUINT : KT_MAX_VARIED;
}

guint
kt_hall_count_regions(const KtState *state, const KtHall *hall)
{
    guint n = 0;
    for (guint i = 0; i < state->region_words; i++)
        n += (guint)__builtin_popcountll(hall->regions[i]);
    return n;
}

/* ---- spread ---- */

KtHall *
kt_unit_hall_of_all(KtState *state, guint unit, guint64 *regions)
{
    const KtModelDomain *domain = domain_of(state, unit);
    memset(regions, 0, state->region_words * sizeof *regions);
    for (guint i = domain->first_region; i < domain->first_region + domain->n_regions; i++)
        kt_bit_set(regions, i, kt_unit_may_have(state, unit, i));
    return kt_state_hall(state, regions);
}

KtHall *
kt_unit_hall_of_part(KtState *state, guint unit, guint64 *regions)
{
    const KtModelDomain *domain = domain_of(state, unit);
    guint number = state->model->units[unit].number, n = domain->n_regions;
    guint first = number * n / domain->n_units, end = (number + 1) * n / domain->n_units;
    memset(regions, 0, state->region_words * sizeof *regions);
    for (guint i = domain->first_region + first; i < domain->first_region + MAX(end, first + 1); i++)
        kt_bit_set(regions, i, kt_unit_may_have(state, unit, i));
    return kt_state_hall(state, regions);
}

/* The hall of `spread` that has these CPUs: of two that have the same it is the smaller one. NULL: neither.
 */
static KtHall *
spread_hall_with(KtState *state, guint unit, const guint64 *pus, guint64 *regions)
{
    KtHall *halls[] = {kt_unit_hall_of_part(state, unit, regions), kt_unit_hall_of_all(state, unit, regions)};
    for (guint i = 0; i < G_N_ELEMENTS(halls); i++) {
        bool same = kt_state_hall_pus(state, halls[i]) > 0;
        for (guint j = 0; same && j < state->model->topology->n_pus; j++) {
            guint region = domain_of(state, unit)->first_region + state->model->topology->pus[j].group;
            bool is_member = state->open[j] && kt_bit(halls[i]->regions, region);
            same = is_member == kt_bit(pus, j) || !state->open[j];
        }
        if (same)
            return halls[i];
    }
    return NULL;
}

/* ---- present sets ---- */

KtHall *
kt_unit_present_hall(KtState *state, guint unit_index, bool any_size)
{
    const KtModel *model = state->model;
    const KtUnit *unit = &model->units[unit_index];
    const KtModelDomain *domain = domain_of(state, unit_index);
    g_autofree guint64 *regions = g_new0(guint64, state->region_words);
    g_autofree guint64 *touched = g_new0(guint64, model->n_words);
    for (guint i = 0; i < unit->n; i++) {
        const KtModelVcpu *vcpu = &model->vcpus[unit->first + i];
        if (i > 0 && vcpu->before == vcpu[-1].before)
            continue;
        for (guint j = 0; j < model->n_words; j++)
            touched[j] |= kt_model_before(model, vcpu->before)->pus[j];
    }
    if (domain->wish->policy == KT_PLACEMENT_SPREAD)
        return spread_hall_with(state, unit_index, touched, regions);
    for (guint i = 0; i < model->n_words; i++) {
        for (guint64 left = touched[i]; left; left &= left - 1) {
            guint index = i * 64 + (guint)__builtin_ctzll(left);
            const KtPu *pu = &model->topology->pus[index];
            guint region =
                domain->first_region + (domain->wish->policy == KT_PLACEMENT_NUMA ? pu->node : pu->group);
            if (!kt_bit(regions, region) && state->open[index] && kt_unit_may_have(state, unit_index, region))
                kt_bit_set(regions, region, true);
        }
    }
    KtHall *hall = kt_state_hall(state, regions);
    bool fits = any_size || kt_hall_count_regions(state, hall) <= kt_unit_max_regions(state, unit_index);
    return fits && kt_state_hall_pus(state, hall) > 0 ? hall : NULL;
}

static void
change_hall(KtState *state, guint unit, KtHall *hall)
{
    kt_state_leave(state, unit);
    kt_state_enter(state, unit, hall);
}

bool
kt_prune_unit(KtState *state, guint unit)
{
    const KtHall *hall = state->units[unit].hall;
    g_autofree guint64 *regions = g_memdup2(hall->regions, state->region_words * sizeof *regions);
    bool any = false;
    if (domain_of(state, unit)->wish->policy == KT_PLACEMENT_SPREAD) {
        KtHall *smaller = spread_hall_with(state, unit, hall->pus, regions);
        any = smaller && smaller != hall;
        if (any)
            change_hall(state, unit, smaller);
        return any;
    }
    for (guint i = 0; i < state->model->n_regions; i++) {
        if (kt_bit(regions, i) && kt_state_hall_pus(state, state->single[i]) == 0) {
            kt_bit_set(regions, i, false);
            any = true;
        }
    }
    KtHall *pruned = any ? kt_state_hall(state, regions) : NULL;
    if (!pruned || kt_state_hall_pus(state, pruned) == 0)
        return false;
    change_hall(state, unit, pruned);
    return true;
}

/* ---- by lot ---- */

/* Adds a region; whether it is one that the unit may have and that has CPUs. */
static bool
add_drawn(const KtState *state, guint unit, GRand *chance, guint64 *regions)
{
    const KtModelDomain *domain = domain_of(state, unit);
    guint region = domain->first_region + (guint)g_rand_int_range(chance, 0, (gint)domain->n_regions);
    kt_bit_set(regions, region, true);
    return kt_unit_may_have(state, unit, region) && kt_state_hall_pus(state, state->single[region]) > 0;
}

static void
drop_drawn(const KtState *state, const KtHall *hall, GRand *chance, guint64 *regions)
{
    guint skip = (guint)g_rand_int_range(chance, 0, (gint)kt_hall_count_regions(state, hall));
    for (guint i = 0; i < state->model->n_regions; i++) {
        if (kt_bit(regions, i) && skip-- == 0) {
            kt_bit_set(regions, i, false);
            return;
        }
    }
}

KtHall *
kt_draw_hall(KtState *state, guint unit, GRand *chance, guint64 *regions)
{
    const KtHall *now = state->units[unit].hall;
    enum { ONE, ADDED = 3, LESS, CHANGED, PRESENT = 7, N_WAYS };
    gint way = g_rand_int_range(chance, 0, N_WAYS);
    if (domain_of(state, unit)->wish->policy == KT_PLACEMENT_SPREAD)
        return way < N_WAYS / 2 ? kt_unit_hall_of_all(state, unit, regions)
                                : kt_unit_hall_of_part(state, unit, regions);
    if (way == PRESENT)
        return state->counts_moves ? kt_unit_present_hall(state, unit, true) : NULL;
    memset(regions, 0, state->region_words * sizeof *regions);
    if (way >= ADDED)
        memcpy(regions, now->regions, state->region_words * sizeof *regions);
    if (way >= LESS)
        drop_drawn(state, now, chance, regions);
    if (way != LESS && !add_drawn(state, unit, chance, regions))
        return NULL;
    return kt_state_hall(state, regions);
}
