/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/event_kinds.h"
#include "agent/daemon/load_judge.h"
#include "base/root.h"

/**
 * The thread that looks once a minute how long the guests' vCPUs wait for a CPU, from /proc, and says when
 * that is reason to plan again: then with the loads that it has measured, which it records in the journal
 * (agent/exec/loads), from where every plan has them. Where they can't be recorded nothing counts as planned,
 * and it is decided anew a minute later; once they are, it counts when a look has planned with them, and
 * nothing is decided until then. All calls may come from any thread.
 */
typedef struct KtLoadWatch KtLoadWatch;

/** A guest to watch. */
typedef struct {
    char *uuid;
    char *name;
    char *process; /* kt_qemu_process_identity() */
    bool placed;   /* see KtLoadSample */
} KtWatchedGuest;

void kt_watched_guest_free(KtWatchedGuest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtWatchedGuest, kt_watched_guest_free)

/** Starts it. @journal is held while the journal is open for writing; it, @times and @root outlive it. @seen
 * is told in the default main context that it is to be planned again: of no domain, and what was seen. */
KtLoadWatch *kt_load_watch_new(const KtLoadTimes *times, const KtRoot *root, const char *state_dir,
                               GMutex *journal, KtEventSeen seen, gpointer user_data);
void kt_load_watch_free(KtLoadWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLoadWatch, kt_load_watch_free)

/** The guests that run now (KtWatchedGuest), taken over. */
void kt_load_watch_tell(KtLoadWatch *watch, GPtrArray *guests);

/** A look that began then (monotonic) has come to its end, with the guests in sight: what was recorded before
 * is planned with. */
void kt_load_watch_note_planned(KtLoadWatch *watch, gint64 began_usec);

/** How often it was planned again since it was started. */
guint64 kt_load_watch_replans(KtLoadWatch *watch);

/** As kt_load_judge_figures(). */
GPtrArray *kt_load_watch_figures(KtLoadWatch *watch);
