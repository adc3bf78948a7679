/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_database.h"
#include "base/error.h"

/**
 * One entry a version: what brings the version before it there. Never change an entry that was released; add
 * one.
 *
 * A step's to_undo is kept apart from its result: a failed step may have left something too.
 */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE runs ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* a number that was told to somebody is never used again */
    "  verb TEXT NOT NULL,"
    "  profile TEXT,"
    "  started_usec INTEGER NOT NULL,"
    "  finished_usec INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE TABLE steps ("
    "  run INTEGER NOT NULL REFERENCES runs(id),"
    "  seq INTEGER NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  domain_name TEXT, domain_uuid TEXT, process TEXT, hypervisor TEXT, path TEXT,"
    "  before TEXT, target TEXT, after TEXT,"
    "  result TEXT NOT NULL,"
    "  to_undo INTEGER NOT NULL,"
    "  detail TEXT,"
    "  undoes_run INTEGER, undoes_seq INTEGER,"
    "  PRIMARY KEY (run, seq),"
    "  FOREIGN KEY (undoes_run, undoes_seq) REFERENCES steps (run, seq)"
    ") STRICT;"
    "CREATE INDEX steps_to_undo ON steps (run) WHERE to_undo;"
    "CREATE INDEX steps_undoes ON steps (undoes_run);"
    "CREATE TABLE actions ("
    "  run INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  id INTEGER NOT NULL,"
    "  setting TEXT NOT NULL,"
    "  item TEXT, from_value TEXT, to_value TEXT,"
    "  takes_effect TEXT, risk TEXT, reason TEXT, source TEXT,"
    "  field INTEGER NOT NULL,"
    "  PRIMARY KEY (run, seq, position),"
    "  FOREIGN KEY (run, seq) REFERENCES steps (run, seq)"
    ") STRICT;",
    /* 2: the parts of a step. Version 1 had one kind of several parts and didn't record them: of what was
     * half done all but the end is possible. `target` was what KSM's `run` is to hold again. */
    "CREATE TABLE parts ("
    "  run INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  note TEXT,"
    "  done INTEGER NOT NULL,"
    "  PRIMARY KEY (run, seq, position),"
    "  FOREIGN KEY (run, seq) REFERENCES steps (run, seq)"
    ") STRICT;"
    "INSERT INTO parts SELECT run, seq, 0, 'unmerge', target, 0 FROM steps"
    " WHERE kind = 'ksm-merge' AND result IN ('begun', 'failed');",
    /* 3: benchmarks */
    "CREATE TABLE benchmarks ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  profile TEXT NOT NULL,"
    "  started_usec INTEGER NOT NULL,"
    "  finished_usec INTEGER NOT NULL DEFAULT 0,"
    "  blocks INTEGER NOT NULL,"
    "  seed INTEGER NOT NULL,"
    "  about TEXT NOT NULL,"
    "  applied_run INTEGER REFERENCES runs(id)" /* the arm with the profile is there; NULL: as it was */
    ") STRICT;"
    "CREATE TABLE metrics ("
    "  benchmark INTEGER NOT NULL REFERENCES benchmarks(id),"
    "  place INTEGER NOT NULL,"
    "  workload TEXT NOT NULL, domain TEXT NOT NULL, figure TEXT NOT NULL, unit TEXT NOT NULL,"
    "  more_is_better INTEGER NOT NULL,"
    "  matters_ppm INTEGER NOT NULL,"
    "  watched INTEGER NOT NULL,"
    "  PRIMARY KEY (benchmark, place)"
    ") STRICT;"
    "CREATE TABLE samples ("
    "  benchmark INTEGER NOT NULL,"
    "  metric INTEGER NOT NULL,"
    "  block INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  with_profile INTEGER NOT NULL,"
    "  taken_usec INTEGER NOT NULL,"
    "  value REAL NOT NULL,"
    "  PRIMARY KEY (benchmark, metric, block, position),"
    "  FOREIGN KEY (benchmark, metric) REFERENCES metrics (benchmark, place)"
    ") STRICT;",
    /* 4: what is somebody else's, and what was left last at each place */
    "CREATE TABLE manual ("
    "  domain_uuid TEXT NOT NULL," /* '' = host */
    "  domain_name TEXT,"
    "  setting TEXT NOT NULL,"
    "  item TEXT NOT NULL," /* '' = none */
    "  left_value TEXT, found_value TEXT,"
    "  undone INTEGER NOT NULL,"
    "  since_usec INTEGER NOT NULL,"
    "  released INTEGER NOT NULL,"
    "  run INTEGER NOT NULL,"
    "  PRIMARY KEY (domain_uuid, setting, item)"
    ") STRICT;"
    "CREATE INDEX steps_left ON steps (domain_uuid, kind, run, seq);",
    /* 5: what was pruned, and since when a marked domain isn't there any more (0 = it is) */
    "CREATE TABLE pruned (upto INTEGER NOT NULL, runs INTEGER NOT NULL) STRICT;"
    "INSERT INTO pruned VALUES (0, 0);"
    "ALTER TABLE manual ADD COLUMN gone_usec INTEGER NOT NULL DEFAULT 0;",
    /* 6: the loads that are planned with */
    "CREATE TABLE loads ("
    "  domain_uuid TEXT PRIMARY KEY NOT NULL,"
    "  process TEXT NOT NULL,"
    "  vcpus INTEGER NOT NULL,"
    "  load_ppm INTEGER NOT NULL"
    ") STRICT;",
    /* 7: what failed in a benchmark */
    "CREATE TABLE failures ("
    "  benchmark INTEGER NOT NULL REFERENCES benchmarks(id),"
    "  place INTEGER NOT NULL,"
    "  workload TEXT, domain TEXT," /* NULL: the switch of the arms */
    "  block INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  with_profile INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL,"
    "  given_up INTEGER NOT NULL,"
    "  message TEXT NOT NULL,"
    "  PRIMARY KEY (benchmark, place)"
    ") STRICT;",
    /* 8: what was given back as it was found */
    ("ALTER TABLE manual ADD COLUMN given_back INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE manual ADD COLUMN process TEXT;"
     "ALTER TABLE manual ADD COLUMN defined_value TEXT;"),
};

int
kt_schema_current(void)
{
    return G_N_ELEMENTS(migrations);
}

bool
kt_schema_version(KtJournal *journal, int *ret_version, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, "PRAGMA user_version", "");
    bool row;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    int version = row ? sqlite3_column_int(statement, 0) : 0;
    if (version < 0 || version > kt_schema_current()) {
        g_set_error(
            error, KT_ERROR, KT_ERROR_UNSUPPORTED,
            "%s: its schema has version %d, this kvm-tune knows up to version %d: a newer kvm-tune wrote it, "
            "use that one",
            journal->path, version, kt_schema_current());
        return false;
    }
    *ret_version = version;
    return true;
}

/** One version up, with the new number in the same transaction. */
static bool
migrate_to(KtJournal *journal, int version, GError **error)
{
    g_autofree char *number = g_strdup_printf("PRAGMA user_version = %d", version);
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok =
        kt_database_exec(journal, migrations[version - 1], error) && kt_database_exec(journal, number, error);
    return kt_database_end(journal, ok, error);
}

bool
kt_schema_migrate(KtJournal *journal, GError **error)
{
    int version;
    if (!kt_schema_version(journal, &version, error))
        return false;
    while (version < kt_schema_current())
        if (!migrate_to(journal, ++version, error))
            return false;
    return true;
}
