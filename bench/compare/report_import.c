/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/json.h"
#include "base/error.h"
#include "bench/compare/report.h"

#define MOST_BLOCKS 10000

static bool
read_run(json_t *json, KtMetric *metric)
{
    int block, position, with;
    json_int_t taken;
    double value;
    if (json_unpack(json, "{s:i, s:i, s:b, s:I, s:F}", "block", &block, "position", &position, "with", &with,
                    "taken_usec", &taken, "value", &value) != 0 ||
        block < 0 || position < 0)
        return false;
    KtRun run = {(guint)block, (guint)position, with != 0, taken, value};
    g_array_append_val(metric->runs, run);
    return true;
}

static bool
read_metric(json_t *json, KtBenchmark *benchmark)
{
    const char *workload, *domain, *figure, *unit, *better;
    double matters;
    int watched;
    json_t *runs;
    if (json_unpack(json, "{s:s, s:s, s:s, s:s, s:s, s:F, s:b, s:o}", "workload", &workload, "domain",
                    &domain, "figure", &figure, "unit", &unit, "better", &better, "matters", &matters,
                    "watched", &watched, "runs", &runs) != 0)
        return false;
    KtMetric *metric = kt_metric_new(workload, domain, figure, unit);
    metric->more_is_better = g_str_equal(better, "more");
    metric->matters = matters;
    metric->watched = watched != 0;
    g_ptr_array_add(benchmark->metrics, metric);
    for (gsize i = 0; i < json_array_size(runs); i++)
        if (!read_run(json_array_get(runs, i), metric))
            return false;
    return json_is_array(runs);
}

static bool
read_failure(json_t *json, KtBenchmark *benchmark)
{
    const char *workload = json_string_value(json_object_get(json, "workload"));
    const char *domain = json_string_value(json_object_get(json, "domain")), *message;
    int block, position, with, tries, given_up;
    if (json_unpack(json, "{s:i, s:i, s:b, s:i, s:b, s:s}", "block", &block, "position", &position, "with",
                    &with, "tries", &tries, "given_up", &given_up, "message", &message) != 0 ||
        block < 0 || position < 0 || tries < 0 || (workload == NULL) != (domain == NULL))
        return false;
    KtFailure *failure = kt_failure_new(workload, domain, message);
    failure->block = (guint)block;
    failure->position = (guint)position;
    failure->with = with != 0;
    failure->tries = (guint)tries;
    failure->given_up = given_up != 0;
    g_ptr_array_add(benchmark->failures, failure);
    return true;
}

static gint64
time_of(json_t *document, const char *key)
{
    const char *text = json_string_value(json_object_get(document, key));
    g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;
    return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC : 0;
}

static bool
read_document(json_t *document, KtBenchmark *benchmark)
{
    json_int_t id, seed;
    int version, blocks;
    const char *profile;
    json_t *metrics, *about;
    if (json_unpack(document, "{s:i, s:I, s:s, s:i, s:I, s:o, s:o}", "version", &version, "benchmark", &id,
                    "profile", &profile, "blocks", &blocks, "seed", &seed, "about", &about, "metrics",
                    &metrics) != 0 ||
        version != 1 || blocks < 0 || blocks > MOST_BLOCKS || !json_is_array(metrics))
        return false;
    benchmark->id = id;
    benchmark->profile = g_strdup(profile);
    benchmark->n_blocks = (guint)blocks;
    benchmark->seed = (guint32)seed;
    char *text = json_dumps(about, JSON_COMPACT);
    benchmark->about = g_strdup(text);
    free(text);
    benchmark->started_usec = time_of(document, "started");
    benchmark->finished_usec = time_of(document, "finished");
    for (gsize i = 0; i < json_array_size(metrics); i++)
        if (!read_metric(json_array_get(metrics, i), benchmark))
            return false;
    json_t *failures = json_object_get(document, "failures"); /* an export of an older version has none */
    for (gsize i = 0; i < json_array_size(failures); i++)
        if (!read_failure(json_array_get(failures, i), benchmark))
            return false;
    return true;
}

KtBenchmark *
kt_bench_import(const char *file, const char *text, GError **error)
{
    json_error_t why;
    g_autoptr(KtBenchmark) benchmark = kt_benchmark_new();
    g_autoptr(json_t) document = json_loads(text, 0, &why);
    if (document && read_document(document, benchmark))
        return g_steal_pointer(&benchmark);
    g_set_error(error, KT_ERROR, KT_ERROR_PARSE,
                "%s: it is no export of a benchmark (kvm-tune report --json): %s", file,
                document ? "something is missing or of the wrong kind" : why.text);
    return NULL;
}
