/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/zones.h"

/* What a PU shares with all CPUs at distance 2 or nearer: its L3 (none on the host: its package; none: its
 * node), or where it has none and others have, its L2 or its core. */
typedef enum { NEAR_L3, NEAR_PACKAGE, NEAR_NODE, NEAR_L2, NEAR_CORE } NearKind;

static guint64
near_of(const KtTopology *topology, const KtPu *pu)
{
    NearKind kind = pu->l2 >= 0 ? NEAR_L2 : NEAR_CORE;
    guint number = pu->l2 >= 0 ? (guint)pu->l2 : pu->core;
    if (topology->n_l3 > 0 && pu->l3 >= 0) {
        kind = NEAR_L3;
        number = (guint)pu->l3;
    } else if (topology->n_l3 == 0 && topology->n_packages > 0 && pu->package >= 0) {
        kind = NEAR_PACKAGE;
        number = (guint)pu->package;
    } else if (topology->n_l3 == 0 && topology->n_packages == 0) {
        kind = NEAR_NODE;
        number = pu->node;
    }
    return (guint64)kind << 32 | number;
}

static bool
is_in_zone(const KtZones *zones, const guint64 *near, guint pu, guint zone)
{
    const KtPu *pus = zones->topology->pus;
    guint first = zones->zones[zone].pus[0];
    return near[pu] == near[first] && pus[pu].group == pus[first].group && pus[pu].node == pus[first].node;
}

static guint
add_zone(KtZones *zones, guint first)
{
    const KtPu *pu = &zones->topology->pus[first];
    KtZone *zone = &zones->zones[zones->n_zones];
    zone->group = pu->group;
    zone->node = pu->node;
    zone->pus = g_new(guint, zones->topology->n_pus);
    return zones->n_zones++;
}

static void
fill_zones(KtZones *zones, const guint64 *near)
{
    /* Neighbours by number mostly are in one zone, so the last one is tried first. */
    guint zone = 0;
    for (guint i = 0; i < zones->topology->n_pus; i++) {
        if (zone >= zones->n_zones || !is_in_zone(zones, near, i, zone)) {
            for (zone = 0; zone < zones->n_zones && !is_in_zone(zones, near, i, zone);)
                zone++;
        }
        if (zone == zones->n_zones)
            add_zone(zones, i);
        zones->zones[zone].pus[zones->zones[zone].n_pus++] = i;
        zones->of_pu[i] = zone;
    }
    for (guint i = 0; i < zones->n_zones; i++)
        zones->zones[i].pus = g_renew(guint, zones->zones[i].pus, zones->zones[i].n_pus);
}

static void
fill_distances(KtZones *zones, const guint64 *near)
{
    const KtTopology *topology = zones->topology;
    guint n = zones->n_zones;
    zones->distance = g_new(double, (gsize)n *n);
    for (guint i = 0; i < n; i++) {
        for (guint j = 0; j < n; j++) {
            const KtZone *a = &zones->zones[i], *b = &zones->zones[j];
            double distance = 5;
            if (near[a->pus[0]] == near[b->pus[0]])
                distance = 2;
            else if (a->node != b->node)
                distance = 5.0 * topology->slit[(gsize)a->node * topology->n_nodes + b->node] / 10;
            zones->distance[(gsize)i * n + j] = distance;
        }
    }
}

/* Whether all PUs that have one number in @numbers (-1 = none) have one value in @values too. */
static bool
is_within(const guint64 *values, const gint *numbers, guint n)
{
    g_autofree gint *first = g_new(gint, n);
    for (guint i = 0; i < n; i++)
        first[i] = -1;
    for (guint i = 0; i < n; i++) {
        if (numbers[i] < 0)
            continue;
        g_assert((guint)numbers[i] < n);
        gint seen = first[numbers[i]];
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): i is below n. */
        if (seen >= 0 && values[seen] != values[i])
            return false;
        if (seen < 0)
            first[numbers[i]] = (gint)i;
    }
    return true;
}

static bool
is_nested(const KtTopology *topology, const guint64 *near)
{
    guint n = topology->n_pus;
    g_autofree gint *cores = g_new(gint, n);
    g_autofree gint *l2 = g_new(gint, n);
    g_autofree guint64 *l2_values = g_new(guint64, n);
    for (guint i = 0; i < n; i++) {
        cores[i] = (gint)topology->pus[i].core;
        l2[i] = topology->pus[i].l2;
        l2_values[i] = (guint64)((gint64)topology->pus[i].l2 + 1);
    }
    return is_within(near, cores, n) && is_within(near, l2, n) && is_within(l2_values, cores, n);
}

KtZones *
kt_zones_new(const KtTopology *topology)
{
    KtZones *zones = g_new0(KtZones, 1);
    g_autofree guint64 *near = g_new(guint64, topology->n_pus);
    for (guint i = 0; i < topology->n_pus; i++)
        near[i] = near_of(topology, &topology->pus[i]);
    zones->topology = topology;
    zones->zones = g_new0(KtZone, topology->n_pus);
    zones->of_pu = g_new(guint, topology->n_pus);
    fill_zones(zones, near);
    fill_distances(zones, near);
    zones->spots = g_new(KtSpot, topology->n_pus);
    for (guint i = 0; i < topology->n_pus; i++)
        zones->spots[i] = (KtSpot){topology->pus[i].core, topology->pus[i].l2, zones->of_pu[i]};
    zones->nested = is_nested(topology, near);
    return zones;
}

void
kt_zones_free(KtZones *zones)
{
    if (!zones)
        return;
    for (guint i = 0; i < zones->n_zones; i++)
        g_free(zones->zones[i].pus);
    g_free(zones->zones);
    g_free(zones->spots);
    g_free(zones->of_pu);
    g_free(zones->distance);
    g_free(zones);
}

guint *
kt_zones_group_cores(const KtTopology *topology)
{
    guint *n_cores = g_new0(guint, topology->n_groups);
    /* A core counts once in each group that it has a PU in; on all known hosts that is one. */
    g_autofree guint *last = g_new(guint, topology->n_cores);
    for (guint i = 0; i < topology->n_cores; i++)
        last[i] = G_MAXUINT;
    for (guint group = 0; group < topology->n_groups; group++) {
        for (int os = hwloc_bitmap_first(topology->groups[group].cpus); os >= 0;
             os = hwloc_bitmap_next(topology->groups[group].cpus, os)) {
            const KtPu *pu = kt_topology_pu(topology, (guint)os);
            if (pu && last[pu->core] != group) {
                last[pu->core] = group;
                n_cores[group]++;
            }
        }
    }
    return n_cores;
}

gint
kt_zones_wanted_kind(const KtTopology *topology, KtKindWish wish)
{
    if (topology->n_kinds < 2 || wish == KT_KIND_ANY)
        return -1;
    gint least = G_MAXINT, greatest = -1;
    for (guint i = 0; i < topology->n_pus; i++) {
        if (topology->pus[i].kind < 0)
            continue;
        least = MIN(least, topology->pus[i].kind);
        greatest = MAX(greatest, topology->pus[i].kind);
    }
    return wish == KT_KIND_EFFICIENT && greatest >= 0 ? least : greatest;
}
