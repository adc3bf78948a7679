/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/manual.h"
#include "profiles/desired.h"

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

/** What is judged. */
typedef struct {
    const KtPlan *plan;
    const KtDesired *desired; /* that it was made of */
    bool everything;          /* whoever runs may have been pinned: it is long since anybody was looked at */
    GHashTable *edited; /* set of UUIDs: whose threads may have been pinned, by us or somebody else; NULL =
                         * nobody's */
    GHashTable *seats; /* set of UUIDs: who may just have come, from another host with its pins; NULL = nobody
                        */
} KtMarkingScope;

/** KtManual: what of the plan is somebody's by kt_drift_judge(), and where threads run that he has pinned,
 * also where the plan would leave them or write that into the definition. Owned; NULL on error. */
GPtrArray *kt_marking_find(const KtMarking *marking, KtJournal *journal, const KtRoot *root,
                           const KtMarkingScope *scope, GError **error);

/** Whether a thread that was released is to be given back: no plan of it has been carried out since. */
bool kt_marking_has_to_give_back(const KtMarking *marking, const KtSnapshot *snapshot);

/** A plan with what was released is carried out, but for domains @unsettled (set of UUIDs, NULL = none): pins
 * that it left as they were, of threads and in definitions, count as kvm-tune's. Who pins one of them again,
 * pins it anew. Errors: io. */
bool kt_marking_give_back(KtMarking *marking, KtJournal *journal, const KtSnapshot *snapshot,
                          GHashTable *unsettled, GError **error);

/** Marks what kt_marking_find() finds, and tells it to the log; *@ret_n says how much that is. */
bool kt_marking_mark(KtMarking *marking, KtJournal *journal, const KtRoot *root, const KtMarkingScope *scope,
                     guint *ret_n, GError **error);
