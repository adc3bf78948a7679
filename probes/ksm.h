/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/root.h"

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
    gint64 pages_scanned; /* since boot; Linux 6.6 and later */
    gint64 full_scans;
    gint64 general_profit;           /* bytes; may be negative */
    char *advisor_mode;              /* NULL = no advisor in this kernel */
    gint64 advisor_max_cpu;          /* percent of one CPU */
    gint64 advisor_target_scan_time; /* seconds */
    gint64 smart_scan;
    gint64 use_zero_pages;
    gint64 ksmd_pid;      /* of the kernel's thread; 0 = not found */
    gint64 ksmd_cpu_usec; /* CPU time that it has taken since boot */
} KtKsm;

/** What KSM has of one process, KT_ABSENT = not told. Documentation/filesystems/proc.rst, /proc/PID/ksm_stat
 */
typedef struct {
    gint64 merging_pages;   /* pages that are merged with others, its own share of them */
    gint64 rmap_items;      /* pages that ksmd has looked at */
    gint64 profit_bytes;    /* saved less what KSM itself needs for it */
    gint64 anonymous_pages; /* resident, in base pages: what can be merged if it is marked so */
    gint64 may_merge;       /* 1: it has memory marked with MADV_MERGEABLE, 0: it has none */
} KtKsmProcess;

/** Nothing known. */
void kt_ksm_init(KtKsm *ksm);

/** Reads all of it; @ksm is initialised, or filled from before: then ksmd isn't looked for again. Errors: io,
 * access, parse. */
bool kt_ksm_read(const KtRoot *root, KtKsm *ksm, GError **error);

void kt_ksm_clear(KtKsm *ksm);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtKsm, kt_ksm_clear)

/** Adds the paths of the files that @ksm was read from, there or not. Owned strings. */
void kt_ksm_add_files(const KtKsm *ksm, GPtrArray *paths);

/** Pages that ksmd knows of: has looked at since they were there; KT_ABSENT where the kernel doesn't tell. */
gint64 kt_ksm_known_pages(const KtKsm *ksm);

/** Nothing told. */
KtKsmProcess kt_ksm_process_unknown(void);

/** What KSM has of the process @pid; one that has ended or that may not be looked at tells nothing. */
KtKsmProcess kt_ksm_process_read(const KtRoot *root, gint64 pid);

/** Adds the paths of the files that kt_ksm_process_read() reads. Owned strings. */
void kt_ksm_process_add_files(gint64 pid, GPtrArray *paths);
