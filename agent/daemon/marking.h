/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/manual.h"

/** What is somebody's, as the daemon knows it. */
typedef struct {
    GPtrArray
        *manual; /* KtManual, as state.db had them last, and what was marked since; NULL = not read yet */
    gint64 since_usec; /* wall clock: since when the daemon is at work */
} KtMarking;

void kt_marking_clear(KtMarking *marking);

/** Reads the marks: they may have been released since, or set by hand. */
bool kt_marking_read(KtMarking *marking, KtJournal *journal, GError **error);

/** How many items are manual. */
guint kt_marking_count(const KtMarking *marking);

/** Marks what of @plan is somebody's by kt_drift_judge(), and tells it to the log; *@ret_n says how much that
 * is. */
bool kt_marking_mark(KtMarking *marking, KtJournal *journal, const KtRoot *root, const KtPlan *plan,
                     guint *ret_n, GError **error);
