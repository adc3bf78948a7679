/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement.h"

#include "tuners/placement_search.h"

/* Hosts are begun anew in several ways: up to this many, as long as that is this little work (vCPUs times
 * CPUs): 0.1 s. */
#define MAX_WAYS 96
#define WAYS_WORK 200000

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

/* Everybody who legally can stays, the rest is seated around them. NULL where nobody can: that is to begin
 * anew. */
static KtState *
keep(const KtModel *model)
{
    g_autoptr(KtState) state = kt_state_new(model, true);
    if (!kt_seat_all(state, (KtWay){.present = true, .changed = KT_NO_DOMAIN}))
        return NULL;
    finish(state);
    return g_steal_pointer(&state);
}

/* All from nothing. Present seats have no say in it but in the end, when vCPUs change places at no cost: so
 * it is the same the next time. */
static KtState *
begin_anew(const KtModel *model, KtWay way)
{
    KtState *state = kt_state_new(model, false);
    kt_seat_all(state, way);
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

static guint
count_ways(const KtModel *model)
{
    guint64 work = (guint64)(model->n_vcpus + 1) * model->topology->n_pus;
    return (guint)CLAMP(WAYS_WORK / work, 1, MAX_WAYS);
}

KtPlacement *
kt_placement_solve(const KtPlacementProblem *problem)
{
    g_autoptr(KtModel) model = kt_model_new(problem);
    kt_admit(model);
    g_autoptr(KtState) best = keep(model);
    for (guint i = 0; i < count_ways(model); i++) {
        g_autoptr(KtState) other =
            begin_anew(model, (KtWay){.seed = i / KT_N_GROW, .grow = (KtGrow)(i % KT_N_GROW)});
        if (is_better(other, best)) {
            KtState *worse = best;
            best = g_steal_pointer(&other);
            kt_state_free(worse);
        }
    }
    return kt_placement_extract(best);
}
