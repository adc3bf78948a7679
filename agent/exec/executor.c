/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/executor.h"

#include "agent/exec/report.h"
#include "agent/exec/step.h"
#include "agent/exec/undo.h"
#include "base/error.h"

/** A run under way. */
typedef struct {
    const KtTarget *target;
    KtJournal *journal;
    KtReport *report;
    GHashTable *unsettled; /* UUIDs of domains of which a step wasn't done: what follows depends on it */
    guint failed_seq;      /* the step that failed, 0 = none */
} Run;

/** A step that won't be begun: with its result, and why. */
static bool
leave(Run *run, KtOutcome *outcome, KtResult result, const char *message, GError **error)
{
    KtJournalStep *step = outcome->step;
    step->result = result;
    step->detail = g_strdup(message);
    outcome->message = g_strdup(message);
    return kt_journal_add_step(run->journal, run->report->run, step, NULL, error);
}

/** As leave(), and what depends on it is left too. */
static bool
leave_unsettled(Run *run, KtOutcome *outcome, KtResult result, const char *message, GError **error)
{
    run->report->partial = true;
    if (outcome->step->domain_uuid)
        g_hash_table_add(run->unsettled, outcome->step->domain_uuid);
    return leave(run, outcome, result, message, error);
}

/** Whether what the step addresses disappeared while it was done: then there is nothing to put back. */
static bool
has_gone(const Run *run, const KtJournalStep *step)
{
    /* The inverse, since a check fills in what it finds. */
    g_autoptr(KtJournalStep) probe = kt_step_inverse(step);
    g_autofree char *found = NULL;
    KtStepState state;
    return kt_step_ops(step->kind)->check(run->target, probe, &state, &found, NULL) &&
           state == KT_STEP_IS_GONE;
}

/** Ends a step that was begun and went wrong. */
static bool
end_badly(Run *run, KtOutcome *outcome, const GError *failure, GError **error)
{
    KtJournalStep *step = outcome->step;
    bool untouched = g_error_matches(failure, KT_ERROR, KT_ERROR_CONFLICT) || has_gone(run, step);
    step->result = untouched ? KT_RESULT_CONFLICT : KT_RESULT_FAILED;
    step->to_undo = !untouched;
    step->detail = g_strdup(failure->message);
    outcome->message = g_strdup(failure->message);
    if (untouched) {
        run->report->partial = true;
        if (step->domain_uuid)
            g_hash_table_add(run->unsettled, step->domain_uuid);
    } else {
        run->report->failed = true;
        run->report->failure = g_strdup(failure->message);
        run->failed_seq = step->seq;
    }
    return kt_journal_end_step(run->journal, step, NULL, error);
}

/** Records a step that can be done, does it, and records how it went. */
static bool
carry_out(Run *run, KtOutcome *outcome, GError **error)
{
    KtJournalStep *step = outcome->step;
    const KtStepOps *ops = kt_step_ops(step->kind);
    g_autoptr(GError) failure = NULL;
    if (!kt_journal_begin_step(run->journal, run->report->run, step, error)) {
        step->to_undo = false;
        return false;
    }
    if (!ops->perform(run->target, step, &failure) || !ops->read_back(run->target, step, &failure))
        return end_badly(run, outcome, failure, error);
    step->result = KT_RESULT_DONE;
    return kt_journal_end_step(run->journal, step, NULL, error);
}

/** Checks one step and does what the check allows. False only where the journal fails. */
static bool
run_step(Run *run, KtOutcome *outcome, GError **error)
{
    KtJournalStep *step = outcome->step;
    g_autoptr(GError) failure = NULL;
    g_autofree char *found = NULL;
    KtStepState state;

    if (run->report->failed)
        return leave(run, outcome, KT_RESULT_SKIPPED, "not begun: another step had failed", error);
    if (step->domain_uuid && g_hash_table_contains(run->unsettled, step->domain_uuid))
        return leave_unsettled(run, outcome, KT_RESULT_SKIPPED,
                               "depends on an earlier change of this domain, which was not made", error);
    if (!kt_step_ops(step->kind)->check(run->target, step, &state, &found, &failure)) {
        run->report->failed = true;
        run->report->failure = g_strdup(failure->message);
        return leave(run, outcome, KT_RESULT_FAILED, failure->message, error);
    }
    if (state == KT_STEP_IS_BEFORE)
        return carry_out(run, outcome, error);
    if (state == KT_STEP_IS_AFTER)
        return leave(run, outcome, KT_RESULT_SKIPPED, "is so already: somebody else set it", error);
    return leave_unsettled(run, outcome, KT_RESULT_CONFLICT, found, error);
}

/** Takes over what the undo made of the steps of this run, and why some of them are left. */
static void
adopt_undo(Run *run, const KtJournalRun *after, const KtReport *undo)
{
    for (guint i = 0; i < run->report->outcomes->len; i++) {
        KtOutcome *outcome = g_ptr_array_index(run->report->outcomes, i);
        for (guint k = 0; k < after->steps->len; k++) {
            const KtJournalStep *step = g_ptr_array_index(after->steps, k);
            if (step->seq == outcome->step->seq) {
                outcome->step->result = step->result;
                outcome->step->to_undo = step->to_undo;
            }
        }
        for (guint k = 0; k < undo->outcomes->len; k++) {
            const KtOutcome *undone = g_ptr_array_index(undo->outcomes, k);
            if (outcome->step->to_undo && undone->step->undoes_seq == outcome->step->seq) {
                g_autofree char *before = outcome->message;
                outcome->message = g_strdup_printf("%s%scould not be undone: %s", before ? before : "",
                                                   before ? "; " : "", undone->message);
            }
        }
    }
}

/** After a failure: undoes what this run did. */
static bool
undo_all(Run *run, GError **error)
{
    g_autoptr(KtJournalRun) before = kt_journal_run(run->journal, run->report->run, error);
    if (!before)
        return false;
    g_autoptr(KtReport) undo = kt_undo_failed_run(run->target, run->journal, before, run->failed_seq, error);
    if (!undo)
        return false;
    g_autoptr(KtJournalRun) after = kt_journal_run(run->journal, run->report->run, error);
    if (!after)
        return false;
    adopt_undo(run, after, undo);
    run->report->partial = undo->partial;
    return true;
}

static void
count_done(KtReport *report)
{
    report->n_done = 0;
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtOutcome *outcome = g_ptr_array_index(report->outcomes, i);
        if (outcome->step->result == KT_RESULT_DONE)
            report->n_done += outcome->step->actions->len;
    }
}

/** All steps in order; a failure undoes those before it at once. */
static bool
run_steps(Run *run, const KtPlan *plan, KtProgress progress, gpointer user_data, GError **error)
{
    for (guint i = 0; i < plan->steps->len; i++) {
        KtJournalStep *step = kt_step_from_plan(plan, g_ptr_array_index(plan->steps, i), run->target);
        KtOutcome *outcome = kt_report_add(run->report, step, NULL);
        bool failed_before = run->report->failed;
        if (progress && !failed_before)
            progress(step, i + 1, plan->steps->len, user_data);
        if (!run_step(run, outcome, error) ||
            (run->report->failed && !failed_before && !undo_all(run, error)))
            return false;
    }
    count_done(run->report);
    return true;
}

/** The journal can't be written: what was done is put back without it. */
static void
give_up(const Run *run, GError **error)
{
    if (kt_undo_unrecorded(run->target, run->report->outcomes))
        g_prefix_error(error, "what this run had done was undone: ");
    else
        g_prefix_error(error, "what run %" G_GINT64_FORMAT " had done is left for 'kvm-tune rollback': ",
                       run->report->run);
}

KtReport *
kt_execute(const KtTarget *target, KtJournal *journal, const KtPlan *plan, const char *profile,
           KtProgress progress, gpointer user_data, GError **error)
{
    g_autoptr(KtReport) report = kt_report_new();
    g_autoptr(GHashTable) unsettled = g_hash_table_new(g_str_hash, g_str_equal);
    Run run = {.target = target, .journal = journal, .report = report, .unsettled = unsettled};

    if (plan->steps->len == 0)
        return g_steal_pointer(&report);
    if (!kt_journal_begin_run(journal, "apply", profile, g_get_real_time(), &report->run, error))
        return NULL;
    if (!run_steps(&run, plan, progress, user_data, error)) {
        give_up(&run, error);
        return NULL;
    }
    if (!kt_journal_end_run(journal, report->run, g_get_real_time(), error)) {
        g_prefix_error(error, "all was done, but that could not be recorded: ");
        return NULL;
    }
    return g_steal_pointer(&report);
}
