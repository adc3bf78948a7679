/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * Processes with memory that KSM may merge: of each a part is equal to that of all others, page by page, and
 * no two of the rest are.
 */

#define KSM_LOAD_MAX 8

typedef struct {
    pid_t pid; /* 0 = not running */
    int order; /* it rewrites its equal pages when it is told a version here */
    int ready; /* it says here that it has filled its memory */
} KsmProcess;

typedef struct {
    guint mib;     /* of each */
    guint percent; /* of it equal */
    KsmProcess processes[KSM_LOAD_MAX];
} KsmLoad;

/** Starts process number @index and waits until its memory is filled. */
bool ksm_load_start(KsmLoad *load, guint index);

/** Ends it. */
void ksm_load_stop(KsmLoad *load, guint index);

void ksm_load_stop_all(KsmLoad *load);

/** All running ones write new contents, @version, to a fifth of their equal pages: the same ones. */
void ksm_load_rewrite(KsmLoad *load, char version);

/** How many run. */
guint ksm_load_running(const KsmLoad *load);

/** Memory that merging all that is equal saves now, and that is saved (by /proc/PID/ksm_merging_pages), MiB.
 */
double ksm_load_equal_mib(const KsmLoad *load);
double ksm_load_saved_mib(const KsmLoad *load);
