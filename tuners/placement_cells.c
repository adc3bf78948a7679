/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Which of a guest's cells is where, of seats that cost the same: the cost knows where the memory of the
 * guest as a whole is, the cells know it of themselves. */

/* Rounding of totals that are equal. */
#define EQUAL 1e-6

/* The nodes of the memory of a unit's cell; NULL = unknown. */
static const bool *
memory_nodes(const KtState *state, const KtUnit *unit)
{
    const KtModel *model = state->model;
    const KtSeatDomain *wish = model->domains[unit->domain].wish;
    gint cell = wish->vcpus[model->vcpus[unit->first].vcpu].cell;
    return wish->cell_nodes && cell >= 0 ? wish->cell_nodes + (guint)cell * model->topology->n_nodes : NULL;
}

/* 5·(SLIT/10 − 1) from a node to those of a cell's memory, in the mean. */
static double
way_from(const KtModel *model, guint from, const bool *nodes)
{
    double sum = 0;
    guint n = 0;
    for (guint to = 0; to < model->topology->n_nodes; to++) {
        if (!nodes[to])
            continue;
        sum += kt_model_node_cost(model, from, to);
        n++;
    }
    return n > 0 ? sum / n : 0;
}

/* How far the vCPUs of a unit are from the memory of its cell, together. */
static double
way_of(const KtState *state, guint index)
{
    const KtUnit *unit = &state->model->units[index];
    const KtUnitState *it = &state->units[index];
    const bool *nodes = memory_nodes(state, unit);
    double sum = 0, part = it->hall ? (double)unit->n / MAX(it->hall->n_pus, 1) : 1;
    const guint *where = it->hall ? it->hall->node_pus : it->node_vcpus;
    for (guint from = 0; nodes && from < state->model->topology->n_nodes; from++)
        sum += where[from] > 0 ? part * where[from] * way_from(state->model, from, nodes) : 0;
    return sum;
}

/* Two units of one domain, as they are before they change places. */
typedef struct {
    guint one, other;
    double total;
    double way;
} Pair;

static double
way_of_both(const KtState *state, const Pair *pair)
{
    return way_of(state, pair->one) + way_of(state, pair->other);
}

/* Whether they are nearer to their memory now, and nothing costs more. */
static bool
is_worth_it(const KtState *state, const Pair *pair)
{
    return kt_state_total(state) <= pair->total + EQUAL && way_of_both(state, pair) < pair->way - EQUAL;
}

static void
swap_sets(KtState *state, guint one, guint other)
{
    KtHall *hall = state->units[one].hall, *its = state->units[other].hall;
    kt_state_leave(state, one);
    kt_state_leave(state, other);
    kt_state_enter(state, one, its);
    kt_state_enter(state, other, hall);
}

static bool
exchange_sets(KtState *state, const Pair *pair)
{
    swap_sets(state, pair->one, pair->other);
    if (is_worth_it(state, pair))
        return true;
    swap_sets(state, pair->one, pair->other);
    return false;
}

static guint
stand_up(KtState *state, const KtUnit *unit)
{
    guint zone = state->model->zones->of_pu[state->pu[unit->first]];
    for (guint i = 0; i < unit->n; i++)
        kt_state_release(state, unit->first + i);
    return zone;
}

/* Each is seated anew from the zone on where the other one was. */
static bool
exchange_own(KtState *state, const Pair *pair)
{
    const KtUnit *one = &state->model->units[pair->one], *other = &state->model->units[pair->other];
    const KtModelDomain *domain = &state->model->domains[one->domain];
    g_autofree gint *before = g_new(gint, domain->n_vcpus + 1);
    kt_copy_seats(state, domain, before);
    guint zone = stand_up(state, one), its = stand_up(state, other);
    if (kt_seat_unit_from(state, one, its) && kt_seat_unit_from(state, other, zone)) {
        kt_keep_within_exclusive(state, one->domain);
        if (is_worth_it(state, pair))
            return true;
    }
    kt_set_seats(state, domain, before);
    return false;
}

/* Lets two units change places where that brings them nearer to their memory and costs no more; whether it
 * did. */
static bool
exchange(KtState *state, guint one, guint other)
{
    Pair pair = {one, other, kt_state_total(state), 0};
    pair.way = way_of_both(state, &pair);
    KtMark mark = kt_mark(state);
    bool better = state->units[one].hall ? exchange_sets(state, &pair) : exchange_own(state, &pair);
    if (!better)
        kt_mark_restore(state, mark);
    return better;
}

/* Whether all of a domain's cells have their seats. */
static bool
is_seated(const KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    bool seated = domain->fate == KT_FATE_SHARED || state->domains[index].n_seated == domain->n_vcpus;
    for (guint i = 0; domain->fate == KT_FATE_SHARED && i < domain->n_units; i++)
        seated &= state->units[domain->first_unit + i].hall != NULL;
    /* A unit's part of `spread` goes by its number. */
    bool has_parts = domain->fate == KT_FATE_SHARED && domain->wish->policy == KT_PLACEMENT_SPREAD;
    return seated && domain->fate != KT_FATE_FIXED && !has_parts;
}

void
kt_match_cells(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    bool better = domain->wish->cell_nodes && domain->n_units > 1 && is_seated(state, index);
    /* Each exchange makes ways shorter, so there is an end. */
    while (better) {
        better = false;
        for (guint i = 0; i < domain->n_units; i++) {
            for (guint j = 0; j < i; j++)
                better |= exchange(state, domain->first_unit + i, domain->first_unit + j);
        }
    }
}
