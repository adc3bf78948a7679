/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "agent/exec/journal.h"
#include "agent/exec/state_directory.h"

/**
 * SQLite with GError: what the journal's parts share. Private to them.
 */
struct KtJournal {
    sqlite3 *db;
    char *path;                  /* of state.db, for messages */
    KtStateDirectory *directory; /* NULL: an empty journal in memory */
    GMutex parts;                /* held while a part is recorded: several threads may do so */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/** Sets @error from the last SQLite error: "PATH: cannot @what: why", for a damaged file with the way out. */
void kt_database_set_error(GError **error, sqlite3 *db, const char *path, const char *what);

/** Runs constant SQL without parameters. */
bool kt_database_exec(KtJournal *journal, const char *sql, GError **error);

/** Ends a transaction: commits where @ok, else (or where that fails) takes it back. Gives whether it was
 * committed. */
bool kt_database_end(KtJournal *journal, bool ok, GError **error);

/**
 * A statement with its parameters bound, in order, by a letter of @types each: 's' const char * (NULL is
 * SQL's NULL), 'i' gint64. Strings are borrowed: they must outlive the statement. NULL on error.
 */
sqlite3_stmt *kt_statement_new(KtJournal *journal, GError **error, const char *sql, const char *types, ...);

/** The next row; *@ret_row false: there is none. */
bool kt_statement_next(KtJournal *journal, sqlite3_stmt *statement, bool *ret_row, GError **error);

/** Runs a statement that gives no rows; @statement NULL is a failure already reported. */
bool kt_statement_run(KtJournal *journal, sqlite3_stmt *statement, GError **error);

/** Adds to @rows what @read makes of each row, in order; @statement NULL is a failure already reported. */
bool kt_statement_rows(KtJournal *journal, sqlite3_stmt *statement, gpointer (*read)(sqlite3_stmt *row),
                       GPtrArray *rows, GError **error);

/** A column as an owned string, NULL for SQL's NULL. */
char *kt_statement_text(sqlite3_stmt *statement, int column);

/** Brings the database to this program's schema. Errors: unsupported (a newer schema), io, access. */
bool kt_schema_migrate(KtJournal *journal, GError **error);

/** The version of the database's schema, 0 = empty; a newer one than this program knows is an `unsupported`
 * error. */
bool kt_schema_version(KtJournal *journal, int *ret_version, GError **error);

/** Sets step->part from the records of @step and of what undid it. */
bool kt_journal_read_part(KtJournal *journal, KtJournalStep *step, GError **error);

/** Makes changes of the runs up to @upto one where they are of the same values and nobody's came between: the
 * later one goes back to what was before the earlier one, which is deleted. */
bool kt_journal_merge(KtJournal *journal, gint64 upto, GError **error);

/** The schema that this program writes. */
int kt_schema_current(void);
