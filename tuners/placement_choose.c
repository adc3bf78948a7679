/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

#include <math.h>
#include <string.h>

/* One CPU for one exclusive vCPU. */

/* How many near zones are compared for each vCPU. */
#define MAX_NEAR_ZONES 2
/* Where a seat adds as much as this for wishes that it doesn't meet, all zones are looked at. */
#define BROKEN_WISH_COST 500

/* How many zones are tried exactly where bounds tell which. */
#define MAX_BOUNDED_ZONES 4

static const KtModelDomain *
domain_of(const KtState *state, guint vcpu)
{
    return &state->model->domains[kt_state_domain_of(state, vcpu)];
}

/* ---- cores that look alike ---- */

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
signature_of(const KtState *state, guint vcpu, guint core_index, guint pu_index)
{
    const KtModel *model = state->model;
    const KtCoreState *core = &state->cores[core_index];
    const KtIndices *pus = &model->core_pus[core_index];
    const KtPu *pu = &model->topology->pus[pu_index];
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

/* ---- exact trials ---- */

typedef struct {
    gint pu; /* -1 = none */
    double cost;
    double broken;
} Choice;

/* Tries @pu for a vCPU that has none. */
static void
consider(KtState *state, guint vcpu, guint pu, Choice *best)
{
    KtMark mark = kt_trial_begin(state);
    kt_state_take(state, vcpu, pu);
    double cost = state->cost, broken = state->broken;
    kt_state_release(state, vcpu);
    kt_trial_end(state, mark);
    if (cost < best->cost - 1e-9)
        *best = (Choice){(gint)pu, cost, broken};
}

/* The first CPU of the core that the domain can take, one of the kind that it wants before others; -1 = none.
 */
static gint
first_free(const KtState *state, guint domain, guint core)
{
    const KtModel *model = state->model;
    const KtIndices *pus = &model->core_pus[core];
    gint wanted = model->domains[domain].kind, found = -1;
    for (guint i = 0; i < pus->n; i++) {
        gint pu = (gint)pus->items[i];
        bool fits = wanted < 0 || model->topology->pus[pu].kind == wanted;
        if ((found >= 0 && !fits) || !kt_state_can_take(state, domain, (guint)pu))
            continue;
        if (fits)
            return pu;
        found = pu;
    }
    return found;
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
        Signature it = signature_of(state, vcpu, cores->items[i], (guint)pu);
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

/* ---- the price of a zone ---- */

/* Tries the whole core of @pu. */
static double
price_of(KtState *state, guint vcpu, guint pu)
{
    const KtDomainState *domain = &state->domains[kt_state_domain_of(state, vcpu)];
    KtMark mark = kt_trial_begin(state);
    double own = domain->cost;
    kt_state_take(state, vcpu, pu);
    double price = state->cost - mark.cost - (domain->cost - own);
    kt_state_release(state, vcpu);
    kt_trial_end(state, mark);
    return price;
}

static void
find_price(KtState *state, guint vcpu, guint zone, KtZonePrice *it)
{
    enum { MAX_SEEN = 8 };
    Signature seen[MAX_SEEN];
    guint n_seen = 0;
    const KtIndices *cores = &state->model->zone_cores[zone];
    it->n_cores = 0;
    it->price = G_MAXDOUBLE;
    for (guint i = 0; i < cores->n; i++) {
        gint pu = state->cores[cores->items[i]].n_owned == 0
                      ? first_free(state, kt_state_domain_of(state, vcpu), cores->items[i])
                      : -1;
        if (pu < 0)
            continue;
        it->n_cores++;
        Signature its = signature_of(state, vcpu, cores->items[i], (guint)pu);
        its.n_unit_l2 = 0; /* no matter to others than the domain */
        bool is_new = n_seen < MAX_SEEN;
        for (guint j = 0; j < n_seen && is_new; j++)
            is_new = memcmp(&seen[j], &its, sizeof its) != 0;
        if (!is_new)
            continue;
        seen[n_seen++] = its;
        it->price = MIN(it->price, price_of(state, vcpu, (guint)pu));
    }
}

const KtZonePrice *
kt_zone_price(KtState *state, guint vcpu, guint zone)
{
    bool isolates = domain_of(state, vcpu)->wish->smt == KT_SMT_ISOLATE;
    KtZonePrice *it = &state->zones[zone].prices[isolates];
    double load = state->model->vcpus[vcpu].load;
    /* While others seek whole cores it hangs on more than the zone which CPUs can be had. */
    bool holds = it->epoch == state->zones[zone].epoch && it->load == load && state->demand.isolated == 0;
    if (!holds) {
        find_price(state, vcpu, zone, it);
        it->epoch = state->zones[zone].epoch;
        it->load = load;
    }
    return it;
}

/* Whether what its own domain pays for a vCPU on a whole core is told by the zone alone, nearly. */
static bool
is_plain(const KtState *state, guint vcpu)
{
    const KtModelDomain *domain = domain_of(state, vcpu);
    return state->n_spare > 0 && domain->wish->smt != KT_SMT_SHARE && domain->kind < 0 &&
           domain->wish->policy != KT_PLACEMENT_SPREAD && state->model->vcpus[vcpu].guest_core < 0;
}

/* What one more vCPU on @node adds to what its unit pays for memory whose place is known and for devices. */
static double
added_nodes_cost(const KtState *state, const KtModelDomain *domain, guint unit, guint node)
{
    const guint *there = state->units[unit].node_vcpus;
    guint n_nodes = 0, other = node;
    for (guint i = 0; i < state->model->topology->n_nodes; i++) {
        n_nodes += there[i] > 0;
        other = there[i] > 0 && i != node ? i : other;
    }
    if (other == node)
        return domain->node_cost[node];
    /* The others were together until now. */
    double parted = n_nodes == 1 ? there[other] * (domain->apart_cost[other] - domain->node_cost[other]) : 0;
    return domain->apart_cost[node] + parted;
}

/* What the domain pays for the vCPU in @zone at least, on a whole core. */
static double
own_bound(const KtState *state, guint vcpu, guint zone)
{
    const KtModel *model = state->model;
    const KtModelDomain *domain = domain_of(state, vcpu);
    guint unit_index = model->vcpus[vcpu].unit;
    const KtUnit *unit = &model->units[unit_index];
    double sum = 0;
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        guint other = i != vcpu && state->pu[i] >= 0 ? model->zones->of_pu[state->pu[i]] : zone;
        if (other != zone)
            sum += kt_zones_distance(model->zones, zone, other);
        else if (i != vcpu && state->pu[i] >= 0)
            sum += model->wide_l2 ? 1 : 2;
    }
    return domain->pair_scale * sum +
           added_nodes_cost(state, domain, unit_index, model->zones->zones[zone].node);
}

/* The best CPU on the most promising whole cores of all; best->cost: what is worth looking for is below. */
static void
choose_bounded(KtState *state, guint vcpu, Choice *best)
{
    guint n_zones = state->model->zones->n_zones;
    g_autofree double *bounds = g_new(double, n_zones);
    for (guint i = 0; i < n_zones; i++) {
        bounds[i] = G_MAXDOUBLE;
        if (!kt_model_may_be_on(domain_of(state, vcpu), state->model->zones->zones[i].node))
            continue;
        const KtZonePrice *price = kt_zone_price(state, vcpu, i);
        if (price->n_cores > 0)
            bounds[i] = state->cost + price->price + own_bound(state, vcpu, i);
    }
    for (guint tried = 0; tried < MAX_BOUNDED_ZONES; tried++) {
        guint least = 0;
        for (guint i = 1; i < n_zones; i++) {
            if (bounds[i] < bounds[least] - 1e-9)
                least = i;
        }
        if (bounds[least] >= best->cost - 1e-9)
            return;
        choose_in_zone(state, vcpu, least, best);
        bounds[least] = G_MAXDOUBLE;
    }
}

double
kt_bound_whole(KtState *state, guint domain, guint zone)
{
    const KtModel *model = state->model;
    const KtModelDomain *it = &model->domains[domain];
    const KtUnit *unit = &model->units[it->first_unit];
    if (it->n_units != 1 || !is_plain(state, it->first_vcpu))
        return 0;
    const KtZonePrice *here = kt_zone_price(state, it->first_vcpu, zone);
    double elsewhere = G_MAXDOUBLE;
    for (guint i = 0; here->n_cores < unit->n && i < model->zones->n_zones; i++) {
        if (!kt_model_may_be_on(it, model->zones->zones[i].node))
            continue;
        const KtZonePrice *price = kt_zone_price(state, it->first_vcpu, i);
        if (i != zone && price->n_cores > 0)
            elsewhere =
                MIN(elsewhere, price->price + kt_model_least_node_cost(it, model->zones->zones[i].node));
    }
    double inside = MIN(unit->n, here->n_cores), outside = unit->n - inside;
    if (inside <= 0 || (outside > 0 && elsewhere >= G_MAXDOUBLE))
        return 0;
    double load = unit->load / unit->n;
    const KtZone *place = &model->zones->zones[zone];
    double crowding = KT_COST_CROWDING * load * load / MAX(model->group_cores[place->group], 1);
    double pairs = unit->n * (unit->n - 1) / 2.0 - inside * outside, nearest = model->wide_l2 ? 1 : 2;
    double distances = pairs * nearest;
    if (outside > 0)
        distances +=
            inside * outside * kt_zones_distance(model->zones, zone, kt_state_zone_order(state, zone)[1]);
    double nodes = outside > 0 ? kt_model_least_node_cost(it, place->node) : it->node_cost[place->node];
    return inside * (here->price + nodes) + crowding * inside * (inside - 1) +
           (outside > 0 ? outside * elsewhere : 0) + it->pair_scale * distances;
}

/* ---- the choice ---- */

/* In the nearest zones to @start that have any. */
static void
choose_near(KtState *state, guint vcpu, guint start, Choice *best)
{
    const guint *order = kt_state_zone_order(state, start);
    bool spread = domain_of(state, vcpu)->wish->policy == KT_PLACEMENT_SPREAD;
    double most_broken = state->broken + BROKEN_WISH_COST;
    guint n_near = 0;
    for (guint i = 0; i < state->model->zones->n_zones; i++) {
        n_near += choose_in_zone(state, vcpu, order[i], best);
        if (!spread && n_near >= MAX_NEAR_ZONES && best->broken < most_broken)
            break;
    }
}

gint
kt_choose(KtState *state, guint vcpu, guint start)
{
    Choice best = {-1, G_MAXDOUBLE, 0};
    choose_near(state, vcpu, start, &best);
    return best.pu;
}

gint
kt_choose_better(KtState *state, guint vcpu, guint now, double total)
{
    const KtModel *model = state->model;
    Choice best = {-1, total - (kt_state_total(state) - state->cost), 0};
    if (is_plain(state, vcpu)) {
        choose_bounded(state, vcpu, &best);
        return best.pu;
    }
    best.cost = G_MAXDOUBLE;
    KtStart starts[KT_MAX_STARTS];
    guint n = kt_rank_starts(state, &model->units[model->vcpus[vcpu].unit], starts);
    for (guint i = 0; i < MIN(n, 2) + 1; i++)
        choose_near(state, vcpu, i == 0 ? now : starts[i - 1].zone, &best);
    return best.pu;
}
