/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "base/root.h"

/** Counters that are watched beside every run: what else went on in the guest and on the host. */
typedef enum {
    KT_WATCH_VCPU_BUSY,
    KT_WATCH_VCPU_WAIT, /* ready, but without a CPU */
    KT_WATCH_DISK_READ,
    KT_WATCH_DISK_WRITTEN,
    KT_WATCH_NET_RECEIVED,
    KT_WATCH_NET_SENT,
    KT_WATCH_FAULTS,        /* of QEMU's process */
    KT_WATCH_HUGE_MEMORY,   /* of QEMU in transparent huge pages */
    KT_WATCH_REMOTE_MEMORY, /* of QEMU on other nodes than those whose CPUs its vCPUs were on at last; where
                               there are several */
    KT_WATCH_EXITS,         /* of the guest to KVM */
    KT_WATCH_IPC,           /* instructions a cycle of QEMU's threads, the guest's among them */
    KT_WATCH_CACHE_MISSES,  /* the same threads', of the last cache */
    KT_WATCH_KSM_SHARING,   /* pages of the host that KSM saves */
    KT_WATCH_PRESSURE_CPU,
    KT_WATCH_PRESSURE_MEMORY,
    KT_WATCH_PRESSURE_IO,
    KT_WATCH_STEAL,      /* CPU time that the host itself was not given */
    KT_WATCH_OTHER_LOAD, /* CPU time of all but this guest; 0 where it is less than the clocks differ */
    KT_N_WATCHED,
} KtWatched;

/** "vcpu-busy", and "%": of one CPU, or of the time. */
const char *kt_watched_name(KtWatched watched);
const char *kt_watched_unit(KtWatched watched);

/** The counters as they stand. NAN = this host or guest has no such counter. */
typedef struct {
    gint64 taken_usec;           /* monotonic */
    double values[KT_N_WATCHED]; /* of KT_WATCH_IPC the instructions */
    double cycles;               /* for KT_WATCH_IPC */
} KtWatch;

/** Who looks at them beside one run: it knows the guest's process, and has opened its hardware counters. */
typedef struct KtWatcher KtWatcher;

/** @root and @domain (NULL: nothing of a guest) must outlive it. Never NULL. */
KtWatcher *kt_watcher_new(const KtRoot *root, virDomainPtr domain);
void kt_watcher_free(KtWatcher *watcher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtWatcher, kt_watcher_free)

/** Reads all that there is; of a guest that is no longer there nothing. */
void kt_watch_read(const KtWatcher *watcher, KtWatch *ret_watch);

/** What went on between two readings: rates a second, shares in percent, or (memory) what was there at the
 * end. */
void kt_watch_between(const KtWatch *begin, const KtWatch *end, double ret_values[KT_N_WATCHED]);
