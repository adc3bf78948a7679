/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_database.h"
#include "base/cpuset.h"

/** A change that is to be undone, and whether it can be made one with another. */
typedef struct {
    gint64 run, seq;
    char *place;
    bool is_simple;
} Change;

static void
change_free(gpointer data)
{
    Change *change = data;
    g_free(change->place);
    g_free(change);
}

static gpointer
read_change(sqlite3_stmt *row)
{
    Change *change = g_new0(Change, 1);
    change->run = sqlite3_column_int64(row, 0);
    change->seq = sqlite3_column_int64(row, 1);
    change->place = kt_statement_text(row, 2);
    change->is_simple = sqlite3_column_int(row, 3) != 0;
    return change;
}

/* By place, oldest first. A definition outlives the process. Of KSM's files some can only be written while
 * others have certain values: each change of those goes back by itself. Memory that didn't come to the end of
 * its way has moved too. */
static const char changes_sql[] =
    "SELECT run, seq, kind || quote(hypervisor) || quote(domain_uuid) || quote(path) ||"
    " CASE kind WHEN 'define' THEN '' ELSE quote(process) END AS place,"
    " kind IN ('define', 'pin', 'weight', 'pages', 'services', 'sysfs')"
    " AND (result = 'done' OR (kind = 'pages' AND result IN ('failed', 'skipped')))"
    " AND COALESCE(path, '') NOT LIKE 'sys/kernel/mm/ksm/%'"
    " AND NOT EXISTS (SELECT 1 FROM parts WHERE parts.run = steps.run AND parts.seq = steps.seq)"
    " AND NOT EXISTS (SELECT 1 FROM steps AS undo WHERE undo.undoes_run = steps.run"
    "  AND undo.undoes_seq = steps.seq)"
    " FROM steps WHERE to_undo AND run <= ?1 ORDER BY place, run, seq";

/* Whether the later one (?3, ?4) found what the earlier one (?1, ?2) had left, and nobody has marked or
 * released anything of it in between: then it makes a difference in which run an item is. Of pages, which the
 * kernel moves too, nodes_follow() says whether it did. */
static const char follows_sql[] =
    "SELECT a.kind = 'pages' FROM steps AS a JOIN steps AS b ON b.run = ?3 AND b.seq = ?4"
    " WHERE a.run = ?1 AND a.seq = ?2 AND (a.kind = 'pages' OR ((b.before IS NULL OR b.before IS a.after)"
    " AND NOT EXISTS (SELECT 1 FROM actions AS x JOIN actions AS y"
    "  ON y.setting = x.setting AND y.item IS x.item AND y.field = x.field"
    "  WHERE x.run = ?1 AND x.seq = ?2 AND y.run = ?3 AND y.seq = ?4 AND y.from_value IS NOT x.to_value)))"
    " AND NOT EXISTS (SELECT 1 FROM manual WHERE manual.domain_uuid = COALESCE(a.domain_uuid, '')"
    "  AND manual.run >= ?1 AND manual.run < ?3)";

/* The later one gets what was before the earlier one, and the values that only that one changed. */
static const char *const take_over[] = {
    "UPDATE steps SET before = (SELECT before FROM steps WHERE run = ?1 AND seq = ?2)"
    " WHERE run = ?3 AND seq = ?4",
    "UPDATE actions SET from_value = older.from_value FROM actions AS older"
    " WHERE older.run = ?1 AND older.seq = ?2 AND actions.run = ?3 AND actions.seq = ?4"
    " AND older.setting = actions.setting AND older.item IS actions.item AND older.field = actions.field",
    "INSERT INTO actions (run, seq, position, id, setting, item, from_value, to_value, takes_effect, risk,"
    " reason, source, field) SELECT ?3, ?4,"
    " position + 1 + (SELECT MAX(position) FROM actions WHERE run = ?3 AND seq = ?4),"
    " id, setting, item, from_value, to_value, takes_effect, risk, reason, source, field"
    " FROM actions AS older WHERE run = ?1 AND seq = ?2 AND NOT EXISTS (SELECT 1 FROM actions AS y"
    "  WHERE y.run = ?3 AND y.seq = ?4 AND y.setting = older.setting AND y.item IS older.item"
    "  AND y.field = older.field)",
};

static const char *const drop[] = {
    "DELETE FROM actions WHERE run = ? AND seq = ?",
    "DELETE FROM steps WHERE run = ? AND seq = ?",
};

static sqlite3_stmt *
about_both(KtJournal *journal, const char *sql, const Change *older, const Change *newer, GError **error)
{
    return kt_statement_new(journal, error, sql, "iiii", older->run, older->seq, newer->run, newer->seq);
}

/* The nodes of a column's list; one that is none is empty. */
static KtCpuset *
read_nodes(sqlite3_stmt *row, int column)
{
    const char *list = (const char *)sqlite3_column_text(row, column);
    KtCpuset *nodes = kt_cpuset_parse(list ? list : "", false, NULL);
    return nodes ? nodes : hwloc_bitmap_alloc();
}

/* Whether memory was found where the earlier move took it or had it from, and one undo finds it where it may
 * have been left: not on a node between, which a later move that came to no end would leave it on. */
static bool
nodes_follow(KtJournal *journal, const Change *older, const Change *newer, bool *ret_follow, GError **error)
{
    static const char sql[] =
        "SELECT x.from_value, x.to_value, y.from_value, y.to_value, steps.result = 'done' FROM actions AS x"
        " JOIN actions AS y ON y.run = ?3 AND y.seq = ?4 JOIN steps ON steps.run = ?3 AND steps.seq = ?4"
        " WHERE x.run = ?1 AND x.seq = ?2";
    g_autoptr(sqlite3_stmt) row = about_both(journal, sql, older, newer, error);
    bool found;
    if (!row || !kt_statement_next(journal, row, &found, error))
        return false;
    g_autoptr(KtCpuset) first = read_nodes(row, 0), between = read_nodes(row, 1),
                        present = read_nodes(row, 2), last = read_nodes(row, 3);
    hwloc_bitmap_or(between, between, first);
    hwloc_bitmap_or(last, last, first);
    *ret_follow = found && !hwloc_bitmap_iszero(present) && hwloc_bitmap_isincluded(present, between) &&
                  (sqlite3_column_int(row, 4) || hwloc_bitmap_isincluded(present, last));
    return true;
}

static bool
follows(KtJournal *journal, const Change *older, const Change *newer, bool *ret_follows, GError **error)
{
    g_autoptr(sqlite3_stmt) row = about_both(journal, follows_sql, older, newer, error);
    if (!row || !kt_statement_next(journal, row, ret_follows, error))
        return false;
    if (!*ret_follows || !sqlite3_column_int(row, 0))
        return true;
    return nodes_follow(journal, older, newer, ret_follows, error);
}

static bool
join(KtJournal *journal, const Change *older, const Change *newer, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(take_over); i++) {
        g_autoptr(sqlite3_stmt) statement = about_both(journal, take_over[i], older, newer, error);
        if (!kt_statement_run(journal, statement, error))
            return false;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(drop); i++) {
        g_autoptr(sqlite3_stmt) statement =
            kt_statement_new(journal, error, drop[i], "ii", older->run, older->seq);
        if (!kt_statement_run(journal, statement, error))
            return false;
    }
    return true;
}

bool
kt_journal_merge(KtJournal *journal, gint64 upto, GError **error)
{
    g_autoptr(GPtrArray) changes = g_ptr_array_new_with_free_func(change_free);
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, changes_sql, "i", upto);
    if (!kt_statement_rows(journal, statement, read_change, changes, error))
        return false;
    for (guint i = 1; i < changes->len; i++) {
        const Change *older = changes->pdata[i - 1], *newer = changes->pdata[i];
        bool are_one = older->is_simple && newer->is_simple && g_str_equal(older->place, newer->place);
        if (are_one && !follows(journal, older, newer, &are_one, error))
            return false;
        if (are_one && !join(journal, older, newer, error))
            return false;
    }
    return true;
}
