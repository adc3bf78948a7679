/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"
#include "probes/topology.h"

/**
 * Placement of the vCPUs of all running domains together (design section 10). Pure and deterministic; knows
 * the topology and wishes, not libvirt.
 */

typedef enum {
    KT_PLACEMENT_SHARED_CACHE, /* one common set of whole sharing groups; exclusive: CPUs near each other */
    KT_PLACEMENT_NUMA,         /* whole nodes */
    KT_PLACEMENT_SPREAD,       /* over as many sharing groups as there are */
} KtPlacementPolicy;

/** Where a running guest's memory goes when its CPUs leave its nodes. */
typedef enum {
    KT_MEMORY_STAYS,
    KT_MEMORY_TO_ONE_NODE, /* to that of the CPUs, where they are all on one that has room for it; else it
                              stays */
    KT_MEMORY_TO_NODES,    /* in equal parts to all that its CPUs are on */
} KtMemoryFollows;

typedef enum { KT_SMT_AUTO, KT_SMT_SHARE, KT_SMT_ISOLATE } KtSmt;

typedef enum { KT_KIND_AUTO, KT_KIND_FAST, KT_KIND_EFFICIENT, KT_KIND_ANY } KtKindWish;

/** One online vCPU of a running domain. */
typedef struct {
    guint id;               /* the guest's number */
    double load;            /* CPUs' worth of work, 1 unless measured */
    const KtCpuset *before; /* its present affinity */
    gint cell;              /* guest NUMA cell, index; -1 = the guest has none */
    gint guest_core;        /* index of its core in the guest where that has threads; -1 = none */
} KtSeatVcpu;

/** One running domain as placement sees it. Arrays are borrowed and outlive the problem. */
typedef struct {
    const char *name;
    bool placed; /* some section places it; else a fixed obstacle at its present affinity */
    bool exclusive;
    KtPlacementPolicy policy;
    KtSmt smt;
    KtKindWish kind;
    gint priority;           /* greater goes first when there is no room */
    const KtSeatVcpu *vcpus; /* online ones, by id */
    guint n_vcpus;
    const double *memory_share; /* by node index, sums to 1; NULL = unknown */
    double memory_gib;          /* what it has in all; 0 = unknown, or nothing is to be said of moves */
    KtMemoryFollows memory_follows;
    const bool *nodes; /* by node index: where its CPUs stay, since its memory is there and can't follow; NULL
                        * = anywhere. Without a CPU there that it may have it goes for nothing. */
    const bool *cell_nodes; /* by cell and node index, cell · n_nodes + node: where the memory of each guest
                             * cell is, or will come from; none = unknown, NULL = of no cell. Of seats that
                             * cost the same each cell gets those that are near it. */
    double move_threshold;  /* points of cost by which another seat must be better than the present one */
    const guint *device_nodes; /* node index of each passed-through PCI device whose node is known */
    guint n_device_nodes;
} KtSeatDomain;

typedef struct {
    const KtTopology *topology;
    const KtCpuset *housekeeping; /* exclusive vCPUs stay off these; may be empty */
    const KtSeatDomain *domains;
    guint n_domains;
    const double *node_room_gib; /* by node index: memory that may follow CPUs there; NULL = any amount */
} KtPlacementProblem;

/** Where one domain goes. */
typedef struct {
    guint n_vcpus;
    KtCpuset **vcpus; /* n_vcpus sets in the order of KtSeatDomain.vcpus; = before where it isn't placed */
    KtCpuset *memory_nodes; /* OS numbers of planned nodes; NULL = memory stays where it is */
    char *reason;  /* one line for people: "4 own cores in one L3 (CPUs 8-15), on the node of its memory" */
    char *refusal; /* why it could not be placed: how many CPUs are missing, what would make room; or NULL.
                    * It keeps its present affinity then, and counts as a domain that isn't placed. */
} KtSeat;

typedef struct {
    KtSeat *seats; /* n_domains */
    guint n_seats;
} KtPlacement;

void kt_placement_free(KtPlacement *placement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPlacement, kt_placement_free)

/**
 * Finds a legal placement of low cost. Stable: with `before` equal to an earlier result of the same problem
 * it returns just that.
 */
KtPlacement *kt_placement_solve(const KtPlacementProblem *problem);

/** For kt_placement_adjust(): the domain that changed is no longer in the problem. */
#define KT_PLACEMENT_GONE G_MAXUINT

/**
 * The same in place, after one domain has started or changed (@changed, an index; KT_PLACEMENT_GONE: has
 * stopped): everybody else keeps his seat, but for at most @max_others domains that are worth moving. Who has
 * no legal seat at present gets one beside that. What legality alone brings about is no move: common sets
 * follow the CPUs that own seats take and leave. Never costs more than everybody staying; takes a fraction of
 * kt_placement_solve()'s time.
 */
KtPlacement *kt_placement_adjust(const KtPlacementProblem *problem, guint changed, guint max_others);

/** All present seats: the placement that changes nothing. */
KtPlacement *kt_placement_present(const KtPlacementProblem *problem);
