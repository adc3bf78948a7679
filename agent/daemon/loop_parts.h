/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <stdatomic.h>

#include "agent/daemon/control.h"
#include "agent/daemon/host_events.h"
#include "agent/daemon/loop.h"
#include "agent/daemon/metrics.h"
#include "agent/daemon/worker.h"

/** The daemon's main loop. Private to loop*.c. */

/** Where libvirt, or another kvm-tune, is in the way: tried again after 1 s, 2 s, 4 s … at most this. */
#define KT_LOOP_MOST_WAIT_SECONDS 30

/** What is counted since the daemon started. */
typedef struct {
    guint64 looks[KT_LOOK_FAILED + 1]; /* by KtLookEnd */
    guint64 changes;
} KtLoopCounts;

/** What was told to the last scrape: copies, that live until the next one. */
typedef struct {
    KtGovernorFigures *governor;
    GPtrArray *following; /* KtFollowed */
    GPtrArray *load;      /* KtLoadFigures */
} KtLoopTold;

typedef struct {
    const KtLoopSetup *setup;
    GMainLoop *main;
    KtWorker *worker;
    KtControl *control;
    KtHostEvents *host_events; /* NULL: they can't be heard */
    KtMetricsServer *metrics;  /* NULL: figures are told to nobody */
    KtLoopCounts counts;
    KtRoot *root;
    KtGoverning *governing;
    KtFollowing *following;
    KtLoadWatch *load;
    KtLoopTold told;
    GMutex journal; /* held while the journal is open for writing */
    KtChanges *changes;
    GCancellable *stop;
    char *profile_name;
    KtProfile *next_profile; /* for the next look on; NULL = as before */
    KtLook *last;            /* NULL: none has ended yet */
    gint64 began_usec;       /* wall clock, µs since the epoch */
    gint64 watchdog_usec;    /* how often systemd wants to hear of progress; 0 = it doesn't */
    _Atomic gint64
        stuck_usec; /* monotonic: a worker that is busy and tells of no progress until then is stuck */
    guint due;      /* sources, 0 = none */
    guint retry;
    guint window;       /* until a restart-window opens */
    guint next_try;     /* timeout: what is left out after a failure gets another try; 0 = none */
    guint shrink;       /* timeout: a pool that nobody wants is to shrink; 0 = none */
    guint wait_seconds; /* until the retry, 0 = nothing is in the way */
    guint repeats;      /* looks in a row that left something */
    bool busy;          /* the worker looks */
    bool stopping;
} KtLoop;

/** Says in the log how a look ended, where that is news. */
void kt_loop_tell(const KtLoop *loop, const KtLook *look);

/** Says what is wrong with a profile that was to be read again: what kt_daemon_profile_load() gave. */
void kt_loop_tell_mistakes(const KtLoop *loop, const GPtrArray *diagnostics, const GError *error);

/** Says which profile is kept: since it was started, or read again. */
void kt_loop_tell_profile(const KtLoop *loop, KtEvent event);

/** Says that the daemon ends. */
void kt_loop_tell_end(void);

/** One line for `systemctl status`. Owned. */
char *kt_loop_status_line(const KtLoop *loop);

/** Counts how a look ended. */
void kt_loop_count(KtLoop *loop, const KtLook *look);

/** Frees what was told. */
void kt_loop_told_clear(KtLoopTold *told);

/** Begins to tell figures where that is wanted. Errors: as kt_metrics_server_new(). */
bool kt_loop_serve_metrics(KtLoop *loop, GError **error);

/** What the daemon does, for who asks. Owned. */
json_t *kt_loop_status_json(const KtLoop *loop);
