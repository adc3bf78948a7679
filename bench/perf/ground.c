/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/ground.h"

#define MAX_ZONES 64

static GArray **
new_lists(guint n)
{
    GArray **lists = g_new(GArray *, n);
    for (guint i = 0; i < n; i++)
        lists[i] = g_array_new(FALSE, FALSE, sizeof(guint));
    return lists;
}

static void
free_lists(GArray **lists, guint n)
{
    for (guint i = 0; lists && i < n; i++)
        g_array_unref(lists[i]);
    g_free(lists);
}

static bool
is_in_zone(const Ground *ground, guint pu, guint zone)
{
    const KtPu *pus = ground->topology->pus;
    return pus[pu].group == ground->zone_group[zone] && pus[pu].node == ground->zone_node[zone] &&
           ground_distance(ground, pu, ground->zone_pu[zone]) <= 2;
}

/* False where there are too many. */
static bool
find_zones(Ground *ground)
{
    for (guint i = 0; i < ground->n_pus; i++) {
        guint zone = 0;
        while (zone < ground->n_zones && !is_in_zone(ground, i, zone))
            zone++;
        if (zone == MAX_ZONES)
            return false;
        if (zone == ground->n_zones) {
            ground->zone_pu[zone] = i;
            ground->zone_group[zone] = ground->topology->pus[i].group;
            ground->zone_node[zone] = ground->topology->pus[i].node;
            ground->n_zones++;
        }
        ground->zone_of[i] = zone;
    }
    return true;
}

static void
fill_lists(Ground *ground)
{
    const KtTopology *topology = ground->topology;
    for (guint i = 0; i < ground->n_pus; i++) {
        guint zone = ground->zone_of[i], core = topology->pus[i].core, group = topology->pus[i].group;
        g_array_append_val(ground->zone_pus[zone], i);
        if (ground->core_pus[core]->len == 0) {
            g_array_append_val(ground->zone_cores[zone], core);
            ground->group_cores[group]++;
        }
        g_array_append_val(ground->core_pus[core], i);
        ground->group_zones[group] |= G_GUINT64_CONSTANT(1) << zone;
        ground->node_zones[topology->pus[i].node] |= G_GUINT64_CONSTANT(1) << zone;
    }
    for (guint i = 0; i < topology->n_cores; i++)
        ground->capacity[i] = ground->core_pus[i]->len > 1 ? 1.25 : 1;
}

static void
find_kinds(Ground *ground)
{
    ground->fastest = ground->slowest = -1;
    for (guint i = 0; i < ground->n_pus && ground->topology->n_kinds > 1; i++) {
        gint kind = ground->topology->pus[i].kind;
        ground->fastest = MAX(ground->fastest, kind);
        ground->slowest = ground->slowest < 0 ? kind : MIN(ground->slowest, kind);
    }
}

static void
fill_numbers(Ground *ground)
{
    const KtTopology *topology = ground->topology;
    g_autoptr(GRand) chance = g_rand_new_with_seed(1);
    for (guint i = 0; i < ground->n_pus; i++) {
        ground->pu_hash[i] = (guint64)g_rand_int(chance) << 32 | g_rand_int(chance);
        for (guint j = 0; j < ground->n_pus; j++)
            ground->distance[(gsize)i * ground->n_pus + j] =
                kt_topology_distance(topology, &topology->pus[i], &topology->pus[j]);
    }
}

Ground *
ground_new(const KtTopology *topology)
{
    g_autoptr(Ground) ground = g_new0(Ground, 1);
    ground->topology = topology;
    ground->n_pus = topology->n_pus;
    ground->distance = g_new(double, (gsize)topology->n_pus * topology->n_pus);
    ground->zone_of = g_new0(guint, topology->n_pus);
    ground->pu_hash = g_new0(guint64, topology->n_pus);
    ground->zone_pus = new_lists(MAX_ZONES);
    ground->zone_cores = new_lists(MAX_ZONES);
    ground->core_pus = new_lists(topology->n_cores);
    ground->capacity = g_new0(double, topology->n_cores);
    ground->group_cores = g_new0(guint, topology->n_groups);
    ground->group_zones = g_new0(guint64, topology->n_groups);
    ground->node_zones = g_new0(guint64, topology->n_nodes);
    fill_numbers(ground);
    find_kinds(ground);
    if (topology->n_groups > 64 || topology->n_nodes > 64 || !find_zones(ground))
        return NULL;
    fill_lists(ground);
    return g_steal_pointer(&ground);
}

void
ground_free(Ground *ground)
{
    if (!ground)
        return;
    free_lists(ground->zone_pus, MAX_ZONES);
    free_lists(ground->zone_cores, MAX_ZONES);
    free_lists(ground->core_pus, ground->topology->n_cores);
    g_free(ground->distance);
    g_free(ground->zone_of);
    g_free(ground->pu_hash);
    g_free(ground->capacity);
    g_free(ground->group_cores);
    g_free(ground->group_zones);
    g_free(ground->node_zones);
    g_free(ground);
}
