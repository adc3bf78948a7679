/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Common sets come after all own CPUs, or were seated before. */
#define RANK_OF_SETS 4
#define N_RANKS (RANK_OF_SETS + 2)

/* Whole cores, other own CPUs, common sets. */
static guint
rank_by_room(const KtModelDomain *domain)
{
    return domain->wish->smt == KT_SMT_ISOLATE ? 0 : 1;
}

/* Who has a core a vCPU and leaves the siblings to others pays for them; threads of one guest core and
 * `share` can fill cores; who isolates has them for himself anywhere. */
static guint
rank_by_minding(const KtModel *model, const KtModelDomain *domain)
{
    if (domain->wish->smt != KT_SMT_AUTO)
        return domain->wish->smt == KT_SMT_SHARE ? 2 : 3;
    return domain->n_vcpus > 0 && model->vcpus[domain->first_vcpu].guest_core >= 0 ? 1 : 0;
}

/* Who comes first. */
static guint
rank_of(const KtModel *model, const KtModelDomain *domain, KtSeating seating)
{
    if (domain->fate != KT_FATE_EXCLUSIVE)
        return domain->fate == KT_FATE_SHARED ? RANK_OF_SETS : RANK_OF_SETS + 1;
    return seating == KT_SEAT_MINDERS_NEXT ? rank_by_minding(model, domain) : rank_by_room(domain);
}

/* The order in which domains are seated: by rank, then by size. Owned, n_domains indices. */
static guint *
seating_order(const KtModel *model, KtSeating seating)
{
    guint *order = g_new(guint, model->n_domains + 1);
    guint n = 0;
    for (guint rank = 0; rank < N_RANKS; rank++) {
        for (guint i = 0; i < model->n_domains; i++) {
            if (rank_of(model, &model->domains[i], seating) == rank)
                order[n++] = i;
        }
    }
    return order;
}

/* Completes the seats of an exclusive domain; where there is no room it stays. */
static void
seat_or_stay(KtState *state, guint domain)
{
    if (kt_seat_exclusive(state, domain))
        return;
    /* What it could keep of its present seats may be what is in the way. */
    kt_unseat_exclusive(state, domain);
    if (!kt_seat_exclusive(state, domain))
        kt_state_stay(state, domain, true);
}

/* ---- present seats ---- */

/* Takes the present CPUs of an exclusive domain, as far as it may have them; @all: or else none. */
static void
keep_seats(KtState *state, guint index, bool all)
{
    const KtModelDomain *domain = &state->model->domains[index];
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        gint pu = state->model->vcpus[i].before_pu;
        if (state->pu[i] < 0 && pu >= 0 && kt_state_can_take(state, index, (guint)pu))
            kt_state_take(state, i, (guint)pu);
    }
    if (all && state->domains[index].n_seated < domain->n_vcpus)
        kt_unseat_exclusive(state, index);
}

static bool
keep_exclusive(KtState *state, KtWay way)
{
    bool any = false;
    for (guint pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < state->model->n_domains; i++) {
            if (state->model->domains[i].fate != KT_FATE_EXCLUSIVE || i == way.changed)
                continue;
            keep_seats(state, i, pass == 0);
            any |= state->domains[i].n_seated > 0;
        }
    }
    return any;
}

static bool
keep_shared(KtState *state, KtWay way)
{
    const KtModel *model = state->model;
    bool any = false;
    for (guint i = 0; i < model->n_units; i++) {
        guint domain = model->units[i].domain;
        KtHall *hall = NULL;
        if (model->domains[domain].fate == KT_FATE_SHARED && domain != way.changed)
            hall = kt_unit_present_hall(state, i, way.in_place);
        if (hall)
            kt_state_enter(state, i, hall);
        any |= hall != NULL;
    }
    return any;
}

/* ---- all ---- */

static void
seat_own(KtState *state, const guint *order)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[order[i]].fate == KT_FATE_EXCLUSIVE)
            seat_or_stay(state, order[i]);
    }
}

/* All that have none yet. */
static void
seat_sets(KtState *state, const guint *order, KtGrow grow)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[order[i]];
        for (guint j = 0; domain->fate == KT_FATE_SHARED && j < domain->n_units; j++) {
            if (!state->units[domain->first_unit + j].hall)
                kt_seat_unit(state, domain->first_unit + j, grow);
        }
    }
}

bool
kt_seat_all(KtState *state, KtWay way)
{
    g_autofree guint *order = seating_order(state->model, way.seating);
    if (way.seating != KT_SEAT_OWN_FIRST)
        seat_sets(state, order, way.grow);
    bool kept = way.present && keep_exclusive(state, way);
    seat_own(state, order);
    if (way.present && keep_shared(state, way))
        kept = true;
    seat_sets(state, order, way.grow);
    return kept;
}
