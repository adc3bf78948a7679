/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* A vCPU of a `spread` domain goes to a core of strangers in a group that has none of its domain. An exchange
 * of two vCPUs alone would put a stranger beside one of its own, or be against `isolate`. */
typedef enum {
    WAY_OUT,   /* the strangers go to where that costs least */
    WAY_TRADE, /* they go to the core that it leaves, and who sat beside it there to where that costs least */
    N_WAYS,
} Way;

typedef struct {
    guint vcpu;
    guint pu; /* that it has before */
} Seat;

static void
release(KtState *state, guint vcpu, GArray *seats)
{
    Seat seat = {vcpu, (guint)state->pu[vcpu]};
    g_array_append_val(seats, seat);
    kt_state_release(state, vcpu);
}

/* Releases who has CPUs of a core, and adds them to @seats. */
static void
release_core(KtState *state, guint core, GArray *seats)
{
    const KtIndices *pus = &state->model->core_pus[core];
    for (guint i = 0; i < pus->n; i++) {
        if (state->owner[pus->items[i]] >= 0)
            release(state, (guint)state->owner[pus->items[i]], seats);
    }
}

static bool
take(KtState *state, guint vcpu, guint pu)
{
    if (!kt_state_can_take(state, kt_state_domain_of(state, vcpu), pu))
        return false;
    kt_state_take(state, vcpu, pu);
    return true;
}

/* Seats @strangers on @core, from its first CPU on. */
static bool
seat_on_core(KtState *state, const GArray *strangers, guint core)
{
    const KtIndices *pus = &state->model->core_pus[core];
    guint n = 0;
    for (guint i = 0; i < pus->n && n < strangers->len; i++)
        n += take(state, g_array_index(strangers, Seat, n).vcpu, pus->items[i]);
    return n == strangers->len;
}

/* Seats those that were on a core, but for @vcpu, each where that costs least. */
static bool
seat_anywhere(KtState *state, const GArray *seats, guint vcpu)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);
        if (seat->vcpu == vcpu)
            continue;
        gint pu = kt_choose(state, seat->vcpu, state->model->zones->of_pu[seat->pu]);
        if (pu < 0)
            return false;
        kt_state_take(state, seat->vcpu, (guint)pu);
    }
    return true;
}

static void
release_seated(KtState *state, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);
        if (state->pu[seat->vcpu] >= 0)
            kt_state_release(state, seat->vcpu);
    }
}

static void
seat_as_before(KtState *state, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);
        kt_state_take(state, seat->vcpu, seat->pu);
    }
}

/* Where that is worth it; whether it was. */
static bool
improve_by_core(KtState *state, guint vcpu, guint other, Way way)
{
    guint core = state->model->topology->pus[state->pu[vcpu]].core;
    g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(Seat));
    g_autoptr(GArray) strangers = g_array_new(FALSE, FALSE, sizeof(Seat));
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - state->model->worth;
    kt_state_save_epochs(state);
    if (way == WAY_OUT)
        release(state, vcpu, own);
    else
        release_core(state, core, own);
    release_core(state, other, strangers);
    bool seated = take(state, vcpu, g_array_index(strangers, Seat, 0).pu) &&
                  (way == WAY_OUT || seat_on_core(state, strangers, core)) &&
                  seat_anywhere(state, way == WAY_OUT ? strangers : own, vcpu);
    if (seated && kt_state_total(state) < least)
        return true;
    release_seated(state, own);
    release_seated(state, strangers);
    seat_as_before(state, own);
    seat_as_before(state, strangers);
    kt_mark_restore(state, mark);
    kt_state_restore_epochs(state);
    return false;
}

/* The domain of the first of those who have a core; -1: nobody has. */
static gint
domain_on(const KtState *state, guint core)
{
    const KtIndices *pus = &state->model->core_pus[core];
    for (guint i = 0; i < pus->n; i++) {
        if (state->owner[pus->items[i]] >= 0)
            return (gint)kt_state_domain_of(state, (guint)state->owner[pus->items[i]]);
    }
    return -1;
}

/* With a core of each stranger in the zone: those of one are much alike. */
static bool
improve_in_zone(KtState *state, guint vcpu, guint zone)
{
    const KtIndices *cores = &state->model->zone_cores[zone];
    gint last = -1;
    for (guint i = 0; i < cores->n; i++) {
        gint stranger = domain_on(state, cores->items[i]);
        if (stranger < 0 || stranger == last)
            continue;
        last = stranger;
        for (guint way = 0; way < N_WAYS; way++) {
            if (improve_by_core(state, vcpu, cores->items[i], (Way)way))
                return true;
        }
    }
    return false;
}

bool
kt_improve_spread_by_core(KtState *state, guint vcpu)
{
    const KtModel *model = state->model;
    guint index = kt_state_domain_of(state, vcpu);
    const KtDomainState *domain = &state->domains[index];
    /* Who is to share cores would break one wish for the other. */
    if (model->domains[index].wish->smt == KT_SMT_SHARE)
        return false;
    for (guint i = 0; i < model->zones->n_zones; i++) {
        const KtZone *zone = &model->zones->zones[i];
        if (domain->group_vcpus[zone->group] == 0 && kt_model_may_be_on(&model->domains[index], zone->node) &&
            improve_in_zone(state, vcpu, i))
            return true;
    }
    return false;
}
