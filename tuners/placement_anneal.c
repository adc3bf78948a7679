/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_anneal.h"

#include <math.h>
#include <string.h>

/* How many changes are drawn for each vCPU with an own CPU and each common set: so many, and more by the CPUs
 * that there are to choose from; and in all. */
#define DRAWS_EACH 200
#define DRAWS_A_CPU 20
#define MIN_DRAWS 6000
#define MAX_DRAWS 12000
/* A draw costs the more time, the more CPUs there are: this many in all. Where that leaves each less than
 * LEAST_EACH there is no time for climbing from every beginning; where it leaves each guest less, none for
 * annealing. */
#define DRAWS_TIMES_CPUS 4600000
#define LEAST_EACH 20
/* Chance may be unlucky: it has so many chances. Where a walk would begin colder than it might, one that is
 * so many times as long finds more. */
#define N_WALKS 2
#define LONG_WALK 3
/* The temperature at first: by how many draws there are for each, within this; and in the end. */
#define DRAWS_A_DEGREE 85.0
#define HOTTEST 12.0
#define COOLEST 0.6
#define COLD 0.03
/* A wish that isn't met costs this part of what it costs otherwise at first, and all of it in the end: so
 * that walls can be crossed, and nobody stays between them. */
#define WISH_PART 0.04

/* What is found must be better by this part of the cost: everybody may have to move for it, and it would go
 * on for long that a little more is found. */
#define LEAST_GAIN 0.0025

/* ---- the best so far ---- */

typedef struct {
    gint *pu;
    KtHall **hall;
    double total;
} Best;

static void
keep_best(const KtState *state, Best *best)
{
    best->total = kt_state_total(state);
    memcpy(best->pu, state->pu, state->model->n_vcpus * sizeof *state->pu);
    for (guint i = 0; i < state->model->n_units; i++)
        best->hall[i] = state->units[i].hall;
}

static void
return_to(KtState *state, const Best *best)
{
    kt_state_suspend(state);
    /* All leave before anybody comes: their CPUs are those that others had. */
    for (guint i = 0; i < state->model->n_vcpus; i++) {
        if (state->pu[i] >= 0 && state->pu[i] != best->pu[i])
            kt_state_release(state, i);
    }
    for (guint i = 0; i < state->model->n_vcpus; i++) {
        if (state->pu[i] < 0 && best->pu[i] >= 0)
            kt_state_take(state, i, (guint)best->pu[i]);
    }
    for (guint i = 0; i < state->model->n_units; i++) {
        if (state->units[i].hall == best->hall[i])
            continue;
        kt_state_leave(state, i);
        kt_state_enter(state, i, best->hall[i]);
    }
    kt_state_resume(state);
}

/* ---- the walk ---- */

static double
height(const KtState *state, double wishes)
{
    return kt_state_total(state) - (1 - wishes) * state->broken;
}

static void
walk(KtDraws *draws, guint n, double temperature, Best *best)
{
    KtState *state = draws->state;
    double cooling = pow(COLD / temperature, 1.0 / n);
    double wishes = WISH_PART, hardening = pow(1 / WISH_PART, 1.0 / n);
    for (guint i = 0; i < n; i++, temperature *= cooling, wishes *= hardening) {
        KtMark mark = kt_mark(state);
        double now = height(state, wishes);
        bool changed = kt_draws_change(draws);
        double then = height(state, wishes);
        if (!changed || (then > now && g_rand_double(draws->chance) >= exp((now - then) / temperature))) {
            kt_draws_undo(draws);
            kt_mark_restore(state, mark);
            continue;
        }
        if (kt_state_total(state) < best->total - state->model->worth)
            keep_best(state, best);
    }
}

/* What is to be placed. */
typedef struct {
    guint n_units; /* guests, or cells of guests */
    guint n_each;  /* vCPUs that get own CPUs, and common sets */
} Load;

static Load
load_of(const KtModel *model)
{
    Load load = {0};
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[i];
        if (domain->fate == KT_FATE_FIXED)
            continue;
        load.n_units += domain->n_units;
        load.n_each += domain->fate == KT_FATE_EXCLUSIVE ? domain->n_vcpus : domain->n_units;
    }
    return load;
}

/* How many changes are drawn at most. */
static guint
most_draws(const KtModel *model)
{
    return MIN(MAX_DRAWS, DRAWS_TIMES_CPUS / model->topology->n_pus);
}

static guint
count_draws(const KtModel *model)
{
    guint wanted = load_of(model).n_each * (DRAWS_EACH + DRAWS_A_CPU * model->topology->n_pus);
    return CLAMP(wanted, MIN_DRAWS, most_draws(model));
}

KtEffort
kt_effort(const KtModel *model)
{
    Load load = load_of(model);
    guint most = most_draws(model) / LEAST_EACH;
    if (load.n_units > most)
        return KT_EFFORT_CLIMB;
    return load.n_each > most ? KT_EFFORT_ANNEAL : KT_EFFORT_ALL;
}

/* How hot it may be at first, for @n draws to cool down from there. */
static double
heat_of(guint n, guint n_each)
{
    return pow(n / (DRAWS_A_DEGREE * n_each), 2);
}

void
kt_anneal(KtState *state)
{
    const KtModel *model = state->model;
    guint n = count_draws(model);
    g_autoptr(KtDraws) draws = kt_draws_new(state);
    guint n_each = draws->n_owners + draws->n_sharers;
    if (n_each == 0)
        return;
    if (kt_draws_improve_by_mirror(draws))
        kt_climb(state);
    g_autofree gint *pu = g_new(gint, model->n_vcpus + 1);
    g_autofree KtHall **hall = g_new(KtHall *, model->n_units + 1);
    Best best = {.pu = pu, .hall = hall};
    keep_best(state, &best);
    best.total -= LEAST_GAIN * state->cost;
    bool once = heat_of(n, n_each) < HOTTEST;
    n *= once ? LONG_WALK : 1;
    for (guint i = 0; i < (once ? 1 : N_WALKS); i++) {
        walk(draws, n, CLAMP(heat_of(n, n_each), COOLEST, HOTTEST), &best);
        return_to(state, &best);
    }
}
