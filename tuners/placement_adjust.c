/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

#include <string.h>

/* From how many of the most crowded sharing groups others are looked for. */
#define MAX_GROUPS 4
/* How many exclusive domains are looked at. */
#define MAX_EXPENSIVE 8

/* ---- who else moves ---- */

/* How much a sharing group would gain if one who shares there left: those beside whom nobody would run, or
 * else its load. */
static double
urge_to_leave(const KtState *state, guint group, bool exposed)
{
    if (!exposed)
        return state->groups[group].load / MAX(state->model->group_cores[group], 1);
    double urge = 0;
    const KtRegion *region = &state->model->regions[group];
    for (guint i = 0; i < region->n_zones; i++) {
        const KtZoneState *zone = &state->zones[region->zones[i]];
        urge += zone->n_domains > 0 ? (double)zone->exposed / zone->n_domains : 0;
    }
    return urge;
}

/* The sharing group that hasn't been looked at which gains most, or -1. */
static gint
most_urgent(const KtState *state, const bool *seen, bool exposed)
{
    gint most = -1;
    double greatest = 0;
    for (guint i = 0; i < state->model->topology->n_groups; i++) {
        double urge = seen[i] ? 0 : urge_to_leave(state, i, exposed);
        if (urge > greatest + 1e-9) {
            most = (gint)i;
            greatest = urge;
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

static guint
improve_shared(KtState *state, guint changed, guint max, bool exposed)
{
    g_autofree bool *seen = g_new0(bool, state->model->topology->n_groups);
    guint n_moved = 0;
    for (guint i = 0; i < MAX_GROUPS && n_moved < max; i++) {
        gint group = most_urgent(state, seen, exposed);
        if (group < 0)
            break;
        seen[group] = true;
        n_moved += improve_group(state, (guint)group, changed, max - n_moved);
    }
    return n_moved;
}

/* What an exclusive domain pays that a better seat might save. */
static double
excess_of(const KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    double excess = state->domains[index].cost;
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        if (state->pu[i] >= 0)
            excess += kt_state_core_cost(state, state->model->topology->pus[state->pu[i]].core);
    }
    return excess / domain->n_vcpus;
}

/* The exclusive domain of greatest excess that hasn't been looked at, or KT_NO_DOMAIN. */
static guint
most_expensive(const KtState *state, const bool *seen)
{
    guint most = KT_NO_DOMAIN;
    double greatest = 0;
    for (guint i = 0; i < state->model->n_domains; i++) {
        if (seen[i] || state->model->domains[i].fate != KT_FATE_EXCLUSIVE || state->domains[i].n_seated == 0)
            continue;
        double excess = excess_of(state, i);
        if (most == KT_NO_DOMAIN || excess > greatest + 1e-9) {
            most = i;
            greatest = excess;
        }
    }
    return most;
}

/* How many domains have a common set that takes or leaves a CPU when the domain's seats were @before. */
static guint
count_disturbed(const KtState *state, const KtModelDomain *domain, const gint *before)
{
    const guint *of_pu = state->model->zones->of_pu;
    guint n_zones = state->model->zones->n_zones, n = 0;
    g_autofree bool *touched = g_new0(bool, n_zones);
    for (guint i = 0; i < domain->n_vcpus; i++) {
        gint now = state->pu[domain->first_vcpu + i];
        if (now != before[i])
            touched[of_pu[now]] = touched[of_pu[before[i]]] = true;
    }
    for (guint i = 0; i < state->model->n_domains; i++) {
        bool disturbed = false;
        for (guint j = 0; j < n_zones && !disturbed; j++)
            disturbed = touched[j] && state->presence[(gsize)i * n_zones + j] > 0;
        n += disturbed;
    }
    return n;
}

/* Moves an exclusive domain where no more than @max domains notice, itself with them; how many do. */
static guint
improve_exclusive(KtState *state, guint index, guint max)
{
    const KtModelDomain *domain = &state->model->domains[index];
    g_autofree gint *before = g_new(gint, domain->n_vcpus + 1);
    kt_copy_seats(state, domain, before);
    KtMark mark = kt_mark(state);
    kt_improve_alone(state, index);
    if (memcmp(before, state->pu + domain->first_vcpu, domain->n_vcpus * sizeof *before) == 0)
        return 0;
    guint n_moved = 1 + count_disturbed(state, domain, before);
    if (n_moved <= max)
        return n_moved;
    kt_set_seats(state, domain, before);
    kt_mark_restore(state, mark);
    return 0;
}

/* Moves exclusive domains; how many domains notice. */
static guint
improve_expensive(KtState *state, guint changed, guint max)
{
    g_autofree bool *seen = g_new0(bool, state->model->n_domains + 1);
    guint n_moved = 0;
    if (changed != KT_NO_DOMAIN)
        seen[changed] = true;
    for (guint i = 0; i < MAX_EXPENSIVE && n_moved < max; i++) {
        guint index = most_expensive(state, seen);
        if (index == KT_NO_DOMAIN)
            break;
        seen[index] = true;
        n_moved += improve_exclusive(state, index, max - n_moved);
    }
    return n_moved;
}

KtPlacement *
kt_placement_adjust(const KtPlacementProblem *problem, guint changed, guint max_others)
{
    g_autoptr(KtModel) model = kt_model_new(problem);
    kt_admit(model);
    g_autoptr(KtState) state = kt_state_new(model, true);
    guint domain = kt_model_find(model, changed);
    kt_seat_all(state, (KtWay){.present = true, .in_place = true, .changed = domain});
    if (domain != KT_NO_DOMAIN) {
        kt_improve_alone(state, domain);
        kt_match_cells(state, domain);
    }
    guint n_moved = improve_expensive(state, domain, max_others);
    n_moved += improve_shared(state, domain, max_others - n_moved, true);
    improve_shared(state, domain, max_others - n_moved, false);
    return kt_placement_extract(state);
}
