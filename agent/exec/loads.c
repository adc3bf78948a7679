/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/loads.h"

#include "agent/exec/journal_database.h"

#define PPM 1e6

void
kt_measured_load_free(KtMeasuredLoad *load)
{
    if (!load)
        return;
    g_free(load->uuid);
    g_free(load->process);
    g_free(load);
}

static bool
insert(KtJournal *journal, const KtMeasuredLoad *load, GError **error)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO loads (domain_uuid, process, vcpus, load_ppm) VALUES (?, ?, ?, ?)";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "ssii", load->uuid, load->process, (gint64)load->vcpus,
                         (gint64)(load->load * PPM));
    return kt_statement_run(journal, statement, error);
}

static gpointer
read_load(sqlite3_stmt *row)
{
    KtMeasuredLoad *load = g_new0(KtMeasuredLoad, 1);
    load->uuid = kt_statement_text(row, 0);
    load->process = kt_statement_text(row, 1);
    load->vcpus = (guint)sqlite3_column_int64(row, 2);
    load->load = (double)sqlite3_column_int64(row, 3) / PPM;
    return load;
}

static GPtrArray *
read_all(KtJournal *journal, GError **error)
{
    g_autoptr(GPtrArray) loads = g_ptr_array_new_with_free_func((GDestroyNotify)kt_measured_load_free);
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, "SELECT domain_uuid, process, vcpus, load_ppm FROM loads", "");
    return kt_statement_rows(journal, statement, read_load, loads, error) ? g_steal_pointer(&loads) : NULL;
}

/* UUID → KtMeasuredLoad, borrowed. */
static GHashTable *
by_uuid(const GPtrArray *loads)
{
    GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < loads->len; i++)
        g_hash_table_insert(table, ((KtMeasuredLoad *)loads->pdata[i])->uuid, loads->pdata[i]);
    return table;
}

/* Of guests that aren't among @loads nothing is known any more. */
static bool
forget_others(KtJournal *journal, const GPtrArray *loads, GError **error)
{
    g_autoptr(GPtrArray) known = read_all(journal, error);
    g_autoptr(GHashTable) stay = by_uuid(loads);
    bool ok = known != NULL;
    for (guint i = 0; ok && i < known->len; i++) {
        const KtMeasuredLoad *load = known->pdata[i];
        if (g_hash_table_contains(stay, load->uuid))
            continue;
        g_autoptr(sqlite3_stmt) statement =
            kt_statement_new(journal, error, "DELETE FROM loads WHERE domain_uuid = ?", "s", load->uuid);
        ok = kt_statement_run(journal, statement, error);
    }
    return ok;
}

bool
kt_journal_set_loads(KtJournal *journal, const GPtrArray *loads, GError **error)
{
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = forget_others(journal, loads, error);
    for (guint i = 0; ok && i < loads->len; i++)
        if (((const KtMeasuredLoad *)loads->pdata[i])->load > 0)
            ok = insert(journal, loads->pdata[i], error);
    return kt_database_end(journal, ok, error);
}

bool
kt_journal_fill_loads(KtJournal *journal, KtSnapshot *snapshot, GError **error)
{
    g_autoptr(GPtrArray) loads = read_all(journal, error);
    if (!loads)
        return false;
    g_autoptr(GHashTable) known = by_uuid(loads);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        KtDomain *domain = snapshot->domains->pdata[i];
        const KtMeasuredLoad *load = g_hash_table_lookup(known, domain->uuid);
        bool counts = load && g_strcmp0(load->process, domain->process) == 0 &&
                      load->vcpus == kt_domain_online_vcpus(domain);
        domain->recent_load = counts ? load->load : 0;
    }
    return true;
}
