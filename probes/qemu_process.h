/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"
#include "base/root.h"
#include "probes/topology.h"

/**
 * QEMU's processes and threads as /proc shows them. A process may end at any time: what can't be read then is
 * unknown, never an error.
 */

/** Which process runs which domain; found by a single look through all of /proc. */
typedef struct KtQemuProcesses KtQemuProcesses;

KtQemuProcesses *kt_qemu_processes_find(const KtRoot *root);
void kt_qemu_processes_free(KtQemuProcesses *processes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtQemuProcesses, kt_qemu_processes_free)

/** The process that was started as this domain, as libvirt writes QEMU's command line ("-name guest=NAME,…",
 * "-uuid UUID"); 0 where there is none, or where several processes say so: any user can name a process like
 * that. */
gint64 kt_qemu_processes_pid(const KtQemuProcesses *processes, const char *name, const char *uuid);

/** The threads of one process, by the names that QEMU gives them (debug-threads=on, which libvirt always
 * sets), and the CPUs that each may run on. */
typedef struct {
    KtCpuset *main;        /* the emulator */
    KtCpuset *all_vcpus;   /* the one thread of all vCPUs ("ALL CPUs/TCG"), or NULL */
    GHashTable *vcpus;     /* vCPU id → KtCpuset */
    GHashTable *iothreads; /* IOThread id → KtCpuset */
    GHashTable *vcpu_tids; /* vCPU id → the thread's number */
} KtQemuThreads;

/** NULL when the process has gone, or its threads can't be read. */
KtQemuThreads *kt_qemu_threads_read(const KtRoot *root, gint64 pid);
void kt_qemu_threads_free(KtQemuThreads *threads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtQemuThreads, kt_qemu_threads_free)

/** How long the thread of vCPU @id has run, and how long it has waited for a CPU, ns; KT_ABSENT where that
 * isn't known. Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat */
void kt_qemu_vcpu_times(const KtRoot *root, gint64 pid, const KtQemuThreads *threads, guint id,
                        gint64 *ret_time_ns, gint64 *ret_delay_ns);

/** "PID:START", where START (clock ticks since boot) tells a process from a later one with the same number;
 * NULL when it has gone. proc(5), /proc/PID/stat. Owned. */
char *kt_qemu_process_identity(const KtRoot *root, gint64 pid);

/** How long the process of that identity has been there, ns; KT_ABSENT where that isn't known. proc(5),
 * /proc/uptime: both count from the boot of the host. */
gint64 kt_qemu_process_age(const KtRoot *root, const char *identity);

/** The process's memory by node index, KiB, topology->n_nodes numbers, without what it shares with others in
 * the page cache where there are several nodes; NULL where it can't be read (/proc/PID/numa_maps is for
 * root). Owned. */
gint64 *kt_qemu_process_memory(const KtRoot *root, gint64 pid, const KtTopology *topology);

/** Whether @kib of a process's @total_kib on a node count as memory that it has there. A few pages of
 * libraries and kernel structures are anywhere, whatever is done. */
static inline bool
kt_qemu_memory_counts(gint64 kib, gint64 total_kib)
{
    return kib * 32 > total_kib;
}

/** What of the process's memory a device or it itself has locked, KiB, where that counts as memory: passed-
 * through devices of any kind, mlock(2). 0: nothing, or the process has gone. proc(5), /proc/PID/status.
 * Errors: io. */
bool kt_qemu_process_locked(const KtRoot *root, gint64 pid, gint64 *ret_kib, GError **error);

/** KiB (gint64) by the nodes' OS numbers, as kt_qemu_process_memory() counts it; NULL where it can't be read.
 * Owned. */
GArray *kt_qemu_process_memory_by_node(const KtRoot *root, gint64 pid);

/** OS numbers of the nodes that the process has memory on, as /proc/PID/numa_maps says; NULL where it can't
 * be read. Owned. */
KtCpuset *kt_qemu_process_nodes(const KtRoot *root, gint64 pid);
