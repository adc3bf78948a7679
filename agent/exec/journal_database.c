/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_database.h"

#include "base/error.h"

static KtErrorCode
error_code(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return KT_ERROR_ACCESS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return KT_ERROR_HELD;
    default:
        return KT_ERROR_IO;
    }
}

/** Whether the file isn't what we wrote: not a database, broken pages, or tables that aren't ours. */
static bool
is_damage(int sqlite_code)
{
    int code = sqlite_code & 0xff;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR || code == SQLITE_MISMATCH;
}

/** What the kernel said, where SQLite's own words ("unable to open database file") leave open why. Owned. */
static char *
system_reason(sqlite3 *db, int sqlite_code)
{
    int code = sqlite_code & 0xff;
    int errnum = code == SQLITE_CANTOPEN || code == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
    return errnum ? g_strdup_printf(" (%s)", g_strerror(errnum)) : g_strdup("");
}

void
kt_database_set_error(GError **error, sqlite3 *db, const char *path, const char *what)
{
    int code = sqlite3_extended_errcode(db);
    g_autofree char *reason = system_reason(db, code);
    if (is_damage(code))
        g_set_error(
            error, KT_ERROR, KT_ERROR_IO,
            "%s: cannot %s: the file is damaged (%s). What was done before can't be read from it: put back "
            "a copy from a backup, or move it away (mv '%s' '%s.damaged') to begin a new one",
            path, what, sqlite3_errmsg(db), path, path);
    else
        g_set_error(error, KT_ERROR, error_code(code), "%s: cannot %s: %s%s", path, what, sqlite3_errmsg(db),
                    reason);
}

bool
kt_database_exec(KtJournal *journal, const char *sql, GError **error)
{
    if (sqlite3_exec(journal->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    kt_database_set_error(error, journal->db, journal->path, "use the journal");
    return false;
}

bool
kt_database_end(KtJournal *journal, bool ok, GError **error)
{
    if (ok && kt_database_exec(journal, "COMMIT", error))
        return true;
    /* Some failures (a full disk) have taken it back already: then there is no transaction to end. */
    if (!sqlite3_get_autocommit(journal->db))
        sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

sqlite3_stmt *
kt_statement_new(KtJournal *journal, GError **error, const char *sql, const char *types, ...)
{
    g_autoptr(sqlite3_stmt) statement = NULL;
    int code = sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);
    va_list args;

    va_start(args, types);
    for (int i = 0; code == SQLITE_OK && types[i]; i++) {
        if (types[i] == 's')
            code = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1, SQLITE_STATIC);
        else
            code = sqlite3_bind_int64(statement, i + 1, va_arg(args, gint64));
    }
    va_end(args);
    if (code != SQLITE_OK) {
        kt_database_set_error(error, journal->db, journal->path, "use the journal");
        return NULL;
    }
    return g_steal_pointer(&statement);
}

bool
kt_statement_next(KtJournal *journal, sqlite3_stmt *statement, bool *ret_row, GError **error)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        kt_database_set_error(error, journal->db, journal->path, "use the journal");
        return false;
    }
    *ret_row = code == SQLITE_ROW;
    return true;
}

bool
kt_statement_run(KtJournal *journal, sqlite3_stmt *statement, GError **error)
{
    bool row;
    return statement && kt_statement_next(journal, statement, &row, error);
}

bool
kt_statement_rows(KtJournal *journal, sqlite3_stmt *statement, gpointer (*read)(sqlite3_stmt *row),
                  GPtrArray *rows, GError **error)
{
    bool row = statement != NULL;
    while (row) {
        if (!kt_statement_next(journal, statement, &row, error))
            return false;
        if (row)
            g_ptr_array_add(rows, read(statement));
    }
    return statement != NULL;
}

char *
kt_statement_text(sqlite3_stmt *statement, int column)
{
    return g_strdup((const char *)sqlite3_column_text(statement, column));
}
