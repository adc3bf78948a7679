/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/manual.h"

#include "agent/exec/journal_database.h"

void
kt_manual_free(KtManual *manual)
{
    if (!manual)
        return;
    g_free(manual->domain_uuid);
    g_free(manual->domain_name);
    g_free(manual->setting);
    g_free(manual->item);
    g_free(manual->left);
    g_free(manual->found);
    g_free(manual->process);
    g_free(manual->defined);
    g_free(manual);
}

void
kt_left_free(KtLeft *left)
{
    if (!left)
        return;
    g_free(left->value);
    g_free(left->process);
    g_free(left);
}

/** The primary key has '' where there is none. */
static char *
text_or_none(sqlite3_stmt *row, int column)
{
    char *text = kt_statement_text(row, column);
    if (text && *text)
        return text;
    g_free(text);
    return NULL;
}

static gpointer
read_mark(sqlite3_stmt *row)
{
    KtManual *manual = g_new0(KtManual, 1);
    manual->domain_uuid = text_or_none(row, 0);
    manual->domain_name = kt_statement_text(row, 1);
    manual->setting = kt_statement_text(row, 2);
    manual->item = text_or_none(row, 3);
    manual->left = kt_statement_text(row, 4);
    manual->found = kt_statement_text(row, 5);
    manual->undone = sqlite3_column_int(row, 6) != 0;
    manual->since_usec = sqlite3_column_int64(row, 7);
    manual->released = sqlite3_column_int(row, 8) != 0;
    manual->run = sqlite3_column_int64(row, 9);
    manual->gone_usec = sqlite3_column_int64(row, 10);
    manual->given_back = sqlite3_column_int(row, 11) != 0;
    manual->process = kt_statement_text(row, 12);
    manual->defined = kt_statement_text(row, 13);
    return manual;
}

GPtrArray *
kt_journal_manual(KtJournal *journal, GError **error)
{
    static const char sql[] =
        "SELECT domain_uuid, domain_name, setting, item, left_value, found_value, undone, since_usec,"
        " released OR EXISTS (SELECT 1 FROM steps JOIN actions USING (run, seq) JOIN runs ON runs.id = run"
        "  WHERE steps.domain_uuid IS NULLIF(manual.domain_uuid, '') AND steps.run > manual.run"
        "  AND verb = 'apply' AND result = 'done' AND actions.setting = manual.setting"
        "  AND actions.item IS NULLIF(manual.item, '')),"
        " run, gone_usec, given_back, process, defined_value FROM manual"
        " ORDER BY domain_name, domain_uuid, setting, item";
    g_autoptr(GPtrArray) marks = g_ptr_array_new_with_free_func((GDestroyNotify)kt_manual_free);
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "");
    return kt_statement_rows(journal, statement, read_mark, marks, error) ? g_steal_pointer(&marks) : NULL;
}

static bool
insert_mark(KtJournal *journal, const KtManual *mark, GError **error)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO manual (domain_uuid, domain_name, setting, item, left_value, found_value, undone, "
        "since_usec, released, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, (SELECT COALESCE(MAX(id), 0) FROM runs))";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "ssssssii", mark->domain_uuid ? mark->domain_uuid : "",
                         mark->domain_name, mark->setting, mark->item ? mark->item : "", mark->left,
                         mark->found, (gint64)mark->undone, mark->since_usec);
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_mark_manual(KtJournal *journal, const GPtrArray *marks, GError **error)
{
    bool ok = kt_database_exec(journal, "BEGIN IMMEDIATE", error);
    if (!ok)
        return false;
    for (guint i = 0; ok && i < marks->len; i++)
        ok = insert_mark(journal, marks->pdata[i], error);
    return kt_database_end(journal, ok, error);
}

bool
kt_journal_release(KtJournal *journal, const char *uuid, GError **error)
{
    static const char sql[] = "UPDATE manual SET released = 1, run = (SELECT COALESCE(MAX(id), 0) FROM runs) "
                              "WHERE domain_uuid = ? AND NOT released";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "s", uuid ? uuid : "");
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_note_given_back(KtJournal *journal, const KtManual *mark, GError **error)
{
    static const char sql[] =
        "UPDATE manual SET released = 1, given_back = 1, found_value = ?, process = ?, defined_value = ?"
        " WHERE domain_uuid = ? AND setting = ? AND item = ?";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(
        journal, error, sql, "ssssss", mark->found, mark->process, mark->defined,
        mark->domain_uuid ? mark->domain_uuid : "", mark->setting, mark->item ? mark->item : "");
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_note_gone(KtJournal *journal, const char *uuid, gint64 gone_usec, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(
        journal, error, "UPDATE manual SET gone_usec = ? WHERE domain_uuid = ?", "is", gone_usec, uuid);
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_forget_marks(KtJournal *journal, const char *uuid, GError **error)
{
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, "DELETE FROM manual WHERE domain_uuid = ?", "s", uuid);
    return kt_statement_run(journal, statement, error);
}

/* What was begun, and maybe done, before the process was killed or its undo failed, was left by it where it
 * is there. An undo speaks for somebody where it undoes what the daemon keeps: not the one that a failed run
 * makes of itself before it ends, nor one that mends a run which never ended, nor those between a benchmark's
 * arms. */
static const char left_sql[] =
    "SELECT to_value, steps.process, steps.undoes_run IS NOT NULL"
    " AND (undone.verb = 'daemon' OR runs.started_usec >= ?1)"
    " AND undone.finished_usec <> 0 AND runs.started_usec >= undone.finished_usec"
    " AND NOT EXISTS (SELECT 1 FROM benchmarks AS b"
    "  WHERE runs.started_usec BETWEEN b.started_usec AND b.finished_usec),"
    " steps.run FROM steps JOIN actions USING (run, seq) JOIN runs ON runs.id = steps.run"
    " LEFT JOIN runs AS undone ON undone.id = steps.undoes_run"
    " WHERE steps.domain_uuid IS ?2 AND steps.kind = ?3 AND steps.path IS ?4 AND setting = ?5 AND item IS ?6"
    " AND field = ?7 AND CASE WHEN steps.undoes_run IS NULL THEN result = 'done'"
    "  OR (result IN ('begun', 'failed') AND to_value IS ?8) ELSE result = 'undone' END"
    " ORDER BY steps.run DESC, steps.seq DESC LIMIT 1";

bool
kt_journal_find_left(KtJournal *journal, const KtAction *action, const char *uuid, gint64 kept_since_usec,
                     KtLeft **ret_left, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(
        journal, error, left_sql, "isssssis", kept_since_usec, uuid, kt_step_kind_name(action->kind),
        action->path, action->setting->key, action->item, (gint64)action->field, action->from);
    bool row = false;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    KtLeft *left = NULL;
    if (row) {
        left = g_new0(KtLeft, 1);
        left->value = kt_statement_text(statement, 0);
        left->process = kt_statement_text(statement, 1);
        left->undone = sqlite3_column_int(statement, 2) != 0;
        left->run = sqlite3_column_int64(statement, 3);
    }
    *ret_left = left;
    return true;
}

bool
kt_journal_others_ran_since(KtJournal *journal, gint64 usec, bool *ret_ran, GError **error)
{
    static const char sql[] = "SELECT EXISTS (SELECT 1 FROM runs WHERE verb NOT IN ('daemon', 'govern')"
                              " AND MAX(started_usec, finished_usec) BETWEEN ?1 AND ?2)";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "ii", usec, g_get_real_time());
    bool row = false;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    *ret_ran = row && sqlite3_column_int(statement, 0) != 0;
    return true;
}

bool
kt_manual_is_same(const KtManual *one, const KtManual *other)
{
    return g_strcmp0(one->domain_uuid, other->domain_uuid) == 0 &&
           g_str_equal(one->setting, other->setting) && g_strcmp0(one->item, other->item) == 0;
}

bool
kt_manual_is_of(const KtManual *mark, const KtAction *action, const char *uuid)
{
    return g_strcmp0(mark->domain_uuid, uuid) == 0 && g_str_equal(mark->setting, action->setting->key) &&
           g_strcmp0(mark->item, action->item) == 0;
}
