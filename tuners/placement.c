/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement.h"

#include "tuners/placement_search.h"

/* Solving again with the result as the present must find nothing to do: up to so many times it is tried
 * whether that is so. */
#define MAX_ROUNDS 8

/* ---- one attempt ---- */

/* Gives those that found no room another chance; whether one took it. */
static bool
retry(KtState *state)
{
    const KtModel *model = state->model;
    bool any = false;
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].fate != KT_FATE_EXCLUSIVE || !state->domains[i].staying)
            continue;
        kt_state_stay(state, i, false);
        if (kt_seat_exclusive(state, i))
            any = true;
        else
            kt_state_stay(state, i, true);
    }
    return any;
}

static void
finish(KtState *state)
{
    do
        kt_climb(state);
    while (retry(state));
}

/* Everybody who legally can stays, the rest is seated around them; @climbs: and improved. NULL where nobody
 * can: that is to begin anew. */
static KtState *
keep(const KtModel *model, bool climbs)
{
    g_autoptr(KtState) state = kt_state_new(model, true);
    if (!kt_seat_all(state, (KtWay){.present = true, .changed = KT_NO_DOMAIN}))
        return NULL;
    if (climbs)
        finish(state);
    return g_steal_pointer(&state);
}

/* All from nothing. Present seats have no say in it but in the end, when vCPUs change places at no cost: so
 * it is the same the next time. */
static KtState *
begin_anew(const KtModel *model, KtWay way, bool climbs)
{
    KtState *state = kt_state_new(model, false);
    kt_seat_all(state, way);
    if (climbs)
        finish(state);
    state->counts_moves = true;
    for (guint i = 0; i < model->n_domains; i++) {
        if (state->domains[i].n_seated > 0)
            kt_keep_within_exclusive(state, i);
    }
    return state;
}

/* ---- the choice ---- */

/* vCPUs that were to have own CPUs and found none. */
static guint
count_refused(const KtState *state)
{
    guint n = 0;
    for (guint i = 0; i < state->model->n_domains; i++) {
        const KtModelDomain *domain = &state->model->domains[i];
        n += domain->fate == KT_FATE_EXCLUSIVE && state->domains[i].staying ? domain->n_vcpus : 0;
    }
    return n;
}

static bool
is_better(const KtState *state, const KtState *than)
{
    if (!than)
        return true;
    guint refused = count_refused(state), than_refused = count_refused(than);
    if (refused != than_refused)
        return refused < than_refused;
    return kt_state_total(state) < kt_state_total(than) - state->model->worth;
}

/* The better of a state and a new one; frees the other. */
static void
choose(KtState **best, KtState *other)
{
    if (is_better(other, *best)) {
        kt_state_free(*best);
        *best = other;
    } else {
        kt_state_free(other);
    }
}

/* Whether there are own CPUs and common sets, between which company matters. */
static bool
is_mixed(const KtModel *model)
{
    bool own = false, shared = false;
    for (guint i = 0; i < model->n_domains; i++) {
        own |= model->domains[i].fate == KT_FATE_EXCLUSIVE;
        shared |= model->domains[i].fate == KT_FATE_SHARED;
    }
    return own && shared;
}

/* The best of several beginnings; of one, where time is short. */
static void
try_anew(const KtModel *model, KtEffort effort, KtState **best)
{
    bool several = effort != KT_EFFORT_CLIMB, climbs = effort != KT_EFFORT_ANNEAL;
    for (guint i = 0; i < (several ? KT_N_GROW : 1); i++)
        choose(best, begin_anew(model, (KtWay){.grow = (KtGrow)i, .changed = KT_NO_DOMAIN}, climbs));
    for (guint i = KT_SEAT_OWN_FIRST + 1; several && is_mixed(model) && i < KT_N_SEATING; i++)
        choose(best, begin_anew(model, (KtWay){.seating = (KtSeating)i, .changed = KT_NO_DOMAIN}, climbs));
}

/* @anew: also without anybody's present seat. */
static KtState *
solve_once(const KtModel *model, bool anew)
{
    KtEffort effort = kt_effort(model);
    KtState *best = keep(model, effort != KT_EFFORT_ANNEAL);
    if (anew || !best)
        try_anew(model, effort, &best);
    if (effort != KT_EFFORT_CLIMB) {
        kt_anneal(best);
        finish(best);
    }
    for (guint i = 0; i < model->n_domains; i++)
        kt_match_cells(best, i);
    kt_pack_exclusive(best);
    kt_order_exclusive(best);
    return best;
}

/* ---- again ---- */

/* The same problem with another present. */
typedef struct {
    KtPlacementProblem problem;
    KtSeatDomain *domains;
    KtSeatVcpu *vcpus;
} Again;

static void
again_init(Again *again, const KtPlacementProblem *problem, const KtPlacement *present)
{
    gsize n_vcpus = 0;
    for (guint i = 0; i < problem->n_domains; i++)
        n_vcpus += problem->domains[i].n_vcpus;
    again->domains = g_memdup2(problem->domains, problem->n_domains * sizeof *problem->domains);
    again->vcpus = g_new(KtSeatVcpu, n_vcpus + 1);
    again->problem = *problem;
    again->problem.domains = again->domains;
    KtSeatVcpu *vcpu = again->vcpus;
    for (guint i = 0; i < problem->n_domains; i++) {
        again->domains[i].vcpus = vcpu;
        for (guint j = 0; j < problem->domains[i].n_vcpus; j++, vcpu++) {
            *vcpu = problem->domains[i].vcpus[j];
            vcpu->before = present->seats[i].vcpus[j];
        }
    }
}

static void
again_clear(Again *again)
{
    g_free(again->domains);
    g_free(again->vcpus);
}

/* What solving again makes of a placement; NULL: it stays. Whatever is better by more than the moves from
 * there is so from where everybody was before, too, since moves obey the triangle inequality. And what was
 * begun without regard to the present has been weighed already. */
static KtPlacement *
solve_again(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    Again again;
    again_init(&again, problem, placement);
    g_autoptr(KtModel) model = kt_model_new(&again.problem);
    kt_admit(model);
    g_autoptr(KtState) state = solve_once(model, false);
    KtPlacement *better = state->move_cost > model->worth / 2 ? kt_placement_extract(state) : NULL;
    again_clear(&again);
    return better;
}

KtPlacement *
kt_placement_solve(const KtPlacementProblem *problem)
{
    g_autoptr(KtModel) model = kt_model_new(problem);
    kt_admit(model);
    g_autoptr(KtState) state = solve_once(model, true);
    KtPlacement *placement = kt_placement_extract(state);
    for (guint i = 0; kt_effort(model) != KT_EFFORT_CLIMB && i < MAX_ROUNDS; i++) {
        KtPlacement *better = solve_again(problem, placement);
        if (!better)
            break;
        kt_placement_free(placement);
        placement = better;
    }
    return placement;
}
