/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Who comes first: whole cores, other own CPUs, common sets. */
static guint
rank_of(const KtModelDomain *domain)
{
    if (domain->fate == KT_FATE_EXCLUSIVE)
        return domain->wish->smt == KT_SMT_ISOLATE ? 0 : 1;
    return domain->fate == KT_FATE_SHARED ? 2 : 3;
}

/* The order in which domains are seated: by rank, then by size. Owned, n_domains indices. */
static guint *
seating_order(const KtModel *model)
{
    guint *order = g_new(guint, model->n_domains + 1);
    guint n = 0;
    for (guint rank = 0; rank < 4; rank++) {
        for (guint i = 0; i < model->n_domains; i++) {
            if (rank_of(&model->domains[i]) == rank)
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

bool
kt_seat_all(KtState *state, KtWay way)
{
    const KtModel *model = state->model;
    g_autofree guint *order = seating_order(model);
    bool kept = way.present && keep_exclusive(state, way);
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[order[i]].fate == KT_FATE_EXCLUSIVE)
            seat_or_stay(state, order[i]);
    }
    if (way.present && keep_shared(state, way))
        kept = true;
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[order[i]];
        for (guint j = 0; domain->fate == KT_FATE_SHARED && j < domain->n_units; j++) {
            if (!state->units[domain->first_unit + j].hall)
                kt_seat_unit(state, domain->first_unit + j, way.grow);
        }
    }
    return kept;
}
