/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "agent/daemon/event_kinds.h"

/**
 * What has changed since the last look, and when the next one is due: at once for a guest that starts alone,
 * once for many that start together. Pure: the clock (monotonic, µs) is an argument.
 */
typedef struct KtChanges KtChanges;

/** A change that stands alone is looked at when nothing more has come for so long. */
#define KT_CHANGES_QUIET_USEC (10 * G_TIME_SPAN_MILLISECOND)
/** Of a burst: several domains at a time, or more right after a look. */
#define KT_CHANGES_BURST_QUIET_USEC (500 * G_TIME_SPAN_MILLISECOND)
/** So many domains at a time are a burst. */
#define KT_CHANGES_BURST 3
/** And so is what comes within this time after a look was begun, the echo of its own changes too… */
#define KT_CHANGES_AFTER_LOOK_USEC G_TIME_SPAN_SECOND
/** …but for a guest that starts, when none has started for so long. */
#define KT_CHANGES_AFTER_START_USEC (500 * G_TIME_SPAN_MILLISECOND)
/** However many come, the first of them doesn't wait longer than this. */
#define KT_CHANGES_PATIENCE_USEC (10 * G_TIME_SPAN_SECOND)

/** What a look is about. */
typedef struct {
    bool everything;     /* a full look */
    GHashTable *domains; /* set of UUIDs: char * */
    GHashTable *seats;   /* of these, those for whom others may have to move: KT_SEATS_OF_ALL */
    GHashTable *edited;  /* of these, those who were pinned or defined: KT_SEATS_EDITED */
    GPtrArray *reasons;  /* char *: what was seen, each once, the first few */
} KtChangeSet;

void kt_change_set_free(KtChangeSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtChangeSet, kt_change_set_free)

/** For whom others may have to move, as KtSnapshot.changed has it: who was @touched (set of UUIDs) by our
 * last run is in the set for that, and stays where he is. Owned. */
char *kt_change_set_seat(const KtChangeSet *set, GHashTable *touched);

/** What was seen, for people: "started, plugged; 3 domains". Owned. */
char *kt_change_set_describe(const KtChangeSet *set);

KtChanges *kt_changes_new(void);
void kt_changes_free(KtChanges *changes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtChanges, kt_changes_free)

/** Notes that domain @uuid has changed, or with NULL that anything may have; @words: see KtEventSeen. */
void kt_changes_add(KtChanges *changes, const char *uuid, KtEvent event, const char *words, gint64 now_usec);

/** When they are to be looked at; G_MAXINT64: nothing has changed. */
gint64 kt_changes_due(const KtChanges *changes);

/** Hands over what has changed, since it is looked at now. Owned; NULL where nothing has. */
KtChangeSet *kt_changes_take(KtChanges *changes, gint64 now_usec);
