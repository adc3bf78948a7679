/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* From how many of the most crowded sharing groups others are looked for. */
#define MAX_GROUPS 4

/* The model's index of a domain in the caller's order, or KT_NO_DOMAIN. */
static guint
find_domain(const KtModel *model, guint index)
{
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].index == index)
            return i;
    }
    return KT_NO_DOMAIN;
}

/* ---- who else moves ---- */

/* The sharing group of the most load for its cores whose domains haven't been looked at, or -1. */
static gint
most_crowded(const KtState *state, const bool *seen)
{
    gint most = -1;
    double greatest = 0;
    for (guint i = 0; i < state->model->topology->n_groups; i++) {
        double crowding = state->groups[i].load / MAX(state->model->group_cores[i], 1);
        if (!seen[i] && crowding > greatest + 1e-9) {
            most = (gint)i;
            greatest = crowding;
        }
    }
    return most;
}

/* Moves units that have their set in this group alone, as far as that is worth it; how many domains moved. */
static guint
improve_group(KtState *state, guint group, guint changed, guint max)
{
    const KtModel *model = state->model;
    guint n_moved = 0;
    for (guint i = 0; i < model->n_units && n_moved < max; i++) {
        if (model->units[i].domain != changed && state->units[i].hall == state->single[group])
            n_moved += kt_improve_unit(state, i);
    }
    return n_moved;
}

static void
improve_others(KtState *state, guint changed, guint max)
{
    g_autofree bool *seen = g_new0(bool, state->model->topology->n_groups);
    guint n_moved = 0;
    for (guint i = 0; i < MAX_GROUPS && n_moved < max; i++) {
        gint group = most_crowded(state, seen);
        if (group < 0)
            return;
        seen[group] = true;
        n_moved += improve_group(state, (guint)group, changed, max - n_moved);
    }
}

KtPlacement *
kt_placement_adjust(const KtPlacementProblem *problem, guint changed, guint max_others)
{
    g_autoptr(KtModel) model = kt_model_new(problem);
    kt_admit(model);
    g_autoptr(KtState) state = kt_state_new(model, true);
    guint domain = find_domain(model, changed);
    kt_seat_all(state, (KtWay){.present = true, .in_place = true, .changed = domain});
    if (domain != KT_NO_DOMAIN)
        kt_improve_alone(state, domain);
    improve_others(state, domain, max_others);
    return kt_placement_extract(state);
}
