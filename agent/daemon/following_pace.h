/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * How fast memory follows its guest, and when it waits. Pure.
 */

/** So much is moved at a time. */
#define KT_FOLLOWING_BATCH_KIB (16 * 1024)
/** All guests together: no more than this a second, and never more than half of the time. */
#define KT_FOLLOWING_MOST_KIB_A_SECOND (256 * 1024)
/** Where something is in the way it is looked at again after this. */
#define KT_FOLLOWING_PATIENCE_USEC (2 * G_TIME_SPAN_SECOND)
/** Who has waited so long doesn't move for now. */
#define KT_FOLLOWING_LONGEST_WAIT_USEC (10 * G_TIME_SPAN_MINUTE)

/** What is looked at before each batch. */
typedef struct {
    double stalled_percent; /* tasks that waited for memory in the last 10 s; negative = not told */
    guint node;             /* where it goes: */
    gint64 free_kib;        /* KT_ABSENT = not told */
    gint64 total_kib;
} KtFollowingSight;

/** Why nothing is moved now; NULL = nothing is in the way. @waits: something was before, and has to be well
 * over. Owned. */
char *kt_following_obstacle(const KtFollowingSight *sight, bool waits);

/** How long to rest after a batch of @kib, which took @took_usec. */
gint64 kt_following_rest_usec(gint64 kib, gint64 took_usec);
