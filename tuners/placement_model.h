/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement.h"
#include "tuners/zones.h"

/**
 * A placement problem prepared for the search: domains in an order that doesn't depend on the caller's, the
 * host in zones and regions, and what is constant of the cost. Private to the placement engine.
 */

/** Where a domain's index is asked for: none. */
#define KT_NO_DOMAIN G_MAXUINT

/** What becomes of a domain. */
typedef enum {
    KT_FATE_FIXED,     /* stays where it is: not to be placed, or refused */
    KT_FATE_EXCLUSIVE, /* gets its own CPUs */
    KT_FATE_SHARED,    /* gets common sets */
} KtFate;

/** One set of CPUs that vCPUs have before. */
typedef struct {
    guint64 *pus; /* bits by PU index */
    guint n_pus;
    bool beyond; /* names CPUs that aren't online too: no planned set is equal */
} KtBefore;

typedef struct {
    guint vcpu; /* index into KtSeatDomain.vcpus */
    guint unit;
    double load;
    gint guest_core;
    guint before;   /* index into KtModel.befores */
    gint before_pu; /* where that is one online CPU: the PU; -1 = else */
} KtModelVcpu;

/** The vCPUs that have one common set where they share: a cell of a guest, or all of a guest without cells.
 */
typedef struct {
    guint domain;   /* index into KtModel.domains */
    guint number;   /* among the domain's units */
    guint first, n; /* KtModel.vcpus[first … first + n) */
    double load;
    double pair_weight; /* what a mean distance of 1 over the unit's pairs costs */
} KtUnit;

typedef struct {
    const KtSeatDomain *wish;
    guint index; /* in the caller's order */
    KtFate fate;
    char *refusal; /* why it stays, where it was to be placed; or NULL */
    guint first_unit, n_units;
    guint first_vcpu, n_vcpus;
    double load;
    double pair_scale;  /* n_d / pairs of d */
    double *node_cost;  /* by node: what one vCPU there pays for memory whose place is known, and for devices,
                         * where all CPUs of its unit are there */
    double *apart_cost; /* the same where they are on several nodes */
    bool memory_spreads;  /* beside that its memory counts as on all nodes of its unit's CPUs */
    double bringing_cost; /* and so much it costs to bring all of it there from elsewhere */
    bool *regions;        /* by region: those that its common sets are made of; NULL = all of its policy */
    const bool *nodes;    /* where its own CPUs are; NULL = anywhere */
    double move_cost;     /* of each vCPU whose set changes */
    gint kind;            /* KtPu.kind that exclusive vCPUs want, -1 = any */
    guint first_region, n_regions; /* KtModel.regions that its common sets are made of */
    double region_cores;           /* of the largest of these */
    double region_gap;             /* the least distance between CPUs of two of these */
} KtModelDomain;

/** What a common set is made of: a whole sharing group or node. */
typedef struct {
    guint *zones;
    guint n_zones;
    double n_cores;
} KtRegion;

/** A list of indices. */
typedef struct {
    guint *items;
    guint n;
} KtIndices;

typedef struct {
    const KtPlacementProblem *problem;
    const KtTopology *topology;
    KtZones *zones;
    KtModelDomain *domains; /* by priority, size, name */
    guint n_domains;
    KtUnit *units;
    guint n_units;
    KtModelVcpu *vcpus; /* of a domain: by cell, guest core, number */
    guint n_vcpus;
    GArray *befores;   /* KtBefore, each set once */
    KtRegion *regions; /* sharing groups, then nodes */
    guint n_regions;
    double group_gap;      /* the least distance between CPUs of two sharing groups */
    double node_gap;       /* of two nodes */
    double *node_distance; /* n_nodes²: kt_zones_node_cost() */
    guint n_words;         /* of a set of PUs */
    KtIndices *core_pus;   /* PUs of each core */
    KtIndices *zone_cores; /* cores of each zone: those whose first PU lies there */
    double *core_capacity;
    double core_load; /* of all domains, on the mean core */
    guint *group_cores;
    double *group_scale; /* 1 / cores of the group */
    double *zone_scale;  /* 1 / what the cores of its group take, in CPUs' worth */
    guint *node_usable;  /* by node: how many of its CPUs are usable */
    bool *usable;        /* by PU: exclusive vCPUs may go there: placeable, not for housekeeping */
    bool *sharable;      /* by PU: common sets may have it: placeable, not isolcpus */
    bool keeps_open;     /* somebody floats or shares, so exclusive vCPUs must leave a CPU */
    bool wide_l2;        /* some L2 has several cores */
    double worth;        /* an improvement must be worth more than this */
} KtModel;

KtModel *kt_model_new(const KtPlacementProblem *problem);
void kt_model_free(KtModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtModel, kt_model_free)

/** The index of a domain that has @index in the caller's order, or KT_NO_DOMAIN. */
guint kt_model_find(const KtModel *model, guint index);

static inline const KtBefore *
kt_model_before(const KtModel *model, guint before)
{
    return &g_array_index(model->befores, KtBefore, before);
}

/** Whether a domain's CPUs may be on this node (index), its memory being where it is. */
static inline bool
kt_model_may_be_on(const KtModelDomain *domain, guint node)
{
    return !domain->nodes || domain->nodes[node];
}

/** Whether its common sets may have this region. */
static inline bool
kt_model_may_share(const KtModelDomain *domain, guint region)
{
    return !domain->regions || domain->regions[region];
}

/** What a vCPU on @node pays at least for memory and devices, wherever the others are. */
static inline double
kt_model_least_node_cost(const KtModelDomain *domain, guint node)
{
    return MIN(domain->node_cost[node], domain->apart_cost[node]);
}

/** What a unit with CPUs on several nodes, but none on @node, pays for bringing its memory from there to
 * them. */
static inline double
kt_model_moving_cost(const KtModelDomain *domain, guint node)
{
    return domain->bringing_cost > 0 ? domain->bringing_cost * domain->wish->memory_share[node] : 0;
}

/** kt_zones_node_cost(). */
static inline double
kt_model_node_cost(const KtModel *model, guint from, guint to)
{
    return model->node_distance[from * model->topology->n_nodes + to];
}

static inline bool
kt_bit(const guint64 *words, guint bit)
{
    return words[bit / 64] >> (bit % 64) & 1;
}

static inline void
kt_bit_set(guint64 *words, guint bit, bool value)
{
    if (value)
        words[bit / 64] |= G_GUINT64_CONSTANT(1) << (bit % 64);
    else
        words[bit / 64] &= ~(G_GUINT64_CONSTANT(1) << (bit % 64));
}

/**
 * Decides which domains can be placed, before it is known where: who wants own CPUs gets them by priority;
 * among equals those that have theirs already, then the larger ones. Sets KtModelDomain.fate and refusal, and
 * keeps_open.
 */
void kt_admit(KtModel *model);

/** What a domain is told for which there was room by number, but not as the CPUs lie; @n_free: CPUs, or whole
 * cores, that are left for it. Owned. */
char *kt_admit_describe_fragmented(const KtModelDomain *domain, guint n_free);
