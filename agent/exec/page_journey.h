/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/**
 * Memory that moves to other nodes beside other runs, little by little, as the daemon does it: taken out of a
 * plan, and in the journal a run of its own, which stays begun until the memory has arrived. That may take
 * long, and the journal isn't open all that time. What was cut short, by a kill or for another reason, is the
 * same run when it goes on: one rollback takes back all that has moved.
 */

/** Takes the steps that move pages out of @plan. KtJournalStep, owned. */
GPtrArray *kt_page_journeys_take(KtPlan *plan, const KtTarget *target);

/** Where a journey goes: OS numbers of nodes. Errors: parse, invalid. */
KtCpuset *kt_page_journey_nodes(const KtJournalStep *step, GError **error);

/**
 * Records @step as begun, in a run of the daemon's that has nothing else in it. Where the newest that moved
 * this guest's memory was to bring it to the same place and didn't come to its end, that goes on: @step gets
 * its run, and where the memory was before it. Errors: io.
 */
bool kt_page_journey_begin(KtJournal *journal, const char *profile, KtJournalStep *step, GError **error);

/** Whether some journey is recorded as begun: no daemon is at work, so it was killed. */
bool kt_page_journey_was_killed(KtJournal *journal, bool *ret_was, GError **error);

/** Records of all that a kill left begun that they have ended: what is still wanted goes on. Errors: io. */
bool kt_page_journeys_end_killed(KtJournal *journal, GError **error);

/** Whether something that was begun since moves the same guest's pages: a rollback of @step, or an `apply`.
 */
bool
kt_page_journey_is_overtaken(KtJournal *journal, const KtJournalStep *step, bool *ret_is, GError **error);

/** Records that @step has ended, and how; not where it was rolled back. @to_undo: memory was moved since
 * kt_page_journey_begin(). Errors: io. */
bool kt_page_journey_end(KtJournal *journal, KtJournalStep *step, KtResult result, bool to_undo,
                         const char *detail, GError **error);
