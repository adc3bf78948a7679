/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/root.h"
#include "probes/ksm.h"
#include "probes/topology.h"

/** What one memory node has, KiB (KT_ABSENT = the kernel doesn't say). /sys/devices/system/node/nodeN/meminfo
 */
typedef struct {
    guint os;
    gint64 total_kib;
    gint64 free_kib;
} KtNodeMemory;

/** Transparent huge pages; NULL = this kernel lacks the file. Documentation/admin-guide/mm/transhuge.rst */
typedef struct {
    char *enabled;
    char *defrag;
    char *shmem;
    GPtrArray *sizes; /* KtThpSize, small to large; empty = this kernel has one size */
} KtThp;

/** Transparent huge pages of one size. hugepages-SkB/enabled */
typedef struct {
    guint64 size_kib;
    char *enabled; /* "inherit": as KtThp.enabled */
} KtThpSize;

typedef struct {
    GArray *nodes; /* KtNodeMemory, by OS number */
    KtThp thp;
    KtKsm ksm;
    guint64 page_kib;     /* base page size, 4 where unknown */
    gint64 available_kib; /* what could be had without swapping; KT_ABSENT before Linux 3.14 */
} KtMemory;

/** Nothing known: no nodes, no THP, no KSM. */
KtMemory *kt_memory_new(void);

/** Reads all of it. A file that can't be read for another reason than its absence is an error (io, access,
 * parse). */
KtMemory *kt_memory_read(const KtRoot *root, GError **error);

/** Memory of all nodes together, and what of it is free, KiB; KT_ABSENT where no node tells. */
gint64 kt_memory_total_kib(const KtMemory *memory);
gint64 kt_memory_free_kib(const KtMemory *memory);

/** What /proc/meminfo tells now. KiB; KT_ABSENT = this kernel doesn't say. */
typedef struct {
    gint64 total_kib;
    gint64 available_kib; /* could be had without swapping */
    gint64 swap_kib;
    gint64 swap_free_kib;
} KtMeminfo;

/** Errors: io, access. */
bool kt_meminfo_read(const KtRoot *root, KtMeminfo *ret, GError **error);

/** What one memory node has now; all KT_ABSENT where there is none of that number. Errors: io, access, parse.
 */
bool kt_node_memory_read(const KtRoot *root, guint os, KtNodeMemory *ret, GError **error);

/** Adds the paths of the files below @root that @memory was read from, there or not. Owned strings. */
void kt_memory_add_files(const KtMemory *memory, const KtRoot *root, GPtrArray *paths);

void kt_memory_free(KtMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtMemory, kt_memory_free)
