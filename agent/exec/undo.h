/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/** Undoes @run (with its steps), whose step number @failed_seq has just failed (0: before it was begun): what
 * that one left goes back, whatever it is. @only_domain: only what the run did with the domain with this
 * UUID; NULL = all. As kt_undo() else. */
KtReport *kt_undo_failed_run(const KtTarget *target, KtJournal *journal, const KtJournalRun *run,
                             guint failed_seq, const char *only_domain, GError **error);

/**
 * Undoes the steps of @outcomes (KtOutcome) with to_undo, in reverse, without a journal: it can no longer be
 * written. That is safe, since the journal says already how to undo them, and a rollback finds what is
 * undone. Gives whether all went well.
 */
bool kt_undo_unrecorded(const KtTarget *target, GPtrArray *outcomes);
