/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal.h"

#include "agent/exec/journal_database.h"
#include "base/error.h"

#define DATABASE_FILE "state.db"

/** How long a commit waits for a reader, ms. */
#define BUSY_MSEC 5000

/**
 * A rollback journal that is truncated, with synchronous=FULL: the truncation is synced too, so that what was
 * committed stays committed after a power loss (DELETE syncs its unlink only at EXTRA). Against WAL: what is
 * committed is in the one file that people copy and keep, a crash leaves no second and third file that belong
 * to it, and reading needs no shared memory file. A run has few commits, so WAL's speed buys nothing.
 * https://www.sqlite.org/pragma.html#pragma_synchronous
 *
 * trusted_schema, cell_size_check: a damaged file must give an error, not behaviour.
 */
static const char connection_setup[] = "PRAGMA trusted_schema = OFF;PRAGMA cell_size_check = ON;PRAGMA "
                                       "temp_store = MEMORY;PRAGMA foreign_keys = ON;PRAGMA synchronous = "
                                       "FULL;";

void
kt_journal_close(KtJournal *journal)
{
    if (!journal)
        return;
    sqlite3_close(journal->db);
    kt_state_directory_free(journal->directory);
    g_mutex_clear(&journal->parts);
    g_free(journal->path);
    g_free(journal);
}

void
kt_journal_announce(KtJournal *journal, const char *verb)
{
    if (journal->directory)
        kt_state_directory_announce(journal->directory, verb);
}

/** Opens the file that is there (@path), or with ":memory:" none. */
static sqlite3 *
open_database(const char *path, const char *message_path, GError **error)
{
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MSEC);
        return db;
    }
    kt_database_set_error(error, db, message_path, "open the journal");
    sqlite3_close(db);
    return NULL;
}

/** Puts an empty database in memory, or a copy of the present one, in its place. */
static bool
continue_in_memory(KtJournal *journal, GError **error)
{
    sqlite3 *copy = open_database(":memory:", journal->path, error);
    if (!copy)
        return false;
    if (journal->db) {
        sqlite3_backup *backup = sqlite3_backup_init(copy, "main", journal->db, "main");
        if (backup)
            sqlite3_backup_step(backup, -1);
        if (!backup || sqlite3_backup_finish(backup) != SQLITE_OK) {
            kt_database_set_error(error, copy, journal->path, "read the journal");
            sqlite3_close(copy);
            return false;
        }
        sqlite3_close(journal->db);
    }
    journal->db = copy;
    return kt_database_exec(journal, connection_setup, error) && kt_schema_migrate(journal, error);
}

/** For reading: nothing is written, so an older schema is migrated in a copy. */
static bool
open_for_reading(KtJournal *journal, bool exists, GError **error)
{
    int version = kt_schema_current();
    if (exists) {
        journal->db = open_database(journal->path, journal->path, error);
        if (!journal->db || !kt_database_exec(journal, connection_setup, error) ||
            !kt_schema_version(journal, &version, error))
            return false;
    }
    if ((!exists || version < kt_schema_current()) && !continue_in_memory(journal, error))
        return false;
    return kt_database_exec(journal, "PRAGMA query_only = ON", error);
}

static bool
check_integrity(KtJournal *journal, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, "PRAGMA quick_check(1)", "");
    bool row;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    const char *verdict = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (g_strcmp0(verdict, "ok") == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_IO,
                "%s: the file is damaged (%s): put back a copy from a backup, or move it away (mv '%s' "
                "'%s.damaged') to begin a new one",
                journal->path, verdict ? verdict : "no verdict", journal->path, journal->path);
    return false;
}

static bool
open_for_writing(KtJournal *journal, GError **error)
{
    journal->db = open_database(journal->path, journal->path, error);
    return journal->db && kt_database_exec(journal, connection_setup, error) &&
           kt_database_exec(journal, "PRAGMA journal_mode = TRUNCATE", error) &&
           kt_schema_migrate(journal, error) && check_integrity(journal, error);
}

KtJournal *
kt_journal_open(const char *state_directory, KtJournalMode mode, GError **error)
{
    g_autoptr(KtJournal) journal = g_new0(KtJournal, 1);
    bool writing = mode == KT_JOURNAL_WRITE;
    bool exists = false;

    g_mutex_init(&journal->parts);
    if (!kt_state_directory_open(state_directory, writing, &journal->directory, error))
        return NULL;
    journal->path = g_build_filename(journal->directory ? journal->directory->path : state_directory,
                                     DATABASE_FILE, NULL);
    if (writing && !kt_state_directory_lock(journal->directory, error))
        return NULL;
    /* Before SQLite opens it: closing a descriptor of a file drops all locks that this process has on it. */
    if (journal->directory &&
        !kt_state_directory_check_file(journal->directory, DATABASE_FILE, writing, &exists, error))
        return NULL;
    if (!(writing ? open_for_writing(journal, error) : open_for_reading(journal, exists, error)))
        return NULL;
    return g_steal_pointer(&journal);
}

bool
kt_journal_begin_run(KtJournal *journal, const char *verb, const char *profile, gint64 now_usec,
                     gint64 *ret_run, GError **error)
{
    static const char sql[] = "INSERT INTO runs (verb, profile, started_usec) VALUES (?, ?, ?)";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "ssi", verb, profile, now_usec);
    if (!kt_statement_run(journal, statement, error))
        return false;
    *ret_run = sqlite3_last_insert_rowid(journal->db);
    kt_journal_announce(journal, verb);
    return true;
}

bool
kt_journal_end_run(KtJournal *journal, gint64 run, gint64 now_usec, GError **error)
{
    static const char sql[] = "UPDATE runs SET finished_usec = ? WHERE id = ?";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "ii", now_usec, run);
    return kt_statement_run(journal, statement, error);
}

static bool
insert_action(KtJournal *journal, const KtJournalStep *step, guint position, const KtJournalAction *action,
              GError **error)
{
    static const char sql[] =
        "INSERT INTO actions (run, seq, position, id, setting, item, from_value, to_value, takes_effect, "
        "risk, reason, source, field) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "iiiissssssssi", step->run, (gint64)step->seq, (gint64)position,
                         (gint64)action->id, action->setting, action->item, action->from, action->to,
                         action->when, action->risk, action->reason, action->source, (gint64)action->field);
    return kt_statement_run(journal, statement, error);
}

static bool
next_seq(KtJournal *journal, gint64 run, guint *ret_seq, GError **error)
{
    static const char sql[] = "SELECT COALESCE(MAX(seq), 0) + 1 FROM steps WHERE run = ?";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "i", run);
    bool row;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    *ret_seq = sqlite3_column_int64(statement, 0);
    return true;
}

static bool
insert_step(KtJournal *journal, gint64 run, KtJournalStep *step, GError **error)
{
    static const char sql[] =
        "INSERT INTO steps (run, seq, kind, domain_name, domain_uuid, process, hypervisor, path, before, "
        "target, after, result, to_undo, detail, undoes_run, undoes_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, NULLIF(?, 0), NULLIF(?, 0))";
    guint seq;
    if (!next_seq(journal, run, &seq, error))
        return false;
    step->run = run;
    step->seq = seq;
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(
        journal, error, sql, "iissssssssssisii", run, (gint64)seq, kt_step_kind_name(step->kind),
        step->domain_name, step->domain_uuid, step->process, step->hypervisor, step->path, step->before,
        step->target, step->after, kt_result_name(step->result), (gint64)step->to_undo, step->detail,
        step->undoes_run, (gint64)step->undoes_seq);
    if (!kt_statement_run(journal, statement, error))
        return false;
    for (guint i = 0; i < step->actions->len; i++)
        if (!insert_action(journal, step, i, g_ptr_array_index(step->actions, i), error))
            return false;
    return true;
}

/** The older step has nothing left to undo. That it had failed stays known. */
static bool
mark_undone(KtJournal *journal, const KtJournalStep *undoes, GError **error)
{
    static const char sql[] =
        "UPDATE steps SET to_undo = 0, result = CASE result WHEN ?1 THEN result ELSE ?2 END WHERE run = ?3 "
        "AND seq = ?4";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "ssii", kt_result_name(KT_RESULT_FAILED),
                         kt_result_name(KT_RESULT_UNDONE), undoes->run, (gint64)undoes->seq);
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_add_step(KtJournal *journal, gint64 run, KtJournalStep *step, const KtJournalStep *undoes,
                    GError **error)
{
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = insert_step(journal, run, step, error) && (!undoes || mark_undone(journal, undoes, error));
    return kt_database_end(journal, ok, error);
}

bool
kt_journal_begin_step(KtJournal *journal, gint64 run, KtJournalStep *step, GError **error)
{
    step->result = KT_RESULT_BEGUN;
    step->to_undo = step->undoes_run == 0;
    step->journal = journal;
    return kt_journal_add_step(journal, run, step, NULL, error);
}

bool
kt_journal_end_step(KtJournal *journal, const KtJournalStep *step, const KtJournalStep *undoes,
                    GError **error)
{
    static const char sql[] =
        "UPDATE steps SET result = ?, to_undo = ?, after = ?, detail = ? WHERE run = ? AND seq = ?";
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "sissii", kt_result_name(step->result), (gint64)step->to_undo,
                         step->after, step->detail, step->run, (gint64)step->seq);
    bool ok = kt_statement_run(journal, statement, error) && (!undoes || mark_undone(journal, undoes, error));
    return kt_database_end(journal, ok, error);
}
