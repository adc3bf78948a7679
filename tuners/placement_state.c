/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_state.h"

#include <string.h>

#include "tuners/cost_weights.h"

/* What the wishes say and section 10's cost doesn't, in its units: more than any cost it could be weighed
 * against. */
#define DOUBLED_CORE_COST                                                                                    \
    1000 /* safety rule 7: each vCPU on a sibling that could have a spare whole core                         \
          */

/* ---- groups ---- */

static void
refresh_group(KtState *state, guint index)
{
    const KtModel *model = state->model;
    KtGroupState *group = &state->groups[index];
    const KtRegion *region = &model->regions[index];
    double load = group->fixed_load;
    for (guint i = 0; i < region->n_zones; i++) {
        const KtZoneState *zone = &state->zones[region->zones[i]];
        load += zone->rate * zone->n_open;
    }
    guint n_cores = model->group_cores[index];
    double cost = n_cores > 0 ? KT_COST_CROWDING * load * load / n_cores : 0;
    group->load = load;
    state->cost += cost - group->cost;
    group->cost = cost;
}

/* What was found out of the zone no longer holds. */
static void
outdate(KtState *state, guint zone)
{
    if (!state->trying)
        state->zones[zone].epoch = ++state->epoch;
}

void
kt_state_save_epochs(KtState *state)
{
    for (guint i = 0; i < state->model->zones->n_zones; i++)
        state->epochs[i] = state->zones[i].epoch;
}

void
kt_state_restore_epochs(KtState *state)
{
    for (guint i = 0; i < state->model->zones->n_zones; i++)
        state->zones[i].epoch = state->epochs[i];
}

void
kt_state_forget_vain(KtState *state)
{
    for (guint i = 0; i < state->model->n_units; i++)
        state->units[i].vain = 0;
}

/* A zone whose cores or sets have changed, without what its group pays. */
static void
note_zone(KtState *state, guint zone)
{
    if (state->zones[zone].dirty)
        return;
    state->zones[zone].dirty = true;
    state->dirty_zones.items[state->dirty_zones.n++] = zone;
}

void
kt_state_dirty_core(KtState *state, guint core)
{
    guint zone = state->model->zones->of_pu[state->model->core_pus[core].items[0]];
    outdate(state, zone);
    state->zones[zone].changed = true;
    note_zone(state, zone);
    if (state->cores[core].dirty)
        return;
    state->cores[core].dirty = true;
    state->dirty_cores.items[state->dirty_cores.n++] = core;
}

void
kt_state_dirty_group(KtState *state, guint group)
{
    const KtRegion *region = &state->model->regions[group];
    if (state->groups[group].dirty)
        return;
    for (guint i = 0; i < region->n_zones; i++)
        outdate(state, region->zones[i]);
    state->groups[group].dirty = true;
    state->dirty_groups.items[state->dirty_groups.n++] = group;
}

void
kt_state_dirty_zone(KtState *state, guint zone)
{
    note_zone(state, zone);
    kt_state_dirty_group(state, state->model->zones->zones[zone].group);
}

void
kt_state_settle(KtState *state)
{
    if (state->suspended)
        return;
    for (guint i = 0; i < state->dirty_halls->len; i++)
        kt_hall_refresh(state, state->dirty_halls->pdata[i]);
    for (guint i = 0; i < state->dirty_cores.n; i++) {
        state->cores[state->dirty_cores.items[i]].dirty = false;
        kt_state_refresh_core(state, state->dirty_cores.items[i]);
    }
    for (guint i = 0; i < state->dirty_zones.n; i++) {
        state->zones[state->dirty_zones.items[i]].dirty = false;
        kt_state_refresh_zone(state, state->dirty_zones.items[i]);
    }
    for (guint i = 0; i < state->dirty_groups.n; i++) {
        state->groups[state->dirty_groups.items[i]].dirty = false;
        refresh_group(state, state->dirty_groups.items[i]);
    }
    double doubled_cost = (double)DOUBLED_CORE_COST * MIN(state->n_doubled, state->n_spare);
    state->cost += doubled_cost - state->doubled_cost;
    state->broken += doubled_cost - state->doubled_cost;
    state->doubled_cost = doubled_cost;
    g_ptr_array_set_size(state->dirty_halls, 0);
    state->dirty_zones.n = state->dirty_cores.n = state->dirty_groups.n = 0;
}

void
kt_state_suspend(KtState *state)
{
    state->suspended = true;
}

void
kt_state_resume(KtState *state)
{
    state->suspended = false;
    kt_state_settle(state);
}

/* ---- domains that stay ---- */

static void
count_obstacle(KtState *state, const KtBefore *before, double load, gint sign, guint8 *cores_seen)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->topology->n_pus; i++) {
        if (!kt_bit(before->pus, i))
            continue;
        const KtPu *pu = &model->topology->pus[i];
        KtCoreState *core = &state->cores[pu->core];
        core->obstacle_load += sign * load / before->n_pus;
        state->groups[pu->group].fixed_load += sign * load / before->n_pus;
        if (!cores_seen[pu->core])
            core->n_obstacles += (guint)sign;
        cores_seen[pu->core] = 1;
        kt_state_dirty_core(state, pu->core);
        kt_state_dirty_group(state, pu->group);
    }
}

/* A domain that is to have own CPUs and has none joins (@sign 1) or leaves those that seek some. */
static void
count_demand(KtState *state, const KtModelDomain *domain, gint sign)
{
    if (domain->fate != KT_FATE_EXCLUSIVE)
        return;
    if (domain->wish->smt == KT_SMT_ISOLATE)
        state->demand.isolated += (guint)sign * domain->n_vcpus;
    else
        state->demand.others += (guint)sign * domain->n_vcpus;
}

void
kt_state_stay(KtState *state, guint domain, bool staying)
{
    const KtModel *model = state->model;
    const KtModelDomain *it = &model->domains[domain];
    if (state->domains[domain].staying == staying)
        return;
    state->domains[domain].staying = staying;
    count_demand(state, it, staying ? -1 : 1);
    g_autofree guint8 *cores_seen = g_new0(guint8, model->topology->n_cores);
    for (guint i = 0, run; i < it->n_vcpus; i += run) {
        /* vCPUs with one set are counted at once: mostly all of them. */
        const KtModelVcpu *vcpu = &model->vcpus[it->first_vcpu + i];
        double load = 0;
        for (run = 0; i + run < it->n_vcpus && vcpu[run].before == vcpu->before; run++)
            load += vcpu[run].load;
        count_obstacle(state, kt_model_before(model, vcpu->before), load, staying ? 1 : -1, cores_seen);
    }
    kt_state_settle(state);
}

/* ---- the whole ---- */

static void
new_domain_states(KtState *state)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[i];
        if (domain->fate != KT_FATE_EXCLUSIVE)
            continue;
        count_demand(state, domain, 1);
        if (domain->wish->policy == KT_PLACEMENT_SPREAD)
            state->domains[i].group_vcpus = g_new0(guint, model->topology->n_groups);
        for (guint j = 0; j < domain->n_units; j++)
            state->units[domain->first_unit + j].node_vcpus = g_new0(guint, model->topology->n_nodes);
    }
}

static void
count_usable(KtState *state)
{
    const KtModel *model = state->model;
    g_autofree bool *groups = g_new0(bool, model->topology->n_groups);
    state->core_threads = 1;
    for (guint i = 0; i < model->topology->n_cores; i++) {
        guint n = kt_room_core(model, i, NULL, NULL).n_usable;
        state->n_spare += n > 0;
        state->core_threads = MAX(state->core_threads, n);
    }
    for (guint i = 0; i < model->topology->n_pus; i++) {
        if (model->usable[i] && !groups[model->topology->pus[i].group]) {
            groups[model->topology->pus[i].group] = true;
            state->spread_groups++;
        }
    }
}

static void
open_all(KtState *state)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->topology->n_pus; i++) {
        if (!model->sharable[i])
            continue;
        state->open[i] = true;
        state->n_open++;
        state->zones[model->zones->of_pu[i]].n_open++;
        state->cores[model->topology->pus[i].core].n_open++;
    }
}

static void
new_halls(KtState *state)
{
    const KtModel *model = state->model;
    state->region_words = (model->n_regions + 63) / 64;
    state->halls =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, kt_hall_free);
    state->single = g_new(KtHall *, model->n_regions);
    g_autofree guint64 *regions = g_new0(guint64, state->region_words);
    for (guint i = 0; i < model->n_regions; i++) {
        kt_bit_set(regions, i, true);
        state->single[i] = kt_state_hall(state, regions);
        kt_bit_set(regions, i, false);
    }
}

KtState *
kt_state_new(const KtModel *model, bool counts_moves)
{
    const KtTopology *topology = model->topology;
    guint n_zones = model->zones->n_zones;
    KtState *state = g_new0(KtState, 1);
    state->model = model;
    state->counts_moves = counts_moves;
    state->owner = g_new(gint, topology->n_pus);
    memset(state->owner, 0xff, topology->n_pus * sizeof *state->owner);
    state->pu = g_new(gint, model->n_vcpus + 1);
    memset(state->pu, 0xff, model->n_vcpus * sizeof *state->pu);
    state->open = g_new0(bool, topology->n_pus);
    state->cores = g_new0(KtCoreState, topology->n_cores);
    state->zones = g_new0(KtZoneState, n_zones);
    state->epochs = g_new0(guint64, n_zones);
    for (guint i = 0; i < n_zones; i++) {
        state->zones[i].halls = g_ptr_array_new();
        state->zones[i].epoch = ++state->epoch;
    }
    state->groups = g_new0(KtGroupState, topology->n_groups);
    state->units = g_new0(KtUnitState, model->n_units + 1);
    state->domains = g_new0(KtDomainState, model->n_domains + 1);
    state->presence = g_new0(guint16, (gsize)model->n_domains * n_zones + 1);
    state->zone_order = g_new0(guint *, n_zones);
    state->dirty_cores.items = g_new(guint, topology->n_cores);
    state->dirty_zones.items = g_new(guint, n_zones);
    state->dirty_groups.items = g_new(guint, topology->n_groups);
    state->dirty_halls = g_ptr_array_new();
    state->room = kt_room_new(model);
    new_domain_states(state);
    count_usable(state);
    open_all(state);
    new_halls(state);
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].fate == KT_FATE_FIXED)
            kt_state_stay(state, i, true);
    }
    return state;
}

void
kt_state_free(KtState *state)
{
    if (!state)
        return;
    const KtModel *model = state->model;
    for (guint i = 0; i < model->zones->n_zones; i++) {
        g_ptr_array_unref(state->zones[i].halls);
        g_free(state->zone_order[i]);
    }
    for (guint i = 0; i < model->n_units; i++)
        g_free(state->units[i].node_vcpus);
    for (guint i = 0; i < model->n_domains; i++)
        g_free(state->domains[i].group_vcpus);
    g_hash_table_unref(state->halls);
    g_free(state->dirty_cores.items);
    g_free(state->dirty_zones.items);
    g_free(state->dirty_groups.items);
    g_ptr_array_unref(state->dirty_halls);
    kt_room_free(state->room);
    g_free(state->owner);
    g_free(state->open);
    g_free(state->pu);
    g_free(state->cores);
    g_free(state->zones);
    g_free(state->epochs);
    g_free(state->groups);
    g_free(state->units);
    g_free(state->domains);
    g_free(state->single);
    g_free(state->presence);
    g_free(state->zone_order);
    g_free(state);
}

static int
compare_by_distance(gconstpointer a, gconstpointer b, gpointer distances)
{
    guint zone_a = *(const guint *)a, zone_b = *(const guint *)b;
    double distance_a = ((const double *)distances)[zone_a], distance_b = ((const double *)distances)[zone_b];
    if (distance_a != distance_b)
        return distance_a < distance_b ? -1 : 1;
    return zone_a < zone_b ? -1 : zone_a > zone_b;
}

const guint *
kt_state_zone_order(KtState *state, guint zone)
{
    const KtZones *zones = state->model->zones;
    if (!state->zone_order[zone]) {
        guint *order = g_new(guint, zones->n_zones);
        for (guint i = 0; i < zones->n_zones; i++)
            order[i] = i;
        g_qsort_with_data(order, (gint)zones->n_zones, sizeof *order, compare_by_distance,
                          zones->distance + (gsize)zone * zones->n_zones);
        /* Zones without an L3 may be as near to each other as to themselves. */
        for (guint i = 0; order[0] != zone; i++) {
            if (order[i] == zone) {
                order[i] = order[0];
                order[0] = zone;
            }
        }
        state->zone_order[zone] = order;
    }
    return state->zone_order[zone];
}
