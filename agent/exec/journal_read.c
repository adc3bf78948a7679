/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_database.h"
#include "agent/exec/journal_prune.h"
#include "agent/exec/journal_records.h"
#include "base/error.h"

/** A text that is only told: a row that lacks it can still be undone. */
static char *
told_text(sqlite3_stmt *row, int column)
{
    char *text = kt_statement_text(row, column);
    return text ? text : g_strdup("");
}

static gpointer
read_action(sqlite3_stmt *row)
{
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->id = sqlite3_column_int64(row, 0);
    action->setting = kt_statement_text(row, 1);
    action->item = kt_statement_text(row, 2);
    action->from = kt_statement_text(row, 3);
    action->to = kt_statement_text(row, 4);
    action->when = told_text(row, 5);
    action->risk = told_text(row, 6);
    action->reason = told_text(row, 7);
    action->source = told_text(row, 8);
    action->field = sqlite3_column_int64(row, 9);
    return action;
}

static bool
read_actions(KtJournal *journal, KtJournalStep *step, GError **error)
{
    static const char sql[] =
        "SELECT id, setting, item, from_value, to_value, takes_effect, risk, reason, source, field FROM "
        "actions WHERE run = ? AND seq = ? ORDER BY position";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "ii", step->run, (gint64)step->seq);
    return kt_statement_rows(journal, statement, read_action, step->actions, error);
}

static KtJournalStep *
read_step(KtJournal *journal, sqlite3_stmt *row, GError **error)
{
    const char *kind_name = (const char *)sqlite3_column_text(row, 2);
    const char *result_name = (const char *)sqlite3_column_text(row, 11);
    KtStepKind kind;
    KtResult result;
    if (!kt_step_kind_from_name(kind_name, &kind) || !kt_result_from_name(result_name, &result)) {
        g_set_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED,
                    "%s: run %" G_GINT64_FORMAT
                    " has a step '%s' with result '%s' that this kvm-tune doesn't know",
                    journal->path, (gint64)sqlite3_column_int64(row, 0), kind_name ? kind_name : "",
                    result_name ? result_name : "");
        return NULL;
    }
    KtJournalStep *step = kt_journal_step_new(kind);
    step->run = sqlite3_column_int64(row, 0);
    step->seq = sqlite3_column_int64(row, 1);
    step->domain_name = kt_statement_text(row, 3);
    step->domain_uuid = kt_statement_text(row, 4);
    step->process = kt_statement_text(row, 5);
    step->hypervisor = kt_statement_text(row, 6);
    step->path = kt_statement_text(row, 7);
    step->before = kt_statement_text(row, 8);
    step->target = kt_statement_text(row, 9);
    step->after = kt_statement_text(row, 10);
    step->result = result;
    step->to_undo = sqlite3_column_int(row, 12) != 0;
    step->detail = kt_statement_text(row, 13);
    step->undoes_run = sqlite3_column_int64(row, 14);
    step->undoes_seq = sqlite3_column_int64(row, 15);
    step->half_done = sqlite3_column_int(row, 16) != 0;
    return step;
}

static bool
read_steps(KtJournal *journal, KtJournalRun *run, GError **error)
{
    static const char sql[] =
        "SELECT run, seq, kind, domain_name, domain_uuid, process, hypervisor, path, before, target, after, "
        "result, to_undo, detail, undoes_run, undoes_seq, result <> 'done' OR EXISTS (SELECT 1 FROM steps AS undo "
        "WHERE undo.undoes_run = steps.run AND undo.undoes_seq = steps.seq AND undo.result IN ('begun', 'failed')) "
        "FROM steps WHERE run = ? ORDER BY seq";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "i", run->id);
    bool row = statement != NULL;
    run->steps = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    while (row) {
        if (!kt_statement_next(journal, statement, &row, error))
            return false;
        if (!row)
            return true;
        g_autoptr(KtJournalStep) step = read_step(journal, statement, error);
        if (!step || !read_actions(journal, step, error) || !kt_journal_read_part(journal, step, error))
            return false;
        g_ptr_array_add(run->steps, g_steal_pointer(&step));
    }
    return false;
}

#define RUN_COLUMNS                                                                                          \
    "SELECT id, verb, profile, started_usec, finished_usec,"                                                 \
    " (SELECT COUNT(*) FROM actions WHERE run = runs.id),"                                                   \
    " (SELECT COUNT(*) FROM steps WHERE to_undo AND (run = runs.id OR (runs.finished_usec = 0 AND run IN"    \
    "  (SELECT undoes_run FROM steps AS undo WHERE undo.run = runs.id)))),"                                  \
    " EXISTS (SELECT 1 FROM steps WHERE undoes_run = runs.id),"                                              \
    " EXISTS (SELECT 1 FROM steps WHERE run = runs.id AND result = 'done'),"                                 \
    " EXISTS (SELECT 1 FROM steps WHERE run = runs.id AND result = 'begun' AND to_undo) FROM runs "

static gpointer
read_run(sqlite3_stmt *row)
{
    KtJournalRun *run = g_new0(KtJournalRun, 1);
    run->id = sqlite3_column_int64(row, 0);
    run->verb = kt_statement_text(row, 1);
    run->profile = kt_statement_text(row, 2);
    run->started_usec = sqlite3_column_int64(row, 3);
    run->finished_usec = sqlite3_column_int64(row, 4);
    run->n_actions = sqlite3_column_int64(row, 5);
    run->n_to_undo = sqlite3_column_int64(row, 6);
    run->undone = run->n_to_undo == 0 && sqlite3_column_int(row, 7);
    run->has_done = sqlite3_column_int(row, 8) != 0;
    run->is_under_way = sqlite3_column_int(row, 9) != 0;
    return run;
}

/** The runs that a statement gives. */
static GPtrArray *
read_runs(KtJournal *journal, sqlite3_stmt *statement, GError **error)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_run_free);
    return kt_statement_rows(journal, statement, read_run, runs, error) ? g_steal_pointer(&runs) : NULL;
}

static bool
read_steps_of_all(KtJournal *journal, GPtrArray *runs, GError **error)
{
    for (guint i = 0; i < runs->len; i++)
        if (!read_steps(journal, g_ptr_array_index(runs, i), error))
            return false;
    return true;
}

/** The runs that @sql (with one number, @parameter) gives, with steps; all of one moment. */
static GPtrArray *
read_whole_runs(KtJournal *journal, const char *sql, gint64 parameter, GError **error)
{
    if (!kt_database_exec(journal, "BEGIN", error))
        return NULL;
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "i", parameter);
    g_autoptr(GPtrArray) runs = read_runs(journal, statement, error);
    bool ok = runs && read_steps_of_all(journal, runs, error);
    return kt_database_end(journal, ok, error) ? g_steal_pointer(&runs) : NULL;
}

GPtrArray *
kt_journal_runs(KtJournal *journal, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, RUN_COLUMNS "ORDER BY id DESC", "");
    return read_runs(journal, statement, error);
}

KtJournalRun *
kt_journal_run(KtJournal *journal, gint64 id, GError **error)
{
    g_autoptr(GPtrArray) runs = read_whole_runs(journal, RUN_COLUMNS "WHERE id = ?", id, error);
    if (!runs)
        return NULL;
    if (runs->len > 0)
        return g_ptr_array_steal_index(runs, 0);
    KtPruned pruned;
    if (kt_journal_pruned(journal, &pruned, error))
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "there is no run %" G_GINT64_FORMAT "%s in %s", id,
                    id > 0 && id <= pruned.upto ? " any more: it was pruned" : "", journal->path);
    return NULL;
}

GPtrArray *
kt_journal_undoable(KtJournal *journal, GError **error)
{
    static const char sql[] =
        RUN_COLUMNS "WHERE id >= ? AND EXISTS (SELECT 1 FROM steps WHERE run = runs.id AND to_undo) ORDER "
                    "BY id DESC";
    return read_whole_runs(journal, sql, 0, error);
}
