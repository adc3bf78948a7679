/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/executor.h"

#include "agent/exec/report.h"
#include "agent/exec/signal_hold.h"
#include "agent/exec/step.h"
#include "agent/exec/undo.h"
#include "base/error.h"

/** A run under way. */
typedef struct {
    const KtTarget *target;
    KtJournal *journal;
    KtReport *report;
    GHashTable *unsettled; /* UUIDs of domains of which a step wasn't done: what follows depends on it */
    bool lacks_pages;      /* so a step of a pool: who counts on its pages would not start */
    bool to_undo;          /* a step has just failed: what it means is to be undone at once */
    guint failed_seq;      /* that step, 0 = it was not begun */
    const char
        *failed_domain; /* UUID of its domain where only what was done with that is undone; NULL = all */
    bool spares_guests; /* a guest was not well after it was disturbed: no other is */
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

static bool
sizes_pool(const KtJournalStep *step)
{
    const KtJournalAction *first = step->actions->len > 0 ? step->actions->pdata[0] : NULL;
    return !step->domain_uuid && first && g_str_has_prefix(first->setting, "hugepages.");
}

/** Whether a guest is to have huge pages by it. */
static bool
wants_pages(const KtJournalStep *step)
{
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = step->actions->pdata[i];
        if (step->domain_uuid && action->field == KT_XML_HUGEPAGES && action->to)
            return true;
    }
    return false;
}

/** A step that is not done, or not wholly: what depends on it is left. */
static void
unsettle(Run *run, const KtJournalStep *step)
{
    run->report->partial = true;
    run->lacks_pages = run->lacks_pages || sizes_pool(step);
    if (step->domain_uuid)
        g_hash_table_add(run->unsettled, step->domain_uuid);
}

/** As leave(), and what depends on it is left too. */
static bool
leave_unsettled(Run *run, KtOutcome *outcome, KtResult result, const char *message, GError **error)
{
    unsettle(run, outcome->step);
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

/** What a step that failed means for the rest. */
static void
take_failure(Run *run, const KtJournalStep *step, const char *message)
{
    bool disturbs = kt_step_ops(step->kind)->disturbs;
    if (!run->report->failure)
        run->report->failure = g_strdup(message);
    run->to_undo = !disturbs || step->seq > 0;
    run->failed_seq = step->seq;
    run->failed_domain = disturbs ? step->domain_uuid : NULL;
    if (disturbs) {
        run->spares_guests = true;
        unsettle(run, step);
    } else {
        run->report->failed = true;
    }
}

/** Ends a step that was begun and went wrong. */
static bool
end_badly(Run *run, KtOutcome *outcome, const GError *failure, GError **error)
{
    KtJournalStep *step = outcome->step;
    /* A guest that is gone after it was disturbed has not gone by itself. */
    bool untouched = g_error_matches(failure, KT_ERROR, KT_ERROR_CONFLICT) ||
                     (!kt_step_ops(step->kind)->disturbs && has_gone(run, step));
    step->result = untouched ? KT_RESULT_CONFLICT : KT_RESULT_FAILED;
    step->to_undo = !untouched;
    step->detail = g_strdup(failure->message);
    outcome->message = g_strdup(failure->message);
    if (untouched)
        unsettle(run, step);
    else
        take_failure(run, step, failure->message);
    return kt_journal_end_step(run->journal, step, NULL, error);
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

/** After a failure: undoes what this run did; after that of a step that disturbs a guest, only what it did
 * with that guest: what it was to run with isn't left staged. */
static bool
undo_failure(Run *run, GError **error)
{
    g_autoptr(KtJournalRun) before = kt_journal_run(run->journal, run->report->run, error);
    if (!before)
        return false;
    g_autoptr(KtReport) undo = kt_undo_failed_run(run->target, run->journal, before, run->failed_seq,
                                                  run->report->failed ? NULL : run->failed_domain, error);
    if (!undo)
        return false;
    g_autoptr(KtJournalRun) after = kt_journal_run(run->journal, run->report->run, error);
    if (!after)
        return false;
    adopt_undo(run, after, undo);
    run->report->partial = undo->partial || !run->report->failed;
    run->to_undo = false;
    return true;
}

/** A step that can be done, with others at the same time. */
typedef struct {
    const KtTarget *target;
    KtOutcome *outcome;
    bool done;
    GError *failure;
} Work;

static void
work_clear(gpointer data)
{
    g_clear_error(&((Work *)data)->failure);
}

/** Checks one step; one that can be done becomes work. False only where the journal fails. */
static bool
prepare(Run *run, KtOutcome *outcome, GArray *works, GError **error)
{
    KtJournalStep *step = outcome->step;
    g_autoptr(GError) failure = NULL;
    g_autofree char *found = NULL;
    KtStepState state;

    if (run->report->failed)
        return leave(run, outcome, KT_RESULT_SKIPPED, "not begun: another step had failed", error);
    if (g_cancellable_is_cancelled(run->target->stop))
        return leave_unsettled(
            run, outcome, KT_RESULT_SKIPPED,
            run->target->why_stop ? run->target->why_stop : "not begun: kvm-tune was told to end", error);
    if (step->domain_uuid && g_hash_table_contains(run->unsettled, step->domain_uuid))
        return leave_unsettled(run, outcome, KT_RESULT_SKIPPED,
                               "depends on an earlier change of this domain, which was not made", error);
    if (run->lacks_pages && wants_pages(step))
        return leave_unsettled(run, outcome, KT_RESULT_SKIPPED,
                               "not begun: a pool of huge pages isn't what it was to be", error);
    if (run->spares_guests && kt_step_ops(step->kind)->disturbs)
        return leave_unsettled(run, outcome, KT_RESULT_SKIPPED,
                               "not begun: another guest was not well after it was disturbed", error);
    if (!kt_step_ops(step->kind)->check(run->target, step, &state, &found, &failure)) {
        take_failure(run, step, failure->message);
        return leave(run, outcome, KT_RESULT_FAILED, failure->message, error);
    }
    if (state == KT_STEP_IS_AFTER)
        return leave(run, outcome, KT_RESULT_SKIPPED, "is so already: somebody else set it", error);
    if (state != KT_STEP_IS_BEFORE)
        return leave_unsettled(run, outcome, KT_RESULT_CONFLICT, found, error);
    Work work = {.target = run->target, .outcome = outcome};
    g_array_append_val(works, work);
    return true;
}

/** Records the works as begun. Those after one that can't be recorded aren't. */
static bool
begin(Run *run, GArray *works, GError **error)
{
    for (guint i = 0; i < works->len; i++) {
        KtJournalStep *step = g_array_index(works, Work, i).outcome->step;
        if (!kt_journal_begin_step(run->journal, run->report->run, step, error)) {
            step->to_undo = false;
            return false;
        }
    }
    return true;
}

static gpointer
perform(gpointer data)
{
    Work *work = data;
    const KtStepOps *ops = kt_step_ops(work->outcome->step->kind);
    work->done = ops->perform(work->target, work->outcome->step, &work->failure) &&
                 ops->read_back(work->target, work->outcome->step, &work->failure);
    return NULL;
}

/** All at the same time; one alone in this thread. */
static void
perform_all(GArray *works)
{
    if (works->len == 1) {
        perform(&g_array_index(works, Work, 0));
        return;
    }
    /* A signal is for any thread that takes it: this one must not while guests are away. */
    g_autoptr(KtSignalHold) signals = kt_signal_hold();
    g_autofree GThread **threads = g_new0(GThread *, works->len + 1);
    for (guint i = 0; i < works->len; i++)
        threads[i] = g_thread_new("step", perform, &g_array_index(works, Work, i));
    for (guint i = 0; i < works->len; i++)
        g_thread_join(threads[i]);
    g_clear_pointer(&signals, kt_signal_release);
}

/** Records how a step went; one that failed is undone at once. */
static bool
finish(Run *run, const Work *work, GError **error)
{
    if (!work->done)
        return end_badly(run, work->outcome, work->failure, error) &&
               (!run->to_undo || undo_failure(run, error));
    work->outcome->step->result = KT_RESULT_DONE;
    return kt_journal_end_step(run->journal, work->outcome->step, NULL, error);
}

/** Checks steps that may be done at the same time, and does what the check allows. False only where the
 * journal fails. */
static bool
run_together(Run *run, const GPtrArray *outcomes, GError **error)
{
    g_autoptr(GArray) works = g_array_new(FALSE, TRUE, sizeof(Work));
    g_array_set_clear_func(works, work_clear);
    for (guint i = 0; i < outcomes->len; i++)
        if (!prepare(run, g_ptr_array_index(outcomes, i), works, error) ||
            (run->to_undo && !undo_failure(run, error)))
            return false;
    if (!begin(run, works, error))
        return false;
    perform_all(works);
    for (guint i = 0; i < works->len; i++)
        if (!finish(run, &g_array_index(works, Work, i), error))
            return false;
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

/** How many of the plan's steps from @first on are done at the same time: restarts of guests that may be away
 * together. */
static guint
count_together(const KtPlan *plan, guint first)
{
    guint n = 1;
    while (n < plan->restart_parallel && first + n < plan->steps->len &&
           ((const KtStep *)g_ptr_array_index(plan->steps, first))->kind == KT_STEP_RESTART &&
           ((const KtStep *)g_ptr_array_index(plan->steps, first + n))->kind == KT_STEP_RESTART)
        n++;
    return n;
}

/** All steps in order; a failure undoes those before it at once. */
static bool
run_steps(Run *run, const KtPlan *plan, KtProgress progress, gpointer user_data, GError **error)
{
    for (guint i = 0, n; i < plan->steps->len; i += n) {
        g_autoptr(GPtrArray) outcomes = g_ptr_array_new();
        n = count_together(plan, i);
        for (guint k = i; k < i + n; k++) {
            KtJournalStep *step = kt_step_from_plan(plan, g_ptr_array_index(plan->steps, k), run->target);
            g_ptr_array_add(outcomes, kt_report_add(run->report, step, NULL));
            if (progress && !run->report->failed)
                progress(step, k + 1, plan->steps->len, user_data);
        }
        if (!run_together(run, outcomes, error))
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
    const char *verb = target->verb ? target->verb : "apply";
    if (!kt_journal_begin_run(journal, verb, profile, g_get_real_time(), &report->run, error))
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
