/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Halvings of the interval in which the marginal cost of an even balance is sought. */
#define N_HALVINGS 12

/* What load that comes to a zone costs at least: a·slope + a²·curve for an amount of a, and what is fixed. */
typedef struct {
    guint zone;
    double slope;
    double curve;
    double scale; /* 1 / (2 · curve) */
} Bound;

static double
crowding_of(const KtState *state, guint zone)
{
    return KT_COST_CROWDING * state->model->group_scale[state->model->zones->zones[zone].group];
}

static double
slope_of(const KtState *state, guint index)
{
    const KtZoneState *zone = &state->zones[index];
    /* Cores that are overloaded as it is pay more by just this, others by nothing at least. */
    const KtOverload *over = &zone->overload;
    double slope = KT_COST_OVERLOAD * (over->slope + 2 * zone->rate * over->curve) / zone->n_open;
    return slope +
           2 * crowding_of(state, index) * state->groups[state->model->zones->zones[index].group].load;
}

static double
curve_of(const KtState *state, guint index)
{
    const KtZoneState *zone = &state->zones[index];
    double n_open = zone->n_open;
    return KT_COST_OVERLOAD * zone->overload.curve / (n_open * n_open) + crowding_of(state, index);
}

static double
fixed_of(const KtState *state, const KtModelDomain *domain, guint zone)
{
    return domain->n_units == 1 ? KT_COST_STRANGER * (double)state->zones[zone].exposed : 0;
}

/* What a vCPU with the set of a region pays for memory whose place is known and for devices. */
static double
region_nodes_cost(const KtState *state, const KtModelDomain *domain, const KtRegion *region, double n_open)
{
    const KtModel *model = state->model;
    gint node = -1;
    bool one = true;
    double together = 0, apart = 0;
    for (guint i = 0; i < region->n_zones; i++) {
        guint its = model->zones->zones[region->zones[i]].node, n = state->zones[region->zones[i]].n_open;
        one &= n == 0 || node < 0 || node == (gint)its;
        node = n > 0 ? (gint)its : node;
        together += n * domain->node_cost[its];
        apart += n * domain->apart_cost[its];
    }
    return (one ? together : apart) / n_open;
}

double
kt_bound_region(KtState *state, guint unit_index, guint region_index)
{
    const KtUnit *unit = &state->model->units[unit_index];
    const KtRegion *region = &state->model->regions[region_index];
    double n_open = kt_state_hall_pus(state, state->single[region_index]);
    double cost = 2 * unit->pair_weight;
    cost += unit->n * region_nodes_cost(state, &state->model->domains[unit->domain], region, n_open);
    for (guint i = 0; i < region->n_zones; i++) {
        guint zone = region->zones[i];
        double part = state->zones[zone].n_open / n_open;
        if (part <= 0)
            continue;
        double load = unit->load * part;
        cost += fixed_of(state, &state->model->domains[unit->domain], zone);
        cost += load * (slope_of(state, zone) + load * curve_of(state, zone));
    }
    return cost;
}

/* How much farther apart than 2 the CPUs of any set of several regions are at least, in the mean. */
static double
least_extra_distance(const KtState *state, const KtModelDomain *domain)
{
    double least = G_MAXDOUBLE, most = 0;
    for (guint i = domain->first_region; i < domain->first_region + domain->n_regions; i++) {
        double n_open = kt_state_hall_pus(state, state->single[i]);
        if (n_open > 0)
            least = MIN(least, n_open);
        most = MAX(most, n_open);
    }
    if (most <= 0)
        return 0;
    double part = least / (least + most);
    return 2 * part * (1 - part) * (domain->region_gap - 2);
}

/* The least cost of spreading the unit over zones, in whatever parts: the greatest of all duals, or one that
 * is
 * @enough. */
static double
least_spread_cost(const Bound *bounds, guint n, double load, double enough)
{
    double low = G_MAXDOUBLE, high = -G_MAXDOUBLE;
    for (guint i = 0; i < n; i++) {
        low = MIN(low, bounds[i].slope);
        high = MAX(high, bounds[i].slope + 2 * bounds[i].curve * load);
    }
    double best = low * load;
    for (guint step = 0; step < N_HALVINGS && best < enough; step++) {
        double price = (low + high) / 2, taken = 0, cost = price * load;
        for (guint i = 0; i < n; i++) {
            double over = MAX(price - bounds[i].slope, 0), amount = over * bounds[i].scale;
            taken += amount;
            cost -= amount * over / 2;
        }
        best = MAX(best, cost);
        if (taken < load)
            low = price;
        else
            high = price;
    }
    return best;
}

double
kt_bound_regions(KtState *state, guint unit_index, double enough)
{
    const KtModel *model = state->model;
    const KtUnit *unit = &model->units[unit_index];
    const KtModelDomain *domain = &model->domains[unit->domain];
    if (unit->load <= 0)
        return unit->pair_weight * (2 + least_extra_distance(state, domain));
    g_autofree Bound *bounds = g_new(Bound, model->zones->n_zones);
    guint n = 0;
    double lowest = G_MAXDOUBLE, each = unit->n / unit->load, once = 1 / unit->load;
    for (guint i = 0; i < model->zones->n_zones; i++) {
        if (state->zones[i].n_open == 0)
            continue;
        /* What is paid once is paid by part here, so that it is never too much. */
        double slope = slope_of(state, i) + fixed_of(state, domain, i) * once +
                       kt_model_least_node_cost(domain, model->zones->zones[i].node) * each;
        lowest = MIN(lowest, slope);
        bounds[n++] = (Bound){.zone = i, .slope = slope};
    }
    double extra = unit->pair_weight * (2 + least_extra_distance(state, domain));
    if (extra + lowest * unit->load >= enough)
        return extra + lowest * unit->load;
    for (guint i = 0; i < n; i++) {
        bounds[i].curve = curve_of(state, bounds[i].zone);
        bounds[i].scale = 1 / (2 * bounds[i].curve);
    }
    return extra + least_spread_cost(bounds, n, unit->load, enough - extra);
}
