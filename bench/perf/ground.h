/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/topology.h"

/**
 * A host as the references see it: distances between all CPUs, and zones: CPUs of one sharing group and node
 * that are at most 2 from each other. Shares nothing with tuners/, so that a mistake there shows.
 */
typedef struct {
    const KtTopology *topology;
    guint n_pus;
    double *distance; /* n_pus × n_pus */
    guint *zone_of;   /* by PU */
    guint n_zones;    /* at most 64 */
    guint zone_pu[64], zone_group[64], zone_node[64];
    GArray **zone_pus;     /* guint, by zone */
    GArray **core_pus;     /* guint, by core */
    GArray **zone_cores;   /* guint, by zone: of its first PU */
    guint *group_cores;    /* by group: number of cores */
    double *capacity;      /* by core: what it takes before it is overloaded */
    guint64 *group_zones;  /* by group: bits by zone */
    guint64 *node_zones;   /* by node: bits by zone */
    guint64 *pu_hash;      /* by PU: sets of CPUs are compared by the XOR of these */
    gint fastest, slowest; /* KtPu.kind of these; -1 where all are alike */
} Ground;

/** NULL for a host of more than 64 zones, groups or nodes. */
Ground *ground_new(const KtTopology *topology);
void ground_free(Ground *ground);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ground, ground_free)

static inline double
ground_distance(const Ground *ground, guint a, guint b)
{
    return ground->distance[(gsize)a * ground->n_pus + b];
}

/** What a CPU on node @from pays for memory or a device on node @to. */
static inline double
ground_far(const Ground *ground, guint from, guint to)
{
    return 5 * (ground->topology->slit[(gsize)from * ground->topology->n_nodes + to] / 10.0 - 1);
}
