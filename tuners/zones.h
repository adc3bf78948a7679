/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "probes/topology.h"
#include "tuners/placement.h"

/**
 * Zones: the host's CPUs in classes that are alike for all distances of 2 and more, and lie in one sharing
 * group and one node. They make sums over pairs of CPUs cheap: zones are few where CPUs are many.
 */

typedef struct {
    guint group;
    guint node;
    guint *pus; /* indices into KtTopology.pus, by OS number */
    guint n_pus;
} KtZone;

/** What distances need to know of a PU. */
typedef struct {
    guint core;
    gint l2; /* -1 = none */
    guint zone;
} KtSpot;

typedef struct {
    const KtTopology *topology;
    KtSpot *spots; /* by PU */
    KtZone *zones;
    guint n_zones;
    guint *of_pu; /* zone of each PU */
    double *
        distance; /* n_zones × n_zones: of any CPU of one to any of the other, where nearer than 2 counts 2 */
    bool
        nested; /* cores lie within L2 caches and both within what counts 2, as on all hosts that are known */
} KtZones;

KtZones *kt_zones_new(const KtTopology *topology);
void kt_zones_free(KtZones *zones);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtZones, kt_zones_free)

static inline double
kt_zones_distance(const KtZones *zones, guint a, guint b)
{
    return zones->distance[(gsize)a * zones->n_zones + b];
}

/** kt_topology_distance() of two PUs by index. */
static inline double
kt_zones_pu_distance(const KtZones *zones, guint a, guint b)
{
    const KtSpot *spot_a = &zones->spots[a], *spot_b = &zones->spots[b];
    if (a == b)
        return 0;
    if (spot_a->core == spot_b->core)
        return 0.5;
    if (spot_a->l2 >= 0 && spot_a->l2 == spot_b->l2)
        return 1;
    return kt_zones_distance(zones, spot_a->zone, spot_b->zone);
}

/** 5·(SLIT/10 − 1): what a CPU on node @from pays for memory or a device on node @to (indices). */
static inline double
kt_zones_node_cost(const KtTopology *topology, guint from, guint to)
{
    return 5 * (topology->slit[(gsize)from * topology->n_nodes + to] / 10.0 - 1);
}

/** The number of cores in each sharing group, by group. Owned. */
guint *kt_zones_group_cores(const KtTopology *topology);

/** The KtPu.kind that a wish of an exclusive domain means on this host; -1 = any will do. */
gint kt_zones_wanted_kind(const KtTopology *topology, KtKindWish wish);
