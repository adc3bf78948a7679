/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

#include <math.h>
#include <string.h>

/* How many near zones are compared for each vCPU. */
#define MAX_NEAR_ZONES 2
/* Added cost from which on all zones are looked at: it breaks a wish. */
#define BROKEN_WISH_COST 500

static const KtModelDomain *
domain_of(const KtState *state, guint vcpu)
{
    return &state->model->domains[kt_state_domain_of(state, vcpu)];
}

/* ---- one CPU for one vCPU ---- */

/* What the cost of a core's first free CPU depends on, within a zone: of cores that look alike the first is
 * tried. Amounts are in millionths, so that rounding makes no difference. */
typedef struct {
    gint64 own_load;
    gint64 obstacle_load;
    gint64 cost;
    guint n_owned;
    guint n_own;     /* vCPUs of the same domain here */
    guint n_unit;    /* of these of the same unit */
    guint n_mates;   /* threads of the same guest core here */
    guint n_unit_l2; /* vCPUs of the same unit in the L2 */
    guint n_obstacles;
    guint n_open;
    guint n_doubled;
    guint n_pus;
    gint kind;
} Signature;

static gint64
millionths(double amount)
{
    return (gint64)floor(amount * 1e6 + 0.5);
}

static void
count_own(const KtState *state, guint vcpu, guint core, Signature *it)
{
    const KtModel *model = state->model;
    const KtModelVcpu *seeker = &model->vcpus[vcpu];
    const KtIndices *pus = &model->core_pus[core];
    for (guint i = 0; i < pus->n; i++) {
        gint owner = state->owner[pus->items[i]];
        if (owner < 0 || domain_of(state, (guint)owner) != domain_of(state, vcpu))
            continue;
        it->n_own++;
        it->n_unit += model->vcpus[owner].unit == seeker->unit;
        it->n_mates += seeker->guest_core >= 0 && model->vcpus[owner].guest_core == seeker->guest_core;
    }
}

static void
count_unit_in_l2(const KtState *state, const KtUnit *unit, gint l2, Signature *it)
{
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        gint seat = state->pu[i];
        it->n_unit_l2 += seat >= 0 && state->model->topology->pus[seat].l2 == l2;
    }
}

static Signature
signature_of(const KtState *state, guint vcpu, guint core_index)
{
    const KtModel *model = state->model;
    const KtCoreState *core = &state->cores[core_index];
    const KtIndices *pus = &model->core_pus[core_index];
    const KtPu *pu = &model->topology->pus[pus->items[0]];
    Signature it;
    memset(&it, 0, sizeof it); /* padding too: compared as bytes */
    it.own_load = millionths(core->own_load);
    it.obstacle_load = millionths(core->obstacle_load);
    it.cost = millionths(core->cost);
    it.n_owned = core->n_owned;
    it.n_obstacles = core->n_obstacles;
    it.n_open = core->n_open;
    it.n_doubled = core->n_doubled;
    it.n_pus = pus->n;
    it.kind = pu->kind;
    if (core->n_owned > 0)
        count_own(state, vcpu, core_index, &it);
    if (model->wide_l2 && pu->l2 >= 0)
        count_unit_in_l2(state, &model->units[model->vcpus[vcpu].unit], pu->l2, &it);
    return it;
}

typedef struct {
    gint pu; /* -1 = none */
    double cost;
} Choice;

/* Tries @pu for a vCPU that has none. */
static void
consider(KtState *state, guint vcpu, guint pu, Choice *best)
{
    KtMark mark = kt_mark(state);
    kt_state_take(state, vcpu, pu);
    double cost = state->cost;
    kt_state_release(state, vcpu);
    kt_mark_restore(state, mark);
    if (best->pu < 0 || cost < best->cost - 1e-9)
        *best = (Choice){(gint)pu, cost};
}

static gint
first_free(const KtState *state, guint domain, guint core)
{
    const KtIndices *pus = &state->model->core_pus[core];
    for (guint i = 0; i < pus->n; i++) {
        if (kt_state_can_take(state, domain, pus->items[i]))
            return (gint)pus->items[i];
    }
    return -1;
}

/* The best CPU in @zone; whether there is any. */
static bool
choose_in_zone(KtState *state, guint vcpu, guint zone, Choice *best)
{
    enum { MAX_SEEN = 16 };
    Signature seen[MAX_SEEN];
    guint n_seen = 0;
    const KtIndices *cores = &state->model->zone_cores[zone];
    bool any = false;
    for (guint i = 0; i < cores->n && n_seen < MAX_SEEN; i++) {
        gint pu = first_free(state, kt_state_domain_of(state, vcpu), cores->items[i]);
        if (pu < 0)
            continue;
        any = true;
        Signature it = signature_of(state, vcpu, cores->items[i]);
        bool is_new = true;
        for (guint j = 0; j < n_seen && is_new; j++)
            is_new = memcmp(&seen[j], &it, sizeof it) != 0;
        if (!is_new)
            continue;
        seen[n_seen++] = it;
        consider(state, vcpu, (guint)pu, best);
    }
    return any;
}

/* The CPU of least added cost for a vCPU, in the nearest zones to @start that have any. */
static gint
choose(KtState *state, guint vcpu, guint start)
{
    const guint *order = kt_state_zone_order(state, start);
    bool spread = domain_of(state, vcpu)->wish->policy == KT_PLACEMENT_SPREAD;
    double broken = state->cost + BROKEN_WISH_COST;
    Choice best = {-1, 0};
    guint n_near = 0, max_near = state->chance ? 1 : MAX_NEAR_ZONES;
    for (guint i = 0; i < state->model->zones->n_zones; i++) {
        n_near += choose_in_zone(state, vcpu, order[i], &best);
        if (!spread && n_near >= max_near && best.cost < broken)
            break;
    }
    return best.pu;
}

/* ---- all of a domain ---- */

/* The zone of a seated vCPU of the unit, or -1. */
static gint
seated_zone(const KtState *state, const KtUnit *unit)
{
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        if (state->pu[i] >= 0)
            return (gint)state->model->zones->of_pu[state->pu[i]];
    }
    return -1;
}

static void
copy_seats(const KtState *state, const KtModelDomain *domain, gint *seats)
{
    memcpy(seats, state->pu + domain->first_vcpu, domain->n_vcpus * sizeof *seats);
}

/* Makes the domain's seats be @seats (-1 = none). */
static void
set_seats(KtState *state, const KtModelDomain *domain, const gint *seats)
{
    gint *now = state->pu + domain->first_vcpu;
    for (guint i = 0; i < domain->n_vcpus; i++) {
        if (now[i] >= 0 && now[i] != seats[i])
            kt_state_release(state, domain->first_vcpu + i);
    }
    for (guint i = 0; i < domain->n_vcpus; i++) {
        if (seats[i] >= 0 && now[i] < 0)
            kt_state_take(state, domain->first_vcpu + i, (guint)seats[i]);
    }
}

/* Seats all that have no CPU, the first unit that has none at all from @start on. */
static bool
fill_from(KtState *state, const KtModelDomain *domain, guint start)
{
    bool used_start = false;
    for (guint i = 0; i < domain->n_units; i++) {
        const KtUnit *unit = &state->model->units[domain->first_unit + i];
        gint zone = seated_zone(state, unit);
        if (zone < 0) {
            KtStart starts[KT_MAX_STARTS];
            if (!used_start)
                zone = (gint)start;
            else if (kt_rank_starts(state, unit, starts) > 0)
                zone = (gint)starts[0].zone;
            used_start = true;
        }
        for (guint vcpu = unit->first; vcpu < unit->first + unit->n; vcpu++) {
            if (state->pu[vcpu] >= 0)
                continue;
            gint pu = zone >= 0 ? choose(state, vcpu, (guint)zone) : -1;
            if (pu < 0)
                return false;
            kt_state_take(state, vcpu, (guint)pu);
        }
    }
    return true;
}

/* Whether the unit's vCPUs can change CPUs among themselves at no cost. */
static bool
is_uniform(const KtState *state, const KtUnit *unit)
{
    const KtModelVcpu *vcpus = &state->model->vcpus[unit->first];
    for (guint i = 0; i < unit->n; i++) {
        if (vcpus[i].guest_core >= 0 || vcpus[i].load != vcpus[0].load)
            return false;
    }
    return true;
}

/* Within the CPUs that the unit has, gives each vCPU the one that it had before. */
static void
keep_within_unit(KtState *state, const KtUnit *unit, gint *seats)
{
    const KtModelVcpu *vcpus = &state->model->vcpus[unit->first];
    for (guint i = 0; is_uniform(state, unit) && i < unit->n; i++) {
        for (guint j = 0; j < unit->n; j++) {
            bool at_home = seats[j] == vcpus[j].before_pu;
            if (j != i && !at_home && seats[j] >= 0 && seats[j] == vcpus[i].before_pu) {
                gint other = seats[i];
                seats[i] = seats[j];
                seats[j] = other;
            }
        }
    }
}

void
kt_keep_within_exclusive(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    g_autofree gint *seats = g_new(gint, domain->n_vcpus + 1);
    copy_seats(state, domain, seats);
    for (guint i = 0; i < domain->n_units; i++) {
        const KtUnit *unit = &state->model->units[domain->first_unit + i];
        keep_within_unit(state, unit, seats + (unit->first - domain->first_vcpu));
    }
    set_seats(state, domain, seats);
}

/* Fills from the most promising zones and leaves the best of that; the seats that are there stay. False and
 * nothing changed where there is no room. */
static bool
fill_best(KtState *state, const KtModelDomain *domain)
{
    g_autofree gint *before = g_new(gint, domain->n_vcpus + 1);
    g_autofree gint *best = g_new(gint, domain->n_vcpus + 1);
    copy_seats(state, domain, before);
    guint first = 0; /* the unit that begins */
    while (first + 1 < domain->n_units &&
           seated_zone(state, &state->model->units[domain->first_unit + first]) >= 0)
        first++;
    KtStart starts[KT_MAX_STARTS];
    guint n = kt_rank_starts(state, &state->model->units[domain->first_unit + first], starts);
    if (state->chance && n > 1) {
        starts[0] = starts[g_rand_int_range(state->chance, 0, (gint)n)];
        n = 1;
    }
    bool found = false;
    double least = 0;
    KtMark mark = kt_mark(state);
    for (guint i = 0; i < n; i++) {
        if (fill_from(state, domain, starts[i].zone)) {
            if (state->counts_moves)
                kt_keep_within_exclusive(state, (guint)(domain - state->model->domains));
            if (!found || kt_state_total(state) < least - 1e-9) {
                least = kt_state_total(state);
                copy_seats(state, domain, best);
                found = true;
            }
        }
        set_seats(state, domain, before);
        kt_mark_restore(state, mark);
    }
    if (found)
        set_seats(state, domain, best);
    return found;
}

bool
kt_seat_exclusive(KtState *state, guint domain)
{
    const KtModelDomain *it = &state->model->domains[domain];
    return state->domains[domain].n_seated == it->n_vcpus || fill_best(state, it);
}

void
kt_unseat_exclusive(KtState *state, guint domain)
{
    const KtModelDomain *it = &state->model->domains[domain];
    for (guint i = it->first_vcpu; i < it->first_vcpu + it->n_vcpus; i++) {
        if (state->pu[i] >= 0)
            kt_state_release(state, i);
    }
}

/* ---- improving ---- */

/* Tries @pu for a vCPU that has none, moves counted. */
static void
consider_total(KtState *state, guint vcpu, guint pu, Choice *best)
{
    KtMark mark = kt_mark(state);
    kt_state_take(state, vcpu, pu);
    double total = kt_state_total(state);
    kt_state_release(state, vcpu);
    kt_mark_restore(state, mark);
    if (best->pu < 0 || total < best->cost - 1e-9)
        *best = (Choice){(gint)pu, total};
}

static bool
improve_vcpu(KtState *state, guint vcpu)
{
    const KtModel *model = state->model;
    guint domain = kt_state_domain_of(state, vcpu);
    guint now = (guint)state->pu[vcpu];
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - state->model->worth;
    kt_state_release(state, vcpu);

    KtStart starts[KT_MAX_STARTS];
    guint n = kt_rank_starts(state, &model->units[model->vcpus[vcpu].unit], starts);
    Choice best = {-1, 0};
    for (guint i = 0; i < MIN(n, 2) + 1; i++) {
        gint pu = choose(state, vcpu, i == 0 ? model->zones->of_pu[now] : starts[i - 1].zone);
        if (pu >= 0)
            consider_total(state, vcpu, (guint)pu, &best);
    }
    gint home = model->vcpus[vcpu].before_pu;
    if (state->counts_moves && home >= 0 && kt_state_can_take(state, domain, (guint)home))
        consider_total(state, vcpu, (guint)home, &best);

    bool better = best.pu >= 0 && best.pu != (gint)now && best.cost < least;
    kt_state_take(state, vcpu, better ? (guint)best.pu : now);
    if (!better)
        kt_mark_restore(state, mark);
    return better;
}

static bool
improve_whole(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    g_autofree gint *now = g_new(gint, domain->n_vcpus + 1);
    copy_seats(state, domain, now);
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - state->model->worth;
    kt_unseat_exclusive(state, index);
    if (fill_best(state, domain) && kt_state_total(state) < least)
        return true;
    set_seats(state, domain, now);
    kt_mark_restore(state, mark);
    return false;
}

bool
kt_improve_exclusive(KtState *state, guint domain)
{
    const KtModelDomain *it = &state->model->domains[domain];
    bool better = false;
    for (guint i = it->first_vcpu; i < it->first_vcpu + it->n_vcpus; i++)
        better |= improve_vcpu(state, i);
    for (guint i = it->first_vcpu; i < it->first_vcpu + it->n_vcpus; i++)
        better |= kt_improve_by_exchange(state, i);
    return improve_whole(state, domain) || better;
}
