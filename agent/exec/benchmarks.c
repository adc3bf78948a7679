/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/benchmarks.h"

#include "agent/exec/journal_database.h"
#include "base/error.h"

static void
metric_free(KtMetric *metric)
{
    g_free(metric->workload);
    g_free(metric->domain);
    g_free(metric->figure);
    g_free(metric->unit);
    g_array_unref(metric->runs);
    g_free(metric);
}

KtMetric *
kt_metric_new(const char *workload, const char *domain, const char *figure, const char *unit)
{
    KtMetric *metric = g_new0(KtMetric, 1);
    metric->workload = g_strdup(workload);
    metric->domain = g_strdup(domain);
    metric->figure = g_strdup(figure);
    metric->unit = g_strdup(unit);
    metric->runs = g_array_new(FALSE, FALSE, sizeof(KtRun));
    return metric;
}

KtFailure *
kt_failure_new(const char *workload, const char *domain, const char *message)
{
    KtFailure *failure = g_new0(KtFailure, 1);
    failure->workload = g_strdup(workload);
    failure->domain = g_strdup(domain);
    failure->message = g_strdup(message);
    return failure;
}

void
kt_failure_free(KtFailure *failure)
{
    if (failure == NULL)
        return;
    g_free(failure->workload);
    g_free(failure->domain);
    g_free(failure->message);
    g_free(failure);
}

KtBenchmark *
kt_benchmark_new(void)
{
    KtBenchmark *benchmark = g_new0(KtBenchmark, 1);
    benchmark->metrics = g_ptr_array_new_with_free_func((GDestroyNotify)metric_free);
    benchmark->failures = g_ptr_array_new_with_free_func((GDestroyNotify)kt_failure_free);
    return benchmark;
}

void
kt_benchmark_free(KtBenchmark *benchmark)
{
    if (benchmark == NULL)
        return;
    g_free(benchmark->profile);
    g_free(benchmark->about);
    g_ptr_array_unref(benchmark->metrics);
    g_ptr_array_unref(benchmark->failures);
    g_free(benchmark);
}

bool
kt_benchmark_gave_up(const KtBenchmark *benchmark, const char *workload, const char *domain)
{
    for (guint i = 0; i < benchmark->failures->len; i++) {
        const KtFailure *failure = benchmark->failures->pdata[i];
        if (failure->given_up && (workload == NULL || (g_strcmp0(failure->workload, workload) == 0 &&
                                                       g_strcmp0(failure->domain, domain) == 0)))
            return true;
    }
    return false;
}

bool
kt_benchmark_has_figures(const KtBenchmark *benchmark, const char *workload, const char *domain)
{
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        bool asked = workload == NULL ||
                     (g_str_equal(metric->workload, workload) && g_str_equal(metric->domain, domain));
        if (asked && !metric->watched && metric->runs->len > 0)
            return true;
    }
    return false;
}

static bool
insert_benchmark(KtJournal *journal, KtBenchmark *benchmark, GError **error)
{
    static const char sql[] =
        "INSERT INTO benchmarks (profile, started_usec, blocks, seed, about) VALUES (?, ?, ?, ?, ?)";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "siiis", benchmark->profile, benchmark->started_usec,
                         (gint64)benchmark->n_blocks, (gint64)benchmark->seed, benchmark->about);
    if (!kt_statement_run(journal, statement, error))
        return false;
    benchmark->id = sqlite3_last_insert_rowid(journal->db);
    return true;
}

/* Shares are kept as millionths, so that the statement's parameters are whole numbers. */
static bool
insert_metric(KtJournal *journal, gint64 benchmark, guint place, const KtMetric *metric, GError **error)
{
    static const char sql[] = "INSERT INTO metrics (benchmark, place, workload, domain, figure, unit, "
                              "more_is_better, matters_ppm, watched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "iissssiii", benchmark, (gint64)place, metric->workload,
                         metric->domain, metric->figure, metric->unit, (gint64)metric->more_is_better,
                         (gint64)(metric->matters * 1e6 + 0.5), (gint64)metric->watched);
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_begin_benchmark(KtJournal *journal, KtBenchmark *benchmark, GError **error)
{
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = insert_benchmark(journal, benchmark, error);
    for (guint i = 0; ok && i < benchmark->metrics->len; i++)
        ok = insert_metric(journal, benchmark->id, i, benchmark->metrics->pdata[i], error);
    return kt_database_end(journal, ok, error);
}

bool
kt_journal_benchmark_arm(KtJournal *journal, gint64 benchmark, gint64 run, GError **error)
{
    static const char sql[] = "UPDATE benchmarks SET applied_run = NULLIF(?, 0) WHERE id = ?";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "ii", run, benchmark);
    return kt_statement_run(journal, statement, error);
}

static bool
insert_sample(KtJournal *journal, gint64 benchmark, guint place, const KtRun *run, GError **error)
{
    static const char sql[] =
        "INSERT INTO samples (benchmark, metric, block, position, with_profile, taken_usec, "
        "value) VALUES (?, ?, ?, ?, ?, ?, ?)";
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "iiiiii", benchmark, (gint64)place, (gint64)run->block,
                         (gint64)run->position, (gint64)run->with, run->taken_usec);
    if (statement)
        sqlite3_bind_double(statement, 7, run->value);
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_add_samples(KtJournal *journal, const KtBenchmark *benchmark, gint64 taken_usec, GError **error)
{
    if (!kt_database_exec(journal, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = true;
    for (guint i = 0; ok && i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        const KtRun *run =
            metric->runs->len ? &g_array_index(metric->runs, KtRun, metric->runs->len - 1) : NULL;
        if (run && run->taken_usec == taken_usec)
            ok = insert_sample(journal, benchmark->id, i, run, error);
    }
    return kt_database_end(journal, ok, error);
}

bool
kt_journal_add_failure(KtJournal *journal, const KtBenchmark *benchmark, GError **error)
{
    static const char sql[] = "INSERT INTO failures (benchmark, place, workload, domain, block, position, "
                              "with_profile, tries, given_up, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    guint place = benchmark->failures->len - 1;
    const KtFailure *failure = benchmark->failures->pdata[place];
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(
        journal, error, sql, "iissiiiiis", benchmark->id, (gint64)place, failure->workload, failure->domain,
        (gint64)failure->block, (gint64)failure->position, (gint64)failure->with, (gint64)failure->tries,
        (gint64)failure->given_up, failure->message);
    return kt_statement_run(journal, statement, error);
}

bool
kt_journal_end_benchmark(KtJournal *journal, gint64 benchmark, gint64 now_usec, GError **error)
{
    static const char sql[] = "UPDATE benchmarks SET finished_usec = ? WHERE id = ?";
    g_autoptr(sqlite3_stmt) statement = kt_statement_new(journal, error, sql, "ii", now_usec, benchmark);
    return kt_statement_run(journal, statement, error);
}

static bool
read_head(KtJournal *journal, gint64 id, KtBenchmark *benchmark, GError **error)
{
    static const char sql[] =
        "SELECT id, profile, started_usec, finished_usec, blocks, seed, about FROM benchmarks "
        "WHERE ?1 IN (0, id) ORDER BY id DESC LIMIT 1";
    g_autoptr(sqlite3_stmt) row = kt_statement_new(journal, error, sql, "i", id);
    bool found;
    if (!row || !kt_statement_next(journal, row, &found, error))
        return false;
    if (!found) {
        g_autofree char *number = g_strdup_printf(" %" G_GINT64_FORMAT, id);
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "there is no benchmark%s", id ? number : " yet");
        return false;
    }
    benchmark->id = sqlite3_column_int64(row, 0);
    benchmark->profile = kt_statement_text(row, 1);
    benchmark->started_usec = sqlite3_column_int64(row, 2);
    benchmark->finished_usec = sqlite3_column_int64(row, 3);
    benchmark->n_blocks = (guint)sqlite3_column_int64(row, 4);
    benchmark->seed = (guint32)sqlite3_column_int64(row, 5);
    benchmark->about = kt_statement_text(row, 6);
    return true;
}

static gpointer
read_metric(sqlite3_stmt *row)
{
    KtMetric *metric = g_new0(KtMetric, 1);
    metric->workload = kt_statement_text(row, 0);
    metric->domain = kt_statement_text(row, 1);
    metric->figure = kt_statement_text(row, 2);
    metric->unit = kt_statement_text(row, 3);
    metric->more_is_better = sqlite3_column_int(row, 4) != 0;
    metric->matters = (double)sqlite3_column_int64(row, 5) / 1e6;
    metric->watched = sqlite3_column_int(row, 6) != 0;
    metric->runs = g_array_new(FALSE, FALSE, sizeof(KtRun));
    return metric;
}

static bool
read_metrics(KtJournal *journal, KtBenchmark *benchmark, GError **error)
{
    static const char sql[] =
        "SELECT workload, domain, figure, unit, more_is_better, matters_ppm, watched FROM metrics "
        "WHERE benchmark = ? ORDER BY place";
    g_autoptr(sqlite3_stmt) row = kt_statement_new(journal, error, sql, "i", benchmark->id);
    return kt_statement_rows(journal, row, read_metric, benchmark->metrics, error);
}

static gpointer
read_failure(sqlite3_stmt *row)
{
    KtFailure *failure = g_new0(KtFailure, 1);
    failure->workload = kt_statement_text(row, 0);
    failure->domain = kt_statement_text(row, 1);
    failure->block = (guint)sqlite3_column_int64(row, 2);
    failure->position = (guint)sqlite3_column_int64(row, 3);
    failure->with = sqlite3_column_int(row, 4) != 0;
    failure->tries = (guint)sqlite3_column_int64(row, 5);
    failure->given_up = sqlite3_column_int(row, 6) != 0;
    failure->message = kt_statement_text(row, 7);
    return failure;
}

static bool
read_failures(KtJournal *journal, KtBenchmark *benchmark, GError **error)
{
    static const char sql[] =
        "SELECT workload, domain, block, position, with_profile, tries, given_up, message FROM failures "
        "WHERE benchmark = ? ORDER BY place";
    g_autoptr(sqlite3_stmt) row = kt_statement_new(journal, error, sql, "i", benchmark->id);
    return kt_statement_rows(journal, row, read_failure, benchmark->failures, error);
}

static bool
read_samples(KtJournal *journal, KtBenchmark *benchmark, GError **error)
{
    static const char sql[] =
        "SELECT metric, block, position, with_profile, taken_usec, value FROM samples WHERE "
        "benchmark = ? ORDER BY taken_usec, metric";
    g_autoptr(sqlite3_stmt) row = kt_statement_new(journal, error, sql, "i", benchmark->id);
    bool found = row != NULL;
    while (found) {
        if (!kt_statement_next(journal, row, &found, error))
            return false;
        guint place = found ? (guint)sqlite3_column_int64(row, 0) : 0;
        if (!found || place >= benchmark->metrics->len)
            continue;
        KtRun run = {(guint)sqlite3_column_int64(row, 1), (guint)sqlite3_column_int64(row, 2),
                     sqlite3_column_int(row, 3) != 0, sqlite3_column_int64(row, 4),
                     sqlite3_column_double(row, 5)};
        g_array_append_val(((KtMetric *)benchmark->metrics->pdata[place])->runs, run);
    }
    return row != NULL;
}

KtBenchmark *
kt_journal_benchmark(KtJournal *journal, gint64 id, GError **error)
{
    g_autoptr(KtBenchmark) benchmark = kt_benchmark_new();
    if (!read_head(journal, id, benchmark, error) || !read_metrics(journal, benchmark, error) ||
        !read_failures(journal, benchmark, error) || !read_samples(journal, benchmark, error))
        return NULL;
    return g_steal_pointer(&benchmark);
}

bool
kt_journal_interrupted_benchmark(KtJournal *journal, gint64 *ret_id, GError **error)
{
    static const char sql[] =
        "SELECT id FROM benchmarks WHERE finished_usec = 0 AND EXISTS (SELECT 1 FROM steps "
        "WHERE run = applied_run AND to_undo) ORDER BY id DESC LIMIT 1";
    g_autoptr(sqlite3_stmt) row = kt_statement_new(journal, error, sql, "");
    bool found;
    if (!row || !kt_statement_next(journal, row, &found, error))
        return false;
    *ret_id = found ? sqlite3_column_int64(row, 0) : 0;
    return true;
}
