/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

#include <math.h>
#include <string.h>

/* ---- all of a domain ---- */

/* The zone of a seated vCPU of the unit, or -1. */
static gint
seated_zone(const KtState *state, const KtUnit *unit)
{
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        if (state->pu[i] >= 0)
            return (gint)state->model->zones->of_pu[state->pu[i]];
    }
    return -1;
}

void
kt_copy_seats(const KtState *state, const KtModelDomain *domain, gint *seats)
{
    memcpy(seats, state->pu + domain->first_vcpu, domain->n_vcpus * sizeof *seats);
}

void
kt_set_seats(KtState *state, const KtModelDomain *domain, const gint *seats)
{
    gint *now = state->pu + domain->first_vcpu;
    for (guint i = 0; i < domain->n_vcpus; i++) {
        if (now[i] >= 0 && now[i] != seats[i])
            kt_state_release(state, domain->first_vcpu + i);
    }
    for (guint i = 0; i < domain->n_vcpus; i++) {
        if (seats[i] >= 0 && now[i] < 0)
            kt_state_take(state, domain->first_vcpu + i, (guint)seats[i]);
    }
}

bool
kt_seat_unit_from(KtState *state, const KtUnit *unit, guint zone)
{
    for (guint vcpu = unit->first; vcpu < unit->first + unit->n; vcpu++) {
        if (state->pu[vcpu] >= 0)
            continue;
        gint pu = kt_choose(state, vcpu, zone);
        if (pu < 0)
            return false;
        kt_state_take(state, vcpu, (guint)pu);
    }
    return true;
}

/* Seats all that have no CPU, the first unit that has none at all from @start on. */
static bool
fill_from(KtState *state, const KtModelDomain *domain, guint start)
{
    bool used_start = false;
    for (guint i = 0; i < domain->n_units; i++) {
        const KtUnit *unit = &state->model->units[domain->first_unit + i];
        gint zone = seated_zone(state, unit);
        if (zone < 0) {
            KtStart starts[KT_MAX_STARTS];
            if (!used_start)
                zone = (gint)start;
            else if (kt_rank_starts(state, unit, starts) > 0)
                zone = (gint)starts[0].zone;
            used_start = true;
        }
        if (zone < 0 || !kt_seat_unit_from(state, unit, (guint)zone))
            return false;
    }
    return true;
}

/* Fills from the most promising zones and leaves the best of that; the seats that are there stay. False and
 * nothing changed where there is no room, or surely no total below @least. */
static bool
fill_best(KtState *state, const KtModelDomain *domain, double least)
{
    guint index = (guint)(domain - state->model->domains);
    g_autofree gint *before = g_new(gint, domain->n_vcpus + 1);
    g_autofree gint *best = g_new(gint, domain->n_vcpus + 1);
    kt_copy_seats(state, domain, before);
    guint first = 0; /* the unit that begins */
    while (first + 1 < domain->n_units &&
           seated_zone(state, &state->model->units[domain->first_unit + first]) >= 0)
        first++;
    KtStart starts[KT_MAX_STARTS];
    guint n = kt_rank_starts(state, &state->model->units[domain->first_unit + first], starts);
    bool found = false, bare = state->domains[index].n_seated == 0;
    KtMark mark = kt_mark(state);
    for (guint i = 0; i < n; i++) {
        if (bare && kt_state_total(state) + kt_bound_whole(state, index, starts[i].zone) >= least)
            continue;
        if (fill_from(state, domain, starts[i].zone)) {
            if (state->counts_moves)
                kt_keep_within_exclusive(state, index);
            if (kt_state_total(state) < least - 1e-9) {
                least = kt_state_total(state);
                kt_copy_seats(state, domain, best);
                found = true;
            }
        }
        kt_set_seats(state, domain, before);
        kt_mark_restore(state, mark);
    }
    if (found)
        kt_set_seats(state, domain, best);
    return found;
}

bool
kt_seat_exclusive(KtState *state, guint domain)
{
    const KtModelDomain *it = &state->model->domains[domain];
    return state->domains[domain].n_seated == it->n_vcpus || fill_best(state, it, G_MAXDOUBLE);
}

bool
kt_seat_exclusive_from(KtState *state, guint domain, guint zone)
{
    return fill_from(state, &state->model->domains[domain], zone);
}

void
kt_unseat_exclusive(KtState *state, guint domain)
{
    const KtModelDomain *it = &state->model->domains[domain];
    for (guint i = it->first_vcpu; i < it->first_vcpu + it->n_vcpus; i++) {
        if (state->pu[i] >= 0)
            kt_state_release(state, i);
    }
}

/* ---- improving ---- */

/* Tries @pu for a vCPU that has none, moves counted. */
static void
consider_total(KtState *state, guint vcpu, guint pu, gint *best, double *least)
{
    KtMark mark = kt_trial_begin(state);
    kt_state_take(state, vcpu, pu);
    double total = kt_state_total(state);
    kt_state_release(state, vcpu);
    kt_trial_end(state, mark);
    if (total < *least - 1e-9) {
        *best = (gint)pu;
        *least = total;
    }
}

static bool
improve_vcpu(KtState *state, guint vcpu)
{
    const KtModel *model = state->model;
    guint domain = kt_state_domain_of(state, vcpu);
    guint now = (guint)state->pu[vcpu];
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - model->worth;
    kt_state_save_epochs(state);
    kt_state_release(state, vcpu);

    gint best = -1, chosen = kt_choose_better(state, vcpu, model->zones->of_pu[now], least);
    if (chosen >= 0)
        consider_total(state, vcpu, (guint)chosen, &best, &least);
    gint home = model->vcpus[vcpu].before_pu;
    if (state->counts_moves && home >= 0 && kt_state_can_take(state, domain, (guint)home))
        consider_total(state, vcpu, (guint)home, &best, &least);

    bool better = best >= 0 && best != (gint)now;
    kt_state_take(state, vcpu, better ? (guint)best : now);
    if (!better) {
        kt_mark_restore(state, mark);
        kt_state_restore_epochs(state);
    }
    return better;
}

static bool
improve_whole(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    g_autofree gint *now = g_new(gint, domain->n_vcpus + 1);
    kt_copy_seats(state, domain, now);
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - state->model->worth;
    kt_state_save_epochs(state);
    kt_unseat_exclusive(state, index);
    if (fill_best(state, domain, least))
        return true;
    kt_set_seats(state, domain, now);
    kt_mark_restore(state, mark);
    kt_state_restore_epochs(state);
    return false;
}

bool
kt_improve_exclusive(KtState *state, guint domain, bool exchange)
{
    const KtModelDomain *it = &state->model->domains[domain];
    bool better = false;
    for (guint i = it->first_vcpu; i < it->first_vcpu + it->n_vcpus; i++)
        better |= improve_vcpu(state, i);
    for (guint i = it->first_vcpu; exchange && i < it->first_vcpu + it->n_vcpus; i++)
        better |= kt_improve_by_exchange(state, i);
    return improve_whole(state, domain) || better;
}
