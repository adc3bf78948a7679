/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/root.h"
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

/** KSM, KT_ABSENT = this kernel lacks the file. Documentation/admin-guide/mm/ksm.rst */
typedef struct {
    gint64 run; /* 0 stopped, 1 running, 2 stopped and unmerged */
    gint64 pages_to_scan;
    gint64 sleep_millisecs;
    gint64 merge_across_nodes;
    gint64 pages_shared;
    gint64 pages_sharing; /* what is saved, pages */
    gint64 pages_unshared;
    gint64 pages_volatile;
    gint64 full_scans;
    gint64 general_profit;           /* bytes; may be negative */
    char *advisor_mode;              /* NULL = no advisor in this kernel */
    gint64 advisor_max_cpu;          /* percent of one CPU */
    gint64 advisor_target_scan_time; /* seconds */
    gint64 smart_scan;
    gint64 use_zero_pages;
} KtKsm;

typedef struct {
    GArray *nodes; /* KtNodeMemory, by OS number */
    KtThp thp;
    KtKsm ksm;
    guint64 page_kib; /* base page size, 4 where unknown */
} KtMemory;

/** Nothing known: no nodes, no THP, no KSM. */
KtMemory *kt_memory_new(void);

/** Reads all of it. A file that can't be read for another reason than its absence is an error (io, access,
 * parse). */
KtMemory *kt_memory_read(const KtRoot *root, GError **error);

/** Memory of all nodes together, and what of it is free, KiB; KT_ABSENT where no node tells. */
gint64 kt_memory_total_kib(const KtMemory *memory);
gint64 kt_memory_free_kib(const KtMemory *memory);

/** The value of @key ("MemAvailable") in /proc/meminfo now, KiB; KT_ABSENT where it can't be read. */
gint64 kt_meminfo_kib(const KtRoot *root, const char *key);

/** Adds the paths of the files below @root that this probe reads, there or not. Owned strings. */
void kt_memory_add_files(const KtRoot *root, GPtrArray *paths);

void kt_memory_free(KtMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtMemory, kt_memory_free)
