/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/undo.h"

#include "agent/exec/report.h"
#include "agent/exec/step.h"
#include "base/error.h"

/** An undo under way. */
typedef struct {
    const KtTarget *target;
    KtJournal *journal; /* NULL: nothing is recorded */
    KtReport *report;
    guint failed_seq;        /* the step of the only run that has just failed, 0 = none */
    const char *only_domain; /* steps of the domain with this UUID, and of no other; NULL = of all */
    KtProgress progress;
    gpointer user_data;
    guint index, total; /* for progress */
} Undo;

/** Begins a step that will be done. */
static bool
begin(Undo *undo, KtJournalStep *step, GError **error)
{
    return !undo->journal || kt_journal_begin_step(undo->journal, undo->report->run, step, error);
}

static guint
count_undone(const KtJournalStep *step)
{
    guint n = 0;
    for (guint i = 0; i < step->actions->len; i++)
        n += !kt_journal_action_was_left(g_ptr_array_index(step->actions, i));
    return n;
}

/** Sets how @step, the inverse of @older, ended, and records it: one that was begun (seq is set) ends, any
 * other is added. Only with UNDONE has @older nothing left to undo. */
static bool
settle(Undo *undo, KtJournalStep *step, const KtJournalStep *older, KtResult result, const char *message,
       GError **error)
{
    const KtJournalStep *undoes = result == KT_RESULT_UNDONE ? older : NULL;
    step->result = result;
    g_free(step->detail);
    step->detail = g_strdup(message);
    kt_report_add(undo->report, step, message);
    if (result == KT_RESULT_UNDONE)
        undo->report->n_done += count_undone(step);
    else
        undo->report->partial = true;
    if (result == KT_RESULT_FAILED && !undo->report->failure)
        undo->report->failure = g_strdup(message);
    if (!undo->journal)
        return true;
    if (step->seq > 0)
        return kt_journal_end_step(undo->journal, step, undoes, error);
    return kt_journal_add_step(undo->journal, undo->report->run, step, undoes, error);
}

static bool
has_work(const KtJournalStep *step)
{
    for (guint i = 0; i < step->actions->len; i++)
        if (kt_step_performs(g_ptr_array_index(step->actions, i)))
            return true;
    return step->unfinished;
}

/** Does a step that has something to put back; @found says what somebody else changed, NULL = nothing. */
static bool
put_back(Undo *undo, KtJournalStep *step, const KtJournalStep *older, const char *found, GError **error)
{
    const KtStepOps *ops = kt_step_ops(step->kind);
    g_autoptr(GError) failure = NULL;
    if (!begin(undo, step, error)) {
        kt_journal_step_free(step);
        return false;
    }
    if (ops->perform(undo->target, step, &failure) && ops->read_back(undo->target, step, &failure))
        return settle(undo, step, older, found ? KT_RESULT_CONFLICT : KT_RESULT_UNDONE, found, error);
    bool conflict = g_error_matches(failure, KT_ERROR, KT_ERROR_CONFLICT);
    return settle(undo, step, older, conflict ? KT_RESULT_CONFLICT : KT_RESULT_FAILED, failure->message,
                  error);
}

/** Undoes one step. False only where the journal fails. */
static bool
undo_step(Undo *undo, const KtJournalStep *older, GError **error)
{
    KtJournalStep *step = kt_step_inverse(older);
    const KtStepOps *ops = kt_step_ops(step->kind);
    g_autoptr(GError) failure = NULL;
    g_autofree char *found = NULL;
    KtStepState state;

    step->forced = undo->failed_seq > 0 && older->seq == undo->failed_seq;
    if (undo->progress)
        undo->progress(step, ++undo->index, undo->total, undo->user_data);
    if (!ops->check(undo->target, step, &state, &found, &failure))
        return settle(undo, step, older, KT_RESULT_FAILED, failure->message, error);
    bool conflict = state == KT_STEP_IS_OTHER;
    if (has_work(step))
        return put_back(undo, step, older, conflict ? found : NULL, error);
    if (conflict)
        return settle(undo, step, older, KT_RESULT_CONFLICT, found, error);
    return settle(undo, step, older, KT_RESULT_UNDONE, found ? found : "is as it was before already", error);
}

/** Those of one run, newest first: its restarts, or all others. */
static void
add_steps(const KtJournalRun *run, bool restarts, const char *only, GPtrArray *steps)
{
    for (guint k = run->steps->len; k-- > 0;) {
        KtJournalStep *step = g_ptr_array_index(run->steps, k);
        if (step->to_undo && (step->kind == KT_STEP_RESTART) == restarts &&
            (!only || g_strcmp0(step->domain_uuid, only) == 0))
            g_ptr_array_add(steps, step);
    }
}

/** The steps of @runs that have something to undo, in the order of undoing; with @only just those of the
 * domain with that UUID. Borrowed. */
static GPtrArray *
steps_to_undo(GPtrArray *runs, const char *only)
{
    GPtrArray *steps = g_ptr_array_new();
    for (guint i = 0; i < runs->len; i++) {
        const KtJournalRun *run = g_ptr_array_index(runs, i);
        /* A guest that was left off is started once its definition is what it was. */
        add_steps(run, false, only, steps);
        add_steps(run, true, only, steps);
    }
    return steps;
}

/** A run of its own around undoing @runs; where nothing is to undo, none. */
static KtReport *
undo_runs(Undo *undo, GPtrArray *runs, GError **error)
{
    g_autoptr(KtReport) report = kt_report_new();
    g_autoptr(GPtrArray) steps = steps_to_undo(runs, undo->only_domain);
    undo->report = report;
    undo->total = steps->len;
    if (steps->len == 0)
        return g_steal_pointer(&report);
    if (!kt_journal_begin_run(undo->journal, "rollback", NULL, g_get_real_time(), &report->run, error))
        return NULL;
    for (guint i = 0; i < steps->len; i++)
        if (!undo_step(undo, g_ptr_array_index(steps, i), error)) {
            g_prefix_error(error, "the rollback stopped, it can be continued by another: ");
            return NULL;
        }
    if (!kt_journal_end_run(undo->journal, report->run, g_get_real_time(), error))
        return NULL;
    return g_steal_pointer(&report);
}

KtReport *
kt_undo(const KtTarget *target, KtJournal *journal, GPtrArray *runs, KtProgress progress, gpointer user_data,
        GError **error)
{
    Undo undo = {.target = target, .journal = journal, .progress = progress, .user_data = user_data};
    return undo_runs(&undo, runs, error);
}

KtReport *
kt_undo_failed_run(const KtTarget *target, KtJournal *journal, const KtJournalRun *run, guint failed_seq,
                   const char *only_domain, GError **error)
{
    Undo undo = {.target = target, .journal = journal, .failed_seq = failed_seq, .only_domain = only_domain};
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    g_ptr_array_add(runs, (gpointer)run);
    return undo_runs(&undo, runs, error);
}

bool
kt_undo_unrecorded(const KtTarget *target, GPtrArray *outcomes)
{
    g_autoptr(KtReport) report = kt_report_new();
    Undo undo = {.target = target, .report = report};
    for (guint i = outcomes->len; i-- > 0;) {
        const KtOutcome *outcome = g_ptr_array_index(outcomes, i);
        if (outcome->step->to_undo)
            undo_step(&undo, outcome->step, NULL);
    }
    return !report->partial;
}

GPtrArray *
kt_undo_steps(GPtrArray *runs)
{
    g_autoptr(GPtrArray) older = steps_to_undo(runs, NULL);
    GPtrArray *steps = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    for (guint i = 0; i < older->len; i++)
        g_ptr_array_add(steps, kt_step_inverse(g_ptr_array_index(older, i)));
    return steps;
}
