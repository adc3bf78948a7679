/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/**
 * Values of files that a part of kvm-tune keeps changing, with one undo for all changes: the journal has a
 * single step a file, with the value from before it was first touched. Each new value is durable before it is
 * written, and the one before it until it has been: whenever that is stopped, rollback knows the value for
 * ours.
 */

/** A step for the file at @path, that holds @present, as part of @setting. Its target is @present too. */
KtJournalStep *kt_moving_step(const char *path, const char *present, const char *setting, const char *item,
                              const char *reason);

/** Records @steps (of kt_moving_step(), in the order in which they may be written) as a run of @verb that is
 * done: from now on these values are moved. Nothing is written. */
bool
kt_moving_begin(KtJournal *journal, const char *verb, const char *profile, GPtrArray *steps, GError **error);

/** The newest run of @verb, if it was begun after @since_usec (wall clock), every step of it is still to be
 * undone, and no later run has changed its files; else *@ret_run is NULL. */
bool kt_moving_find(KtJournal *journal, const char *verb, gint64 since_usec, KtJournalRun **ret_run,
                    GError **error);

/** A new value for the file of a step. */
typedef struct {
    KtJournalStep *step;
    const char *value;
} KtMove;

/**
 * Writes the values of @moves in their order, and reads them back; what each step's target is then is its new
 * value. Errors: conflict (a rollback has undone a step meanwhile: nothing was written), io, access (a file
 * took another value, or none: what was written before it stays).
 */
bool
kt_moving_write(const KtRoot *root, KtJournal *journal, const KtMove *moves, guint n_moves, GError **error);

/** Whether @present is a value that was moved there: the step's target, or what was on its way. */
bool kt_moving_is_ours(const KtJournalStep *step, const char *present);
