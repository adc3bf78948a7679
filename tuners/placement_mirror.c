/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_anneal.h"

#include <string.h>

/* All that is in two regions changes places: what no smaller change begins, since a half of it is worse. */

/* An own CPU's mirror image. */
typedef struct {
    guint vcpu;
    guint pu;
} Seat;

/* Whether CPUs of two regions correspond by number. */
static bool
are_alike(const KtModel *model, const KtRegion *one, const KtRegion *other)
{
    bool alike = one->n_zones == other->n_zones;
    for (guint i = 0; alike && i < one->n_zones; i++)
        alike = model->zones->zones[one->zones[i]].n_pus == model->zones->zones[other->zones[i]].n_pus;
    return alike;
}

static void
release_zone(KtDraws *draws, guint from, guint to, GArray *seats)
{
    const KtState *state = draws->state;
    const KtZone *zone = &state->model->zones->zones[from], *onto = &state->model->zones->zones[to];
    for (guint i = 0; i < zone->n_pus; i++) {
        gint owner = state->owner[zone->pus[i]];
        if (owner < 0)
            continue;
        Seat seat = {(guint)owner, onto->pus[i]};
        g_array_append_val(seats, seat);
        kt_draws_release(draws, seat.vcpu);
    }
}

static void
exchange_bits(guint64 *bits, guint one, guint other)
{
    bool bit = kt_bit(bits, one);
    kt_bit_set(bits, one, kt_bit(bits, other));
    kt_bit_set(bits, other, bit);
}

/* The set of a unit, mirrored; NULL: it may not have that. */
static KtHall *
mirrored(KtDraws *draws, guint unit, const KtRegion *one, const KtRegion *other)
{
    KtState *state = draws->state;
    const KtModel *model = state->model;
    const KtModelDomain *domain = &model->domains[model->units[unit].domain];
    KtHall *now = state->units[unit].hall;
    if (domain->wish->policy == KT_PLACEMENT_SPREAD)
        return now;
    memcpy(draws->regions, now->regions, state->region_words * sizeof *draws->regions);
    bool by_node = domain->wish->policy == KT_PLACEMENT_NUMA;
    if (by_node && one >= model->regions + model->topology->n_groups)
        exchange_bits(draws->regions, (guint)(one - model->regions), (guint)(other - model->regions));
    for (guint i = 0; !by_node && i < one->n_zones; i++)
        exchange_bits(draws->regions, model->zones->zones[one->zones[i]].group,
                      model->zones->zones[other->zones[i]].group);
    for (guint i = 0; i < model->n_regions; i++) {
        if (kt_bit(draws->regions, i) && !kt_model_may_share(domain, i))
            return NULL;
    }
    return kt_state_hall(state, draws->regions);
}

static bool
mirror(KtDraws *draws, const KtRegion *one, const KtRegion *other)
{
    g_autoptr(GArray) seats = g_array_new(FALSE, FALSE, sizeof(Seat));
    for (guint i = 0; i < one->n_zones; i++) {
        release_zone(draws, one->zones[i], other->zones[i], seats);
        release_zone(draws, other->zones[i], one->zones[i], seats);
    }
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);
        if (!kt_draws_take(draws, seat->vcpu, seat->pu))
            return false;
    }
    for (guint i = 0; i < draws->n_sharers; i++) {
        KtHall *hall = mirrored(draws, draws->sharers[i], one, other);
        if (!hall || !kt_draws_enter(draws, draws->sharers[i], hall))
            return false;
    }
    return true;
}

static bool
mirror_alike(KtDraws *draws, guint one, guint other)
{
    const KtModel *model = draws->state->model;
    const KtRegion *region = &model->regions[one], *its = &model->regions[other];
    return one != other && are_alike(model, region, its) && mirror(draws, region, its);
}

bool
kt_draws_mirror(KtDraws *draws)
{
    const KtTopology *topology = draws->state->model->topology;
    bool nodes = topology->n_nodes > 1 && g_rand_boolean(draws->chance);
    gint first = nodes ? (gint)topology->n_groups : 0,
         n = (gint)(nodes ? topology->n_nodes : topology->n_groups);
    guint one = (guint)g_rand_int_range(draws->chance, first, first + n);
    guint other = (guint)g_rand_int_range(draws->chance, first, first + n);
    return mirror_alike(draws, one, other);
}

bool
kt_draws_improve_by_mirror(KtDraws *draws)
{
    KtState *state = draws->state;
    guint n_groups = state->model->topology->n_groups;
    bool better = false;
    for (guint one = 0; one < state->model->n_regions; one++) {
        for (guint other = one < n_groups ? 0 : n_groups; other < one; other++) {
            KtMark mark = kt_mark(state);
            double least = kt_state_total(state) - state->model->worth;
            g_array_set_size(draws->changes, 0);
            kt_state_suspend(state);
            bool exchanged = mirror_alike(draws, one, other);
            kt_state_resume(state);
            if (exchanged && kt_state_total(state) < least) {
                better = true;
                continue;
            }
            kt_draws_undo(draws);
            kt_mark_restore(state, mark);
        }
    }
    return better;
}
