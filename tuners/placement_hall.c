/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_state.h"

#include <string.h>

/* A common set without a CPU is no placement: dearer than all that it could be weighed against. */
#define EMPTY_SET_COST 1e7

/* ---- making ---- */

KtHall *
kt_hall_new(const KtState *state, const guint64 *regions)
{
    const KtModel *model = state->model;
    KtHall *hall = g_new0(KtHall, 1);
    hall->regions = g_memdup2(regions, state->region_words * sizeof *regions);
    guint n_zones = 0;
    for (guint i = 0; i < model->n_regions; i++)
        n_zones += kt_bit(regions, i) ? model->regions[i].n_zones : 0;
    hall->zones = g_new(guint, n_zones + 1);
    for (guint i = 0; i < model->n_regions; i++) {
        if (!kt_bit(regions, i))
            continue;
        for (guint j = 0; j < model->regions[i].n_zones; j++)
            hall->zones[hall->n_zones++] = model->regions[i].zones[j];
        hall->n_cores += model->regions[i].n_cores;
    }
    return hall;
}

void
kt_hall_free(gpointer data)
{
    KtHall *hall = data;
    g_free(hall->pus);
    g_free(hall->node_pus);
    g_free(hall->node_weight);
    g_free(hall->apart_weight);
    g_free(hall->moving_cost);
    if (hall->befores)
        g_array_unref(hall->befores);
    g_free(hall->regions);
    g_free(hall->zones);
    g_free(hall);
}

KtHall *
kt_state_hall(KtState *state, const guint64 *regions)
{
    gsize size = state->region_words * sizeof *regions;
    g_autoptr(GBytes) wanted = g_bytes_new_static(regions, size);
    KtHall *hall = g_hash_table_lookup(state->halls, wanted);
    if (!hall) {
        hall = kt_hall_new(state, regions);
        g_hash_table_insert(state->halls, g_bytes_new_static(hall->regions, size), hall);
    }
    return hall;
}

guint
kt_state_hall_pus(const KtState *state, const KtHall *hall)
{
    guint n = 0;
    for (guint i = 0; i < hall->n_zones; i++)
        n += state->zones[hall->zones[i]].n_open;
    return n;
}

/* ---- cost ---- */

/* What a vCPU pays whose memory counts as on all nodes of the hall. */
static double
spread_cost(const KtModel *model, const KtHall *hall)
{
    const KtTopology *topology = model->topology;
    guint n_nodes = 0;
    double sum = 0;
    for (guint from = 0; from < topology->n_nodes; from++) {
        n_nodes += hall->node_pus[from] > 0;
        for (guint to = 0; hall->node_pus[from] > 0 && to < topology->n_nodes; to++) {
            if (hall->node_pus[to] > 0)
                sum += hall->node_pus[from] * kt_model_node_cost(model, from, to);
        }
    }
    return n_nodes > 0 ? sum / n_nodes / hall->n_pus : 0;
}

/* What all vCPUs pay for memory whose place is known, and for devices. */
static double
nodes_cost(const KtModel *model, const KtHall *hall)
{
    guint n_nodes = 0;
    double together = 0, apart = 0, moving = 0;
    for (guint i = 0; i < model->topology->n_nodes; i++) {
        n_nodes += hall->node_pus[i] > 0;
        moving += hall->node_pus[i] > 0 ? 0 : hall->moving_cost[i];
        together += hall->node_pus[i] * hall->node_weight[i];
        apart += hall->node_pus[i] * hall->apart_weight[i];
    }
    return n_nodes > 1 ? apart / hall->n_pus + moving : together / hall->n_pus;
}

static double
hall_cost(const KtState *state, const KtHall *hall)
{
    if (hall->n_pus == 0)
        return EMPTY_SET_COST * hall->n_units;
    double cost = hall->pair_weight * hall->pair_sum / ((double)hall->n_pus * hall->n_pus) +
                  nodes_cost(state->model, hall);
    return hall->n_spread > 0 ? cost + hall->n_spread * spread_cost(state->model, hall) : cost;
}

static double
hall_move_cost(const KtState *state, const KtHall *hall)
{
    double cost = 0;
    for (guint i = 0; i < hall->befores->len; i++) {
        const KtHallBefore *it = &g_array_index(hall->befores, KtHallBefore, i);
        if (it->n_differing > 0 || kt_model_before(state->model, it->before)->beyond)
            cost += it->move_cost;
    }
    return cost;
}

/* Tells a hall's zones how much load each of its CPUs has from it. */
static void
set_rate(KtState *state, KtHall *hall, double rate)
{
    for (guint i = 0; i < hall->n_zones; i++)
        state->zones[hall->zones[i]].rate += rate - hall->rate;
    hall->rate = rate;
}

void
kt_hall_refresh(KtState *state, KtHall *hall)
{
    hall->dirty = false;
    if (hall->n_units == 0)
        return;
    set_rate(state, hall, hall->n_pus > 0 ? hall->load / hall->n_pus : 0);
    double cost = hall_cost(state, hall);
    double move_cost = hall_move_cost(state, hall);
    state->cost += cost - hall->cost;
    state->move_cost += move_cost - hall->move_cost;
    hall->cost = cost;
    hall->move_cost = move_cost;
}

static void
dirty_hall(KtState *state, KtHall *hall)
{
    if (hall->dirty)
        return;
    hall->dirty = true;
    g_ptr_array_add(state->dirty_halls, hall);
    for (guint i = 0; i < hall->n_zones; i++)
        kt_state_dirty_zone(state, hall->zones[i]);
}

/* ---- CPUs that open and close ---- */

/* The pairs that one more CPU of @zone makes with a hall's CPUs, in both directions, and itself. */
static double
pairs_with(const KtState *state, const KtHall *hall, guint zone)
{
    const KtZones *zones = state->model->zones;
    double sum = kt_zones_distance(zones, zone, zone);
    for (guint i = 0; i < hall->n_zones; i++) {
        guint other = hall->zones[i];
        sum += state->zones[other].n_open *
               (kt_zones_distance(zones, zone, other) + kt_zones_distance(zones, other, zone));
    }
    return sum;
}

static void
flip_in_hall(KtState *state, KtHall *hall, guint pu, bool open)
{
    gint sign = open ? 1 : -1;
    hall->pair_sum += sign * pairs_with(state, hall, state->model->zones->of_pu[pu]);
    hall->n_pus += (guint)sign;
    hall->node_pus[state->model->topology->pus[pu].node] += (guint)sign;
    kt_bit_set(hall->pus, pu, open);
    for (guint i = 0; i < hall->befores->len; i++) {
        KtHallBefore *it = &g_array_index(hall->befores, KtHallBefore, i);
        bool was_there = kt_bit(kt_model_before(state->model, it->before)->pus, pu);
        it->n_differing += was_there == open ? -1 : 1;
    }
    dirty_hall(state, hall);
}

void
kt_hall_flip(KtState *state, guint pu, bool open)
{
    guint index = state->model->zones->of_pu[pu];
    KtZoneState *zone = &state->zones[index];
    /* The pairs are those with the CPUs that are open beside this one. */
    if (!open)
        zone->n_open--;
    for (guint i = 0; i < zone->halls->len; i++)
        flip_in_hall(state, zone->halls->pdata[i], pu, open);
    if (open)
        zone->n_open++;
    state->open[pu] = open;
    state->n_open += open ? 1 : -1;
    state->cores[state->model->topology->pus[pu].core].n_open += open ? 1 : -1;
    kt_state_dirty_core(state, state->model->topology->pus[pu].core);
    kt_state_dirty_group(state, state->model->zones->zones[index].group);
}

/* ---- units that enter and leave ---- */

/* Makes what is kept while the hall has units empty: they come and go, so the memory stays. */
static void
clear_members(const KtModel *model, KtHall *hall)
{
    guint n_nodes = model->topology->n_nodes;
    if (!hall->pus) {
        hall->pus = g_new(guint64, model->n_words);
        hall->node_pus = g_new(guint, n_nodes);
        hall->node_weight = g_new(double, n_nodes);
        hall->apart_weight = g_new(double, n_nodes);
        hall->moving_cost = g_new(double, n_nodes);
        hall->befores = g_array_new(FALSE, FALSE, sizeof(KtHallBefore));
    }
    memset(hall->pus, 0, model->n_words * sizeof *hall->pus);
    memset(hall->node_pus, 0, n_nodes * sizeof *hall->node_pus);
    for (guint i = 0; i < n_nodes; i++)
        hall->node_weight[i] = hall->apart_weight[i] = hall->moving_cost[i] = 0;
    hall->n_pus = hall->n_spread = 0;
    hall->move_cost = hall->pair_sum = hall->load = hall->pair_weight = hall->cost = hall->rate = 0;
}

static void
list_hall(KtState *state, KtHall *hall)
{
    const KtModel *model = state->model;
    clear_members(model, hall);
    for (guint i = 0; i < hall->n_zones; i++) {
        const KtZone *zone = &model->zones->zones[hall->zones[i]];
        guint n_open = state->zones[hall->zones[i]].n_open;
        hall->n_pus += n_open;
        hall->node_pus[zone->node] += n_open;
        for (guint j = 0; j < zone->n_pus; j++) {
            if (state->open[zone->pus[j]])
                kt_bit_set(hall->pus, zone->pus[j], true);
        }
        for (guint j = 0; j < hall->n_zones; j++)
            hall->pair_sum += (double)n_open * state->zones[hall->zones[j]].n_open *
                              kt_zones_distance(model->zones, hall->zones[i], hall->zones[j]);
        g_ptr_array_add(state->zones[hall->zones[i]].halls, hall);
    }
}

static void
unlist_hall(KtState *state, KtHall *hall)
{
    state->cost -= hall->cost;
    state->move_cost -= hall->move_cost;
    hall->move_cost = 0;
    hall->cost = 0;
    set_rate(state, hall, 0);
    for (guint i = 0; i < hall->n_zones; i++) {
        KtZoneState *zone = &state->zones[hall->zones[i]];
        g_ptr_array_remove_fast(zone->halls, hall);
        /* Without what rounding left. */
        if (zone->halls->len == 0)
            zone->rate = 0;
    }
    g_array_set_size(hall->befores, 0);
}

static guint
count_differing(const KtState *state, const KtHall *hall, const KtBefore *before)
{
    guint n = 0;
    for (guint i = 0; i < state->model->n_words; i++)
        n += (guint)__builtin_popcountll(hall->pus[i] ^ before->pus[i]);
    return n;
}

/* Adds (@sign 1) or takes away @n vCPUs that had the set @before, each of which costs @each when it moves. */
static void
count_before(const KtState *state, KtHall *hall, guint before, guint n, double each, gint sign)
{
    for (guint i = 0; i < hall->befores->len; i++) {
        KtHallBefore *it = &g_array_index(hall->befores, KtHallBefore, i);
        if (it->before != before)
            continue;
        it->n_vcpus += (guint)sign * n;
        it->move_cost += sign * (each * n);
        if (it->n_vcpus == 0)
            g_array_remove_index(hall->befores, i);
        return;
    }
    KtHallBefore new = {before, n, each * n,
                        count_differing(state, hall, kt_model_before(state->model, before))};
    g_array_append_val(hall->befores, new);
}

static void
count_presence(KtState *state, guint domain, const KtHall *hall, gint sign)
{
    guint16 *presence = state->presence + (gsize)domain * state->model->zones->n_zones;
    for (guint i = 0; i < hall->n_zones; i++) {
        guint zone = hall->zones[i];
        presence[zone] = (guint16)(presence[zone] + sign);
        if (presence[zone] == (sign > 0 ? 1 : 0))
            state->zones[zone].n_domains += (guint)sign;
    }
}

static void
count_unit(KtState *state, guint index, KtHall *hall, gint sign)
{
    const KtModel *model = state->model;
    const KtUnit *unit = &model->units[index];
    const KtModelDomain *domain = &model->domains[unit->domain];
    hall->n_units += (guint)sign;
    hall->load += sign * unit->load;
    hall->pair_weight += sign * unit->pair_weight;
    for (guint i = 0; i < model->topology->n_nodes; i++) {
        hall->node_weight[i] += (double)sign * unit->n * domain->node_cost[i];
        hall->apart_weight[i] += (double)sign * unit->n * domain->apart_cost[i];
        hall->moving_cost[i] += sign * kt_model_moving_cost(domain, i);
    }
    hall->n_spread += domain->memory_spreads ? (guint)sign * unit->n : 0;
    for (guint i = 0, run; i < unit->n; i += run) {
        const KtModelVcpu *vcpu = &model->vcpus[unit->first + i];
        for (run = 1; i + run < unit->n && vcpu[run].before == vcpu->before;)
            run++;
        count_before(state, hall, vcpu->before, run, domain->move_cost, sign);
    }
    count_presence(state, unit->domain, hall, sign);
    dirty_hall(state, hall);
}

static void
refresh_cells(KtState *state, guint domain)
{
    if (state->model->domains[domain].n_units < 2)
        return;
    double cost = kt_state_cells_cost(state, domain);
    state->cost += cost - state->domains[domain].cost;
    state->domains[domain].cost = cost;
}

void
kt_state_enter(KtState *state, guint unit, KtHall *hall)
{
    if (hall->n_units == 0)
        list_hall(state, hall);
    state->units[unit].hall = hall;
    count_unit(state, unit, hall, 1);
    refresh_cells(state, state->model->units[unit].domain);
    kt_state_settle(state);
}

void
kt_state_leave(KtState *state, guint unit)
{
    KtHall *hall = state->units[unit].hall;
    state->units[unit].hall = NULL;
    count_unit(state, unit, hall, -1);
    if (hall->n_units == 0)
        unlist_hall(state, hall);
    refresh_cells(state, state->model->units[unit].domain);
    kt_state_settle(state);
}
