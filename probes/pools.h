/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/root.h"

/** The pool of one page size on one memory node. /sys/devices/system/node/nodeN/hugepages/hugepages-SkB */
typedef struct {
    guint node; /* the kernel's number */
    guint64 page_kib;
    gint64 total; /* pages; KT_ABSENT = the kernel doesn't say */
    gint64 free;
    gint64 surplus;
    bool whole_host; /* a kernel without NUMA: the files are those of KtPageSize */
} KtPool;

/** A page size of this host. /sys/kernel/mm/hugepages/hugepages-SkB */
typedef struct {
    guint64 page_kib;
    gint64 total;
    gint64 free;
    gint64 reserved; /* promised to processes, not yet taken; the kernel knows it for the host only */
    gint64 surplus;
} KtPageSize;

/** A mounted hugetlbfs. */
typedef struct {
    char *directory;
    guint64 page_kib; /* 0 = the default size */
} KtHugetlbMount;

/** Huge page pools (hugetlb). Documentation/admin-guide/mm/hugetlbpage.rst */
typedef struct {
    GArray *sizes;       /* KtPageSize, small to large; empty = this kernel has no hugetlb */
    GArray *pools;       /* KtPool, by node, then by size */
    GPtrArray *mounts;   /* KtHugetlbMount */
    guint64 default_kib; /* the default size, 0 = unknown */
} KtPools;

/** No sizes, pools or mounts: a kernel without hugetlb. */
KtPools *kt_pools_new(void);

/** Errors: io, access, parse. */
KtPools *kt_pools_read(const KtRoot *root, GError **error);
void kt_pools_add_files(const KtRoot *root, GPtrArray *paths);
void kt_pools_free(KtPools *pools);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPools, kt_pools_free)

/** What was asked of a pool, from its file nr_hugepages at @path: the kernel counts there too what goes as
 * soon as nobody uses it any more (surplus pages). KT_ABSENT where the file is. */
bool kt_pools_read_asked(const KtRoot *root, const char *path, gint64 *ret_pages, GError **error);

/** Whether @path is such a file. */
bool kt_pools_is_file(const char *path);

/** The pool of that size on that node (kernel's number), or NULL. */
const KtPool *kt_pools_find(const KtPools *pools, guint node, guint64 page_kib);
const KtPageSize *kt_pools_size(const KtPools *pools, guint64 page_kib);

/** The file @name ("nr_hugepages") of the pool of that size on that node (kernel's number), -1 = of the host.
 * Owned. */
char *kt_pools_file(gint node, guint64 page_kib, const char *name);
