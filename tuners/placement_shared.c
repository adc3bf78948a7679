/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_sets.h"

#include <string.h>

/* Of the regions how many are tried in earnest, and from how many of these the set is let grow. */
#define MAX_TRIED 6
#define MAX_GROWN 2
/* A set grows on until this many regions in a row have made it no cheaper. */
#define MAX_USELESS 2

static const KtModelDomain *
domain_of(const KtState *state, guint unit)
{
    return &state->model->domains[state->model->units[unit].domain];
}

/* ---- trying halls ---- */

/* The search for a unit's hall: the unit is in none meanwhile. */
typedef struct {
    KtState *state;
    guint unit;
    guint64 *regions; /* room to compose a set of regions */
    KtHall *best;     /* by the total */
    double least;     /* its total; before there is any: what is worth looking for is below */
    double empty;     /* the total while the unit has no set */
} Trial;

/* Tries a hall; its cost without moves, or infinity where it has no CPU. */
static double
try_hall(Trial *trial, KtHall *hall)
{
    KtState *state = trial->state;
    if (kt_state_hall_pus(state, hall) == 0)
        return G_MAXDOUBLE;
    KtMark mark = kt_trial_begin(state);
    kt_state_enter(state, trial->unit, hall);
    double cost = state->cost, total = kt_state_total(state);
    kt_state_leave(state, trial->unit);
    kt_trial_end(state, mark);
    if (total < trial->least - 1e-9) {
        trial->best = hall;
        trial->least = total;
    }
    return cost;
}

/* Whether what adds at least @bound may be the best. Rounding aside. */
static bool
is_promising(const Trial *trial, double bound)
{
    return trial->empty + bound < trial->least + 1e-6;
}

static double
try_regions(Trial *trial)
{
    return try_hall(trial, kt_state_hall(trial->state, trial->regions));
}

/* ---- which regions are promising ---- */

typedef struct {
    guint region;
    double cost;
} Ranked;

/* What one zone adds to the estimate when @load comes to it. */
static double
estimate_zone(const KtState *state, const KtModelDomain *domain, guint index, double load, double n_vcpus)
{
    const KtModel *model = state->model;
    const KtZone *zone = &model->zones->zones[index];
    const KtZoneState *now = &state->zones[index];
    double before = state->groups[zone->group].load, scale = model->zone_scale[index];
    double cost = KT_COST_CROWDING * (2 * before + load) * load * model->group_scale[zone->group];
    double over = MAX((before + load) * scale - 1, 0), over_before = MAX(before * scale - 1, 0);
    cost += KT_COST_OVERLOAD * (over * over - over_before * over_before) * model->group_cores[zone->group];
    cost += (KT_COST_STRANGER + (now->n_domains > 0 ? 0 : KT_COST_SIBLING)) * now->exposed;
    return cost + n_vcpus * domain->node_cost[zone->node];
}

/* Roughly what the unit adds to the cost in this region; negative where nothing of it is open. */
static double
estimate(const KtState *state, guint unit_index, guint region_index)
{
    const KtUnit *unit = &state->model->units[unit_index];
    const KtModelDomain *domain = domain_of(state, unit_index);
    const KtRegion *region = &state->model->regions[region_index];
    double n_open = 0, cost = 0;
    for (guint i = 0; i < region->n_zones; i++)
        n_open += state->zones[region->zones[i]].n_open;
    if (n_open <= 0)
        return -1;
    for (guint i = 0; i < region->n_zones; i++) {
        double part = state->zones[region->zones[i]].n_open / n_open;
        if (part > 0)
            cost += estimate_zone(state, domain, region->zones[i], unit->load * part, unit->n * part);
    }
    return MAX(cost, 0);
}

/* Sorts @it into the @n best, of at most @max. */
static guint
rank(Ranked *best, guint n, guint max, Ranked it)
{
    guint at = n;
    while (at > 0 && it.cost < best[at - 1].cost - 1e-9)
        at--;
    if (at >= max)
        return n;
    n = MIN(n + 1, max);
    memmove(best + at + 1, best + at, (n - at - 1) * sizeof *best);
    best[at] = it;
    return n;
}

static bool
has_changed(const KtState *state, const guint *zones, guint n_zones, guint64 since)
{
    for (guint i = 0; i < n_zones; i++) {
        if (state->zones[zones[i]].epoch > since)
            return true;
    }
    return false;
}

/* Of those that have changed since an epoch. */
static guint
rank_regions(const KtState *state, guint unit, guint64 since, Ranked best[MAX_TRIED])
{
    const KtModelDomain *domain = domain_of(state, unit);
    guint n = 0;
    for (guint i = 0; i < domain->n_regions; i++) {
        guint region = domain->first_region + i;
        const KtRegion *its = &state->model->regions[region];
        if (since > 0 && !has_changed(state, its->zones, its->n_zones, since))
            continue;
        Ranked it = {region, estimate(state, unit, region)};
        if (it.cost >= 0 && kt_unit_may_have(state, unit, region))
            n = rank(best, n, MAX_TRIED, it);
    }
    return n;
}

/* ---- growing ---- */

static double
crowding_of(const KtState *state, const KtRegion *region)
{
    double load = 0;
    for (guint i = 0; i < region->n_zones; i++) {
        guint group = state->model->zones->zones[region->zones[i]].group;
        load += state->groups[group].load / MAX(state->model->group_cores[group], 1);
    }
    return load / region->n_zones;
}

/* The region by which a set that began with @start grows next: the nearest to it, of these the least crowded.
 * -1: none is left. */
static gint
next_region(const Trial *trial, guint start)
{
    const KtState *state = trial->state;
    const KtModel *model = state->model;
    const KtModelDomain *domain = domain_of(state, trial->unit);
    gint next = -1;
    double next_distance = 0, next_crowding = 0;
    for (guint i = domain->first_region; i < domain->first_region + domain->n_regions; i++) {
        const KtRegion *region = &model->regions[i];
        if (kt_bit(trial->regions, i) || !kt_unit_may_have(state, trial->unit, i) ||
            kt_state_hall_pus(state, state->single[i]) == 0)
            continue;
        double distance = kt_zones_distance(model->zones, model->regions[start].zones[0], region->zones[0]);
        if (next >= 0 && distance > next_distance)
            continue;
        double crowding = crowding_of(state, region);
        if (next >= 0 && distance == next_distance && crowding > next_crowding - 1e-9)
            continue;
        next = (gint)i;
        next_distance = distance;
        next_crowding = crowding;
    }
    return next;
}

static void
grow_from(Trial *trial, guint start, double cost)
{
    memset(trial->regions, 0, trial->state->region_words * sizeof *trial->regions);
    kt_bit_set(trial->regions, start, true);
    guint max = kt_unit_max_regions(trial->state, trial->unit);
    for (guint n = 1, n_useless = 0; n < max && n_useless < MAX_USELESS; n++) {
        gint next = next_region(trial, start);
        if (next < 0)
            return;
        kt_bit_set(trial->regions, (guint)next, true);
        double grown = try_regions(trial);
        n_useless = grown < cost - 1e-9 ? 0 : n_useless + 1;
        cost = MIN(cost, grown);
    }
}

/* ---- varying what is there ---- */

/* @hall without each of its regions, with each promising one more, and with one for another. */
static void
vary(Trial *trial, const KtHall *hall, const Ranked *promising, guint n_promising)
{
    KtState *state = trial->state;
    guint n = kt_hall_count_regions(state, hall);
    if (n > KT_MAX_VARIED)
        return;
    memcpy(trial->regions, hall->regions, state->region_words * sizeof *trial->regions);
    for (guint i = 0; i < state->model->n_regions; i++) {
        if (!kt_bit(hall->regions, i))
            continue;
        kt_bit_set(trial->regions, i, false);
        if (n > 1)
            try_regions(trial);
        for (guint j = 0; n > 1 && j < n_promising; j++) {
            if (kt_bit(hall->regions, promising[j].region))
                continue;
            kt_bit_set(trial->regions, promising[j].region, true);
            try_regions(trial);
            kt_bit_set(trial->regions, promising[j].region, false);
        }
        kt_bit_set(trial->regions, i, true);
    }
    for (guint j = 0; n < KT_MAX_VARIED && j < n_promising; j++) {
        if (kt_bit(hall->regions, promising[j].region))
            continue;
        kt_bit_set(trial->regions, promising[j].region, true);
        try_regions(trial);
        kt_bit_set(trial->regions, promising[j].region, false);
    }
}

/* ---- the search ---- */

/* Sets of several regions. */
static void
try_several(Trial *trial, const KtHall *now, bool grows, const Ranked *promising, guint n_promising)
{
    KtState *state = trial->state;
    if (!is_promising(trial, kt_bound_regions(state, trial->unit, trial->least - trial->empty + 1e-6)))
        return;
    for (guint i = 0; grows && i < MIN(n_promising, MAX_GROWN); i++)
        grow_from(trial, promising[i].region, try_hall(trial, state->single[promising[i].region]));
    if (now)
        vary(trial, now, promising, n_promising);
    if (grows && domain_of(state, trial->unit)->n_regions <= KT_MAX_VARIED) {
        try_hall(trial, kt_unit_hall_of_all(state, trial->unit, trial->regions));
    }
}

static void
try_spread(Trial *trial)
{
    try_hall(trial, kt_unit_hall_of_part(trial->state, trial->unit, trial->regions));
    try_hall(trial, kt_unit_hall_of_all(trial->state, trial->unit, trial->regions));
}

/* The best hall for a unit that is in none, with a total below *@total, which it sets; or NULL. @now: the one
 * it comes from, or NULL; @grows: of several regions too; @since: only what has changed since this epoch. */
static KtHall *
find_hall(KtState *state, guint unit, const KtHall *now, bool grows, guint64 since, double *total)
{
    g_autofree guint64 *regions = g_new0(guint64, state->region_words);
    Trial trial = {
        .state = state, .unit = unit, .regions = regions, .least = *total, .empty = kt_state_total(state)};
    if (domain_of(state, unit)->wish->policy == KT_PLACEMENT_SPREAD) {
        try_spread(&trial);
        *total = trial.least;
        return trial.best;
    }
    Ranked promising[MAX_TRIED];
    guint n_promising = rank_regions(state, unit, since, promising);
    if (since > 0 && n_promising == 0)
        return NULL;
    for (guint i = 0; i < n_promising; i++) {
        if (is_promising(&trial, kt_bound_region(state, unit, promising[i].region)))
            try_hall(&trial, state->single[promising[i].region]);
    }
    if (grows || now)
        try_several(&trial, now, grows, promising, n_promising);
    KtHall *present = state->counts_moves ? kt_unit_present_hall(state, unit, false) : NULL;
    if (present && kt_hall_count_regions(state, present) <= KT_MAX_VARIED)
        try_hall(&trial, present);
    *total = trial.least;
    return trial.best;
}

/* ---- the best ---- */

bool
kt_seat_unit(KtState *state, guint unit, KtGrow grow)
{
    double total = G_MAXDOUBLE;
    bool grows = grow == KT_GROW_ALL || (grow == KT_GROW_LARGE && kt_unit_is_large(state, unit));
    KtHall *hall = find_hall(state, unit, NULL, grows, 0, &total);
    if (!hall && domain_of(state, unit)->regions) {
        state->units[unit].unbound = true;
        hall = find_hall(state, unit, NULL, grows, 0, &total);
    }
    if (hall)
        kt_state_enter(state, unit, hall);
    return hall != NULL;
}

/* Since when other sets are worth looking at: since the unit was looked at in vain, as long as nothing has
 * changed for the set that it has. */
static guint64
vain_since(const KtState *state, guint unit)
{
    const KtHall *now = state->units[unit].hall;
    guint64 vain = state->units[unit].vain;
    bool alone = domain_of(state, unit)->n_units == 1;
    return vain > 0 && alone && !has_changed(state, now->zones, now->n_zones, vain) ? vain : 0;
}

bool
kt_improve_unit(KtState *state, guint unit)
{
    KtMark mark = kt_mark(state);
    double total = kt_state_total(state) - state->model->worth;
    KtHall *now = state->units[unit].hall;
    guint64 since = vain_since(state, unit);
    kt_state_save_epochs(state);
    kt_state_leave(state, unit);
    KtHall *hall = find_hall(state, unit, now, true, since, &total);
    bool better = hall && hall != now;
    kt_state_enter(state, unit, better ? hall : now);
    if (!better) {
        kt_mark_restore(state, mark);
        kt_state_restore_epochs(state);
        state->units[unit].vain = state->epoch;
    }
    return better;
}
