/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement.h"

#include "tuners/placement_search.h"

/* Small hosts are begun anew in several ways: up to this many, as long as that is this little work. */
#define MAX_WAYS 32
#define WAYS_WORK 4096

/* ---- one attempt ---- */

/* A way to begin. */
typedef struct {
    guint seed; /* by lot, the same one each time; 0 = by size and cost */
    KtGrow grow;
    bool present; /* common sets begin as they are */
} Way;

/* Who comes first: whole cores, other own CPUs, common sets. */
static guint
rank_of(const KtModelDomain *domain)
{
    if (domain->fate == KT_FATE_EXCLUSIVE)
        return domain->wish->smt == KT_SMT_ISOLATE ? 0 : 1;
    return domain->fate == KT_FATE_SHARED ? 2 : 3;
}

/* The order in which domains are seated: by rank, then by size or by lot. Owned, n_domains indices. */
static guint *
seating_order(const KtModel *model, GRand *chance)
{
    guint *order = g_new(guint, model->n_domains + 1);
    guint n = 0;
    for (guint rank = 0; rank < 4; rank++) {
        guint first = n;
        for (guint i = 0; i < model->n_domains; i++) {
            if (rank_of(&model->domains[i]) == rank)
                order[n++] = i;
        }
        for (guint i = n; chance && i > first + 1; i--) {
            guint other = (guint)g_rand_int_range(chance, (gint32)first, (gint32)i), last = order[i - 1];
            order[i - 1] = order[other];
            order[other] = last;
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

/* Seats what has no seat, own CPUs before sets are made of what is left. @present: units begin with the sets
 * that they have. */
static void
seat_all(KtState *state, Way way)
{
    const KtModel *model = state->model;
    g_autoptr(GRand) chance = way.seed > 0 ? g_rand_new_with_seed(way.seed) : NULL;
    g_autofree guint *order = seating_order(model, chance);
    state->chance = chance;
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[order[i]].fate == KT_FATE_EXCLUSIVE)
            seat_or_stay(state, order[i]);
    }
    for (guint i = 0; way.present && i < model->n_units; i++) {
        KtHall *hall = model->domains[model->units[i].domain].fate == KT_FATE_SHARED
                           ? kt_unit_present_hall(state, i)
                           : NULL;
        if (hall)
            kt_state_enter(state, i, hall);
    }
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[order[i]];
        for (guint j = 0; domain->fate == KT_FATE_SHARED && j < domain->n_units; j++) {
            if (!state->units[domain->first_unit + j].hall)
                kt_seat_unit(state, domain->first_unit + j, way.grow);
        }
    }
    state->chance = NULL;
}

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

/* Everybody who legally can stays, the rest is seated around them. */
static KtState *
keep(const KtModel *model)
{
    KtState *state = kt_state_new(model, true);
    for (guint pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < model->n_domains; i++) {
            if (model->domains[i].fate == KT_FATE_EXCLUSIVE)
                keep_seats(state, i, pass == 0);
        }
    }
    seat_all(state, (Way){.present = true});
    finish(state);
    return state;
}

/* All from nothing. Present seats have no say in it but in the end, when vCPUs change places at no cost: so
 * it is the same the next time. */
static KtState *
begin_anew(const KtModel *model, Way way)
{
    KtState *state = kt_state_new(model, false);
    seat_all(state, way);
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
            begin_anew(model, (Way){.seed = i / KT_N_GROW, .grow = (KtGrow)(i % KT_N_GROW)});
        if (is_better(other, best)) {
            KtState *worse = best;
            best = g_steal_pointer(&other);
            kt_state_free(worse);
        }
    }
    KtPlacement *placement = kt_placement_extract(best);
    kt_placement_explain(best, placement);
    return placement;
}
