/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/moving.h"

#include "agent/exec/journal_database.h"
#include "base/error.h"

#define PART_MOVE "move"

KtJournalStep *
kt_moving_step(const char *path, const char *present, const char *setting, const char *item,
               const char *reason)
{
    KtJournalStep *step = kt_journal_step_new(KT_STEP_SYSFS);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->setting = g_strdup(setting);
    action->item = g_strdup(item);
    action->from = g_strdup(present);
    action->to = g_strdup(present);
    action->when = g_strdup(kt_when_name(KT_WHEN_NOW));
    action->risk = g_strdup(kt_risk_name(KT_RISK_LOW));
    action->reason = g_strdup(reason);
    action->source = g_strdup("");
    g_ptr_array_add(step->actions, action);
    step->path = g_strdup(path);
    step->before = g_strdup(present);
    step->target = g_strdup(present);
    return step;
}

static bool
record_as_done(KtJournal *journal, gint64 run, KtJournalStep *step, GError **error)
{
    step->result = KT_RESULT_DONE;
    step->to_undo = true;
    step->after = g_strdup(step->target);
    return kt_journal_add_step(journal, run, step, NULL, error);
}

bool
kt_moving_begin(KtJournal *journal, const char *verb, const char *profile, GPtrArray *steps, GError **error)
{
    gint64 run;
    if (!kt_journal_begin_run(journal, verb, profile, g_get_real_time(), &run, error))
        return false;
    for (guint i = 0; i < steps->len; i++)
        if (!record_as_done(journal, run, g_ptr_array_index(steps, i), error))
            return false;
    return kt_journal_end_run(journal, run, g_get_real_time(), error);
}

static bool
is_whole(const KtJournalRun *run)
{
    for (guint i = 0; i < run->steps->len; i++) {
        const KtJournalStep *step = g_ptr_array_index(run->steps, i);
        if (!step->to_undo || step->kind != KT_STEP_SYSFS || !step->path || !step->target ||
            step->actions->len != 1)
            return false;
    }
    return run->finished_usec != 0;
}

static void
add_paths(const KtJournalRun *run, GHashTable *paths)
{
    for (guint i = 0; i < run->steps->len; i++) {
        const KtJournalStep *step = g_ptr_array_index(run->steps, i);
        if (step->path)
            g_hash_table_add(paths, step->path);
    }
}

static bool
has_path_of(const KtJournalRun *run, GHashTable *paths)
{
    for (guint i = 0; i < run->steps->len; i++)
        if (g_hash_table_contains(paths, ((const KtJournalStep *)g_ptr_array_index(run->steps, i))->path))
            return true;
    return false;
}

bool
kt_moving_find(KtJournal *journal, const char *verb, gint64 since_usec, KtJournalRun **ret_run,
               GError **error)
{
    g_autoptr(GPtrArray) runs = kt_journal_undoable(journal, error);
    if (!runs)
        return false;
    g_autoptr(GHashTable) later = g_hash_table_new(g_str_hash, g_str_equal);
    *ret_run = NULL;
    for (guint i = 0; i < runs->len; i++) {
        const KtJournalRun *run = g_ptr_array_index(runs, i);
        if (g_strcmp0(run->verb, verb) == 0) {
            if (is_whole(run) && run->started_usec >= since_usec && !has_path_of(run, later))
                *ret_run = g_ptr_array_steal_index(runs, i);
            return true;
        }
        add_paths(run, later);
    }
    return true;
}

static bool
run_sql(KtJournal *journal, const char *sql, const KtJournalStep *step, const char *value, GError **error)
{
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "iis", step->run, (gint64)step->seq, value);
    return kt_statement_run(journal, statement, error);
}

/* The value that is on its way; only where the step is still to be undone. */
static bool
announce(KtJournal *journal, const KtMove *move, GError **error)
{
    static const char sql[] = "INSERT OR REPLACE INTO parts (run, seq, position, name, note, done) "
                              "SELECT run, seq, 0, '" PART_MOVE "', ?3, 0 FROM steps "
                              "WHERE run = ?1 AND seq = ?2 AND to_undo";
    if (!run_sql(journal, sql, move->step, move->value, error))
        return false;
    if (sqlite3_changes(journal->db) == 1)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "/%s: run %" G_GINT64_FORMAT " was rolled back",
                move->step->path, move->step->run);
    return false;
}

/* It has arrived. */
static bool
settle(KtJournal *journal, const KtMove *move, GError **error)
{
    static const char *const sql[] = {
        "UPDATE steps SET target = ?3, after = ?3 WHERE run = ?1 AND seq = ?2",
        "UPDATE actions SET to_value = ?3 WHERE run = ?1 AND seq = ?2",
        "UPDATE parts SET done = 1 WHERE run = ?1 AND seq = ?2 AND note IS ?3",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(sql); i++)
        if (!run_sql(journal, sql[i], move->step, move->value, error))
            return false;
    return true;
}

/** Records something of all @moves in one transaction. */
static bool
record(KtJournal *journal, const KtMove *moves, guint n_moves,
       bool (*one)(KtJournal *, const KtMove *, GError **), GError **error)
{
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = true;
    for (guint i = 0; i < n_moves && ok; i++)
        ok = one(journal, &moves[i], error);
    return kt_database_end(journal, ok, error);
}

static void
note_part(const KtMove *move, bool done)
{
    kt_journal_part_free(move->step->part);
    move->step->part = g_new0(KtJournalPart, 1);
    move->step->part->name = g_strdup(PART_MOVE);
    move->step->part->note = g_strdup(move->value);
    move->step->part->done = done;
}

static bool
write_value(const KtRoot *root, const KtMove *move, GError **error)
{
    g_autofree char *found = NULL;
    if (!kt_root_write(root, move->step->path, move->value, error) ||
        !kt_root_read_choice(root, move->step->path, &found, error))
        return false;
    if (g_strcmp0(found, move->value) == 0)
        return true;
    g_autofree char *path = kt_root_describe(root, move->step->path);
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: wanted '%s', found '%s'", path, move->value,
                found ? found : "nothing");
    return false;
}

bool
kt_moving_write(const KtRoot *root, KtJournal *journal, const KtMove *moves, guint n_moves, GError **error)
{
    if (!record(journal, moves, n_moves, announce, error))
        return false;
    for (guint i = 0; i < n_moves; i++)
        note_part(&moves[i], false);
    guint n_written = 0;
    while (n_written < n_moves && write_value(root, &moves[n_written], error))
        n_written++;
    bool written = n_written == n_moves;
    if (!record(journal, moves, n_written, settle, written ? error : NULL))
        return false;
    for (guint i = 0; i < n_written; i++) {
        note_part(&moves[i], true);
        g_free(moves[i].step->target);
        moves[i].step->target = g_strdup(moves[i].value);
    }
    return written;
}

bool
kt_moving_is_ours(const KtJournalStep *step, const char *present)
{
    return g_strcmp0(present, step->target) == 0 ||
           (step->part && !step->part->done && g_strcmp0(present, step->part->note) == 0);
}
