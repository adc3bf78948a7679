/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_prune.h"

#include "agent/exec/journal_database.h"

bool
kt_journal_pruned(KtJournal *journal, KtPruned *ret_pruned, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, "SELECT upto, runs FROM pruned", "");
    bool row;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    ret_pruned->upto = row ? sqlite3_column_int64(statement, 0) : 0;
    ret_pruned->n_runs = row ? sqlite3_column_int64(statement, 1) : 0;
    return true;
}

static bool
read_number(KtJournal *journal, const char *sql, gint64 parameter, gint64 *ret_number, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "i", parameter);
    bool row;
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    *ret_number = row ? sqlite3_column_int64(statement, 0) : 0;
    return true;
}

/** Up to which run it is time to prune; 0 = it isn't. A quarter more than stay may come before. */
static bool
find_end(KtJournal *journal, gint64 *ret_upto, GError **error)
{
    static const char size[] =
        "SELECT (page_count - freelist_count) * page_size >= ?1 FROM pragma_page_count,"
        " pragma_freelist_count, pragma_page_size";
    static const char count[] = "SELECT COUNT(*) FROM runs WHERE id > ?1";
    static const char end[] = "SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?1";
    KtPruned before;
    gint64 is_big, n;
    if (!read_number(journal, size, KT_JOURNAL_BIG_BYTES, &is_big, error) ||
        !kt_journal_pruned(journal, &before, error) || !read_number(journal, count, before.upto, &n, error))
        return false;
    gint64 whole = is_big ? KT_JOURNAL_WHOLE_RUNS_OF_BIG : KT_JOURNAL_WHOLE_RUNS;
    *ret_upto = 0;
    return n <= whole + whole / 4 || read_number(journal, end, whole, ret_upto, error);
}

static bool
list_living(KtJournal *journal, const KtLiving *living, GError **error)
{
    static const char insert[] = "INSERT INTO temp.living (uuid, process) VALUES (?, ?)";
    GHashTableIter iter;
    gpointer uuid, process;
    bool ok = kt_database_exec(journal,
                               "CREATE TEMP TABLE IF NOT EXISTS living (uuid TEXT PRIMARY KEY, process TEXT);"
                               "CREATE TEMP TABLE IF NOT EXISTS needed (run INTEGER, seq INTEGER);"
                               "DELETE FROM temp.living; DELETE FROM temp.needed;",
                               error);
    g_hash_table_iter_init(&iter, living->domains);
    while (ok && g_hash_table_iter_next(&iter, &uuid, &process)) {
        g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, insert, "ss", uuid, process);
        ok = kt_statement_run(journal, statement, error);
    }
    return ok;
}

/**
 * What an undo would address is gone: it counts as undone anyway. Which CPUs services have outlives the boot
 * only where systemd keeps it for good. A guest that was disturbed and didn't come through it is never given
 * up.
 */
static bool
bury(KtJournal *journal, gint64 upto, const KtLiving *living, GError **error)
{
    static const char sql[] =
        "UPDATE steps SET to_undo = 0 WHERE to_undo AND run <= ?1 AND CASE"
        " WHEN domain_uuid IS NULL THEN process <> ?3 AND (kind = 'sysfs' OR (kind = 'services'"
        "  AND COALESCE(target, '') NOT LIKE '%drop-in=persistent'))"
        " WHEN hypervisor IS NOT ?2 THEN 0"
        " WHEN kind IN ('pin', 'weight', 'pages') THEN process <> COALESCE("
        "  (SELECT COALESCE(living.process, steps.process) FROM temp.living WHERE uuid = domain_uuid), '')"
        " WHEN kind = 'define' OR result = 'done' THEN"
        "  NOT EXISTS (SELECT 1 FROM temp.living WHERE uuid = domain_uuid) AND NOT EXISTS"
        "  (SELECT 1 FROM steps AS last JOIN runs ON runs.id = last.run"
        "   WHERE last.domain_uuid = steps.domain_uuid AND started_usec > ?4)"
        " END";
    gint64 recent_usec = living->recent_usec > 0 ? living->recent_usec : G_MAXINT64;
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "issi", upto, living->hypervisor, living->boot, recent_usec);
    return kt_statement_run(journal, statement, error);
}

/** Runs each statement, whose only parameter is @upto. */
static bool
run_all(KtJournal *journal, const char *const *sql, gsize n, gint64 upto, GError **error)
{
    for (gsize i = 0; i < n; i++) {
        g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql[i], "i", upto);
        if (!kt_statement_run(journal, statement, error))
            return false;
    }
    return true;
}

/* What of the steps up to there is still asked for. */
static const char *const find_needed[] = {
    /* what was left last at each place of a domain that is known, or of the host: manual.c */
    "INSERT INTO temp.needed SELECT run, seq FROM (SELECT run, seq, domain_uuid, ROW_NUMBER() OVER"
    " (PARTITION BY domain_uuid, kind, path, setting, item, field ORDER BY run DESC, seq DESC) AS place"
    " FROM steps JOIN actions USING (run, seq)"
    " WHERE result = CASE WHEN undoes_run IS NULL THEN 'done' ELSE 'undone' END)"
    " WHERE place = 1 AND run <= ?1 AND (domain_uuid IS NULL OR domain_uuid IN (SELECT uuid FROM temp.living))",
    /* what is to be undone, and what was tried of that */
    "INSERT INTO temp.needed SELECT run, seq FROM steps WHERE to_undo AND run <= ?1",
    "INSERT INTO temp.needed SELECT undo.run, undo.seq FROM steps AS undo JOIN steps AS older"
    " ON older.run = undo.undoes_run AND older.seq = undo.undoes_seq WHERE older.to_undo AND undo.run <= ?1",
    /* a rollback that was interrupted goes on */
    "INSERT INTO temp.needed SELECT run, seq FROM steps JOIN runs ON runs.id = run"
    " WHERE finished_usec = 0 AND run <= ?1 AND EXISTS (SELECT 1 FROM steps AS undo JOIN steps AS older"
    "  ON older.run = undo.undoes_run WHERE undo.run = runs.id AND older.to_undo)",
    /* what those undid, and what newer ones did */
    "INSERT INTO temp.needed SELECT undoes_run, undoes_seq FROM steps WHERE undoes_run <= ?1"
    " AND (run > ?1 OR (run, seq) IN (SELECT run, seq FROM temp.needed))",
};

static const char *const delete_rest[] = {
    "DELETE FROM parts WHERE run <= ?1 AND (run, seq) NOT IN (SELECT run, seq FROM temp.needed)",
    "DELETE FROM actions WHERE run <= ?1 AND (run, seq) NOT IN (SELECT run, seq FROM temp.needed)",
    "DELETE FROM steps WHERE run <= ?1 AND (run, seq) NOT IN (SELECT run, seq FROM temp.needed)",
    "UPDATE benchmarks SET applied_run = NULL WHERE finished_usec <> 0 AND applied_run <= ?1",
    ("DELETE FROM runs WHERE id <= ?1 AND id NOT IN (SELECT run FROM steps)"
     " AND id NOT IN (SELECT applied_run FROM benchmarks WHERE applied_run IS NOT NULL)"),
    "UPDATE pruned SET upto = MAX(upto, ?1), runs = runs + changes()",
};

/** What `apply` has said since a mark was set counts as its release: from now on that is written there, since
 * what says so may go. kt_journal_manual() */
static bool
settle_marks(KtJournal *journal, GError **error)
{
    return kt_database_exec(
        journal,
        "UPDATE manual SET released = 1 WHERE NOT released AND EXISTS ("
        " SELECT 1 FROM steps JOIN actions USING (run, seq) JOIN runs ON runs.id = run"
        " WHERE steps.domain_uuid IS NULLIF(manual.domain_uuid, '') AND steps.run > manual.run"
        " AND verb = 'apply' AND result = 'done' AND actions.setting = manual.setting"
        " AND actions.item IS NULLIF(manual.item, ''))",
        error);
}

static bool
prune(KtJournal *journal, gint64 upto, const KtLiving *living, GError **error)
{
    return list_living(journal, living, error) && settle_marks(journal, error) &&
           bury(journal, upto, living, error) && kt_journal_merge(journal, upto, error) &&
           run_all(journal, find_needed, G_N_ELEMENTS(find_needed), upto, error) &&
           run_all(journal, delete_rest, G_N_ELEMENTS(delete_rest), upto, error);
}

bool
kt_journal_prune_upto(KtJournal *journal, gint64 upto, const KtLiving *living, GError **error)
{
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = prune(journal, upto, living, error);
    return kt_database_end(journal, ok, error);
}

bool
kt_journal_prune(KtJournal *journal, const KtLiving *living, GError **error)
{
    gint64 upto;
    return find_end(journal, &upto, error) &&
           (upto == 0 || kt_journal_prune_upto(journal, upto, living, error));
}
