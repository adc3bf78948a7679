/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <hwloc.h>
#include <stdbool.h>

#include "base/cpuset.h"
#include "base/root.h"
#include "probes/cgroup.h"

/**
 * The host's CPUs and memory nodes, from hwloc, as flat arrays: what placement, cost and the drawing need.
 * Indices are into these arrays; "OS" numbers are the kernel's.
 */

/** One online processing unit (hardware thread). */
typedef struct {
    guint os;       /* the kernel's CPU number */
    guint core;     /* index of its core; a PU without a core object is a core of its own */
    gint l2;        /* index of its L2, -1 = none */
    gint l3;        /* index of its L3, -1 = none */
    gint die;       /* index of its die, -1 = none: its package has just one, or nothing is told */
    gint package;   /* index of its package, -1 = none */
    guint group;    /* index of its sharing group, see KtTopology.groups */
    guint node;     /* index of its memory node: the nearest one with memory */
    gint kind;      /* hwloc's rank of its kind of core, 0 = the most efficient; -1 = all alike or unknown */
    bool placeable; /* online and in the cpuset of QEMU's parent group */
    bool isolated;  /* isolcpus: no load balancing */
} KtPu;

/** One memory node. */
typedef struct {
    guint os;
    guint64 memory_bytes; /* 0 = has none, or unknown on the whole host */
    bool has_memory;      /* counts as a place for memory (design section 10) */
    KtCpuset *cpus;       /* OS numbers of the CPUs whose KtPu.node it is */
} KtNode;

/** CPUs that share a cache, or a core. */
typedef struct {
    KtCpuset *cpus;      /* OS numbers */
    gint package;        /* -1 = none or several */
    guint64 cache_bytes; /* the L3 that they share, 0 = none */
} KtCpuGroup;

typedef struct {
    hwloc_topology_t hwloc;
    KtPu *pus; /* by OS number */
    guint n_pus;
    gint *pu_of_os; /* OS number → index or -1 */
    guint n_os;     /* greatest OS number + 1 */
    KtCpuGroup *cores;
    guint n_cores;
    guint n_l2;
    guint n_l3;
    guint64 *l3_bytes; /* size of each L3, 0 = unknown */
    guint n_dies;
    guint n_packages;
    /* L3 groups; on a host without L3 the packages, else the nodes, else the machine. CPUs that have no L3
     * where others have one are a group of their own for each package. */
    KtCpuGroup *groups;
    guint n_groups;
    KtNode *nodes; /* by OS number; at least one */
    guint n_nodes;
    guint *slit; /* n_nodes × n_nodes; 10 own, 20 other where the host doesn't say */
    KtCpuset *online;
    KtCpuset *placeable; /* safety rule 9 */
    KtCpuset *isolated;
    bool smt;      /* some core has several online PUs */
    guint n_kinds; /* distinct kinds of core, at least 1 */
    char *note;    /* where hwloc and the kernel differ, and what was done, for people; NULL = they agree */
    GPtrArray *files; /* char *: what was read below the root besides topology.xml, there or not */
} KtTopology;

/** hwloc's XML in a root that isn't the running machine. */
#define KT_TOPOLOGY_FILE "topology.xml"

/**
 * Reads the topology. Live: this machine by hwloc, with CPUs disallowed to the caller. Else @root's
 * topology.xml.
 * @root also tells what is isolated; @cgroup QEMU's parent group's cpuset: NULL, or one that tells none, has
 * all online CPUs placeable. Errors: io, parse.
 */
KtTopology *kt_topology_read(const KtRoot *root, const KtCgroup *cgroup, GError **error);

/** Adds the paths of the files that @topology was read from besides topology.xml, there or not. Owned
 * strings. */
void kt_topology_add_files(const KtTopology *topology, GPtrArray *paths);

/** The same from hwloc's synthetic description ("pack:2 l3:2 core:4 pu:2"): for tests. */
KtTopology *kt_topology_from_synthetic(const char *description, GError **error);

void kt_topology_free(KtTopology *topology);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtTopology, kt_topology_free)

/** The PU with the kernel's number @os, or NULL when it isn't online. */
static inline const KtPu *
kt_topology_pu(const KtTopology *topology, guint os)
{
    if (os >= topology->n_os || topology->pu_of_os[os] < 0)
        return NULL;
    return &topology->pus[topology->pu_of_os[os]];
}

/** Index of the node with the kernel's number @os, or -1. */
gint kt_topology_node_index(const KtTopology *topology, guint os);

/** Index of the node that a PCI device ("0000:3b:00.0") is nearest to, or -1 where it isn't known. */
gint kt_topology_pci_node(const KtTopology *topology, const char *address);

/** Design section 10's distance of two PUs: 0 … 0.5 … 1 … 2 … 5 … 5·SLIT/10. */
double kt_topology_distance(const KtTopology *topology, const KtPu *a, const KtPu *b);
