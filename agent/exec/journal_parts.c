/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_database.h"

static bool
run_statement(const KtJournalStep *step, const char *sql, const char *name, const char *note, GError **error)
{
    g_autoptr(sqlite3_stmt) statement =
        name ? kt_statement_new(step->journal, error, sql, "iiss", step->run, (gint64)step->seq, name, note)
             : kt_statement_new(step->journal, error, sql, "ii", step->run, (gint64)step->seq);
    return kt_statement_run(step->journal, statement, error);
}

/** Runs one statement on the parts, alone of all threads: else another's error could be told. */
static bool
run_alone(const KtJournalStep *step, const char *sql, const char *name, const char *note, GError **error)
{
    if (!step->journal)
        return true;
    g_mutex_lock(&step->journal->parts);
    bool ok = run_statement(step, sql, name, note, error);
    g_mutex_unlock(&step->journal->parts);
    return ok;
}

bool
kt_journal_begin_part(KtJournalStep *step, const char *name, const char *note, GError **error)
{
    static const char sql[] = "INSERT INTO parts (run, seq, position, name, note, done) "
                              "SELECT ?1, ?2, COUNT(*), ?3, ?4, 0 FROM parts WHERE run = ?1 AND seq = ?2";
    KtJournalPart *part = g_new0(KtJournalPart, 1);
    part->name = g_strdup(name);
    part->note = g_strdup(note);
    kt_journal_part_free(step->part);
    step->part = part;
    return run_alone(step, sql, name, note, error);
}

bool
kt_journal_end_part(KtJournalStep *step, GError **error)
{
    static const char sql[] = "UPDATE parts SET done = 1 WHERE run = ?1 AND seq = ?2 AND position = "
                              "(SELECT MAX(position) FROM parts WHERE run = ?1 AND seq = ?2)";
    step->part->done = true;
    return run_alone(step, sql, NULL, NULL, error);
}

char *
kt_journal_file(const KtJournalStep *step, const char *kind)
{
    const KtStateDirectory *directory = step->journal ? step->journal->directory : NULL;
    g_autofree char *name = g_strdup_printf("%s-%s", kind, step->domain_uuid);
    return directory ? g_build_filename(directory->path, name, NULL) : NULL;
}

bool
kt_journal_is_half_way(const KtJournalStep *step, const char *last)
{
    return step->part && !(step->part->done && g_strcmp0(step->part->name, last) == 0);
}

bool
kt_journal_read_part(KtJournal *journal, KtJournalStep *step, GError **error)
{
    static const char sql[] = "SELECT name, note, done FROM parts JOIN steps USING (run, seq) "
                              "WHERE (run = ?1 AND seq = ?2) OR (undoes_run = ?1 AND undoes_seq = ?2) "
                              "ORDER BY run DESC, seq DESC, position DESC LIMIT 1";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "ii", step->run, (gint64)step->seq);
    bool row;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    if (!row)
        return true;
    step->part = g_new0(KtJournalPart, 1);
    step->part->name = kt_statement_text(statement, 0);
    step->part->note = kt_statement_text(statement, 1);
    step->part->done = sqlite3_column_int(statement, 2) != 0;
    return true;
}
