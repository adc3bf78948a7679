/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/**
 * Memory that moves to other nodes beside other runs, little by little, as the daemon does it: taken out of a
 * plan, and in the journal a run of its own, which stays begun until the memory has arrived. That may take
 * long, and the journal isn't open all that time. A rollback takes back what has moved.
 */

/** Takes the steps that move pages out of @plan. KtJournalStep, owned. */
GPtrArray *kt_page_journeys_take(KtPlan *plan, const KtTarget *target);

/** Where a journey goes: OS numbers of nodes. Errors: parse, invalid. */
KtCpuset *kt_page_journey_nodes(const KtJournalStep *step, GError **error);

/** Records @step as begun, in a run of the daemon's that has nothing else in it. Errors: io. */
bool kt_page_journey_begin(KtJournal *journal, const char *profile, KtJournalStep *step, GError **error);

/** Whether something that was begun since moves the same guest's pages: a rollback of @step, or an `apply`.
 */
bool
kt_page_journey_is_overtaken(KtJournal *journal, const KtJournalStep *step, bool *ret_is, GError **error);

/** Records that @step has ended, and how; not where it was rolled back. @to_undo: memory was moved. Errors:
 * io. */
bool kt_page_journey_end(KtJournal *journal, KtJournalStep *step, KtResult result, bool to_undo,
                         const char *detail, GError **error);
