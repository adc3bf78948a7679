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
    KT_WATCH_FAULTS,      /* of QEMU's process */
    KT_WATCH_HUGE_MEMORY, /* of QEMU in transparent huge pages */
    KT_WATCH_KSM_SHARING, /* pages of the host that KSM saves */
    KT_WATCH_PRESSURE_CPU,
    KT_WATCH_PRESSURE_MEMORY,
    KT_WATCH_PRESSURE_IO,
    KT_WATCH_STEAL,      /* CPU time that the host itself was not given */
    KT_WATCH_OTHER_LOAD, /* CPU time of all but this guest */
    KT_N_WATCHED,
} KtWatched;

/** "vcpu-busy", and "%": of one CPU, or of the time. */
const char *kt_watched_name(KtWatched watched);
const char *kt_watched_unit(KtWatched watched);

/** The counters as they stand. NAN = this host or guest has no such counter. */
typedef struct {
    gint64 taken_usec; /* monotonic */
    double values[KT_N_WATCHED];
} KtWatch;

/** Reads all that there is. @domain may be NULL, or no longer there: nothing of a guest. */
void kt_watch_read(const KtRoot *root, virDomainPtr domain, KtWatch *ret_watch);

/** What went on between two readings: rates a second, shares in percent, or (memory) what was there at the
 * end. */
void kt_watch_between(const KtWatch *begin, const KtWatch *end, double ret_values[KT_N_WATCHED]);
