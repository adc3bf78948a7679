/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "agent/exec/executor.h"
#include "agent/exec/journal_prune.h"
#include "agent/view/ink.h"
#include "tuners/plan.h"

/**
 * What people read, and JSON: plans, reports, history. Names from guests are shown with control characters
 * escaped. All JSON texts are owned and end with a newline.
 */

/** The plan as a good diff: by host and domain, old → new, when, why; refusals with the way out; cost. */
void kt_view_plan(GString *out, const KtStyle *style, const KtPlan *plan, const char *profile);

/** The plan as the JSON contract has it (design section 7). */
char *kt_view_plan_json(const KtPlan *plan);

/** `verify`: each setting that isn't as the profile wants, with both values; pending power cycles apart. */
void kt_view_drift(GString *out, const KtStyle *style, const KtPlan *plan, const char *profile);
/** plan's JSON with "drift" and "pending". */
char *kt_view_drift_json(const KtPlan *plan);

/** "3 changes now, 2 for the next boot" of a plan's actions. Owned. */
char *kt_view_counts(const KtPlan *plan);

/** Summary after apply (with its @plan) or rollback (NULL): what was done, what not and why, what is pending,
 * how to undo. */
void kt_view_report(GString *out, const KtStyle *style, const KtReport *report, const KtPlan *plan);
/** plan's JSON with "run" and a "result" an action; without @plan only the run and the actions of its steps.
 * @report NULL: nothing was to be done, run null. */
char *kt_view_report_json(const KtReport *report, const KtPlan *plan);

/** What rollback would do, from kt_undo_steps(). */
void kt_view_undo(GString *out, const KtStyle *style, GPtrArray *steps);

/** `history`: all runs, newest first; or one with its steps. */
void kt_view_runs(GString *out, const KtStyle *style, GPtrArray *runs, const KtPruned *pruned);
void kt_view_run(GString *out, const KtStyle *style, const KtJournalRun *run);
char *kt_view_runs_json(GPtrArray *runs, const KtPruned *pruned);
char *kt_view_run_json(const KtJournalRun *run);

/** "done", "undone", "unfinished": the state of a run in one word. */
const char *kt_view_run_state(const KtJournalRun *run);

/**
 * What an unfinished run left, one line: NULL where it left nothing. @locked: the lock is ours, so it isn't
 * one that is at work right now. Owned.
 */
char *kt_view_unfinished(const KtJournalRun *run, bool locked);
