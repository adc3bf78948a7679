/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "agent/view/json.h"
#include "bench/compare/remarks.h"
#include "bench/compare/report.h"

/* JSON has no infinity: what is unbounded is null. */
static json_t *
number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
interval_json(const char *name, const KtInterval *interval)
{
    return json_pack("{s:o, s:o, s:o}", name, number(interval->value), "low", number(interval->low), "high",
                     number(interval->high));
}

static json_t *
time_json(gint64 usec)
{
    if (usec == 0)
        return json_null();
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(usec / G_USEC_PER_SEC);
    g_autofree char *text = g_date_time_format_iso8601(time);
    return json_string(text);
}

static json_t *
runs_json(const KtMetric *metric)
{
    json_t *runs = json_array();
    for (guint i = 0; i < metric->runs->len; i++) {
        const KtRun *run = &g_array_index(metric->runs, KtRun, i);
        json_array_append_new(runs, json_pack("{s:i, s:i, s:b, s:I, s:o}", "block", (int)run->block,
                                              "position", (int)run->position, "with", run->with, "taken_usec",
                                              (json_int_t)run->taken_usec, "value", number(run->value)));
    }
    return runs;
}

static json_t *
metric_json(const KtMetric *metric)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:f, s:b, s:o}", "workload", kt_json_text(metric->workload),
                     "domain", kt_json_text(metric->domain), "figure", kt_json_text(metric->figure), "unit",
                     kt_json_text(metric->unit), "better", metric->more_is_better ? "more" : "less",
                     "matters", metric->matters, "watched", metric->watched, "runs", runs_json(metric));
}

/* What was made of the samples, beside them. */
static void
add_finding(json_t *json, const KtFinding *finding)
{
    const KtComparison *seen = &finding->comparison;
    g_autofree char *reason = kt_verdict_reason(finding);
    json_object_set_new(json, "verdict", json_string(kt_verdict_name(seen->verdict)));
    json_object_set_new(json, "why", kt_json_text(reason));
    json_object_set_new(json, "complete_blocks", json_integer(finding->blocks->len));
    if (finding->blocks->len == 0)
        return;
    json_t *change = interval_json("value", &seen->change);
    json_object_set_new(change, "relative", json_boolean(seen->relative));
    json_object_set_new(json, "before", interval_json("median", &finding->before));
    json_object_set_new(json, "after", interval_json("median", &finding->after));
    json_object_set_new(json, "change", change);
    json_object_set_new(json, "p", number(seen->p));
    json_object_set_new(json, "p_adjusted", number(seen->p_adjusted));
    json_object_set_new(json, "effect", number(seen->effect));
    json_object_set_new(json, "detectable", number(seen->detectable));
}

static json_t *
remarks_json(const KtBenchmark *benchmark)
{
    g_auto(GStrv) remarks = kt_remarks(benchmark);
    json_t *json = json_array();
    for (char **remark = remarks; *remark; remark++)
        json_array_append_new(json, kt_json_text(*remark));
    return json;
}

static json_t *
failures_json(const KtBenchmark *benchmark)
{
    json_t *json = json_array();
    for (guint i = 0; i < benchmark->failures->len; i++) {
        const KtFailure *failure = benchmark->failures->pdata[i];
        json_array_append_new(json, json_pack("{s:o, s:o, s:i, s:i, s:b, s:i, s:b, s:o}", "workload",
                                              kt_json_text(failure->workload), "domain",
                                              kt_json_text(failure->domain), "block", (int)failure->block,
                                              "position", (int)failure->position, "with", failure->with,
                                              "tries", (int)failure->tries, "given_up", failure->given_up,
                                              "message", kt_json_text(failure->message)));
    }
    return json;
}

static json_t *
head_json(json_t *json, const KtBenchmark *benchmark, const GPtrArray *findings)
{
    g_autofree char *sentence = kt_analysis_sentence(benchmark, findings);
    json_t *about = json_loads(benchmark->about, 0, NULL);
    json_object_set_new(json, "benchmark", json_integer(benchmark->id));
    json_object_set_new(json, "profile", kt_json_text(benchmark->profile));
    json_object_set_new(json, "started", time_json(benchmark->started_usec));
    json_object_set_new(json, "finished", time_json(benchmark->finished_usec));
    json_object_set_new(json, "blocks", json_integer(benchmark->n_blocks));
    json_object_set_new(json, "seed", json_integer(benchmark->seed));
    json_object_set_new(json, "sentence", kt_json_text(sentence));
    json_object_set_new(json, "remarks", remarks_json(benchmark));
    json_object_set_new(json, "failures", failures_json(benchmark));
    json_object_set_new(json, "about", about ? about : json_object());
    return json;
}

char *
kt_bench_json(const KtBenchmark *benchmark)
{
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    json_t *document = head_json(kt_json_document(), benchmark, findings);
    json_t *metrics = json_array();
    for (guint i = 0, judged = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        json_t *json = metric_json(metric);
        if (!metric->watched)
            add_finding(json, findings->pdata[judged++]);
        json_array_append_new(metrics, json);
    }
    json_object_set_new(document, "metrics", metrics);
    return kt_json_dump(document);
}

static json_t *
side_json(const KtFinding *finding)
{
    json_t *json = json_object();
    add_finding(json, finding);
    return json;
}

char *
kt_bench_compare_json(const KtBenchmark *one, const KtBenchmark *other)
{
    g_autoptr(GPtrArray) ones = kt_analyse(one);
    g_autoptr(GPtrArray) others = kt_analyse(other);
    json_t *document = kt_json_document();
    json_t *metrics = json_array();
    json_object_set_new(document, "one", head_json(json_object(), one, ones));
    json_object_set_new(document, "other", head_json(json_object(), other, others));
    for (guint i = 0; i < ones->len; i++) {
        const KtFinding *finding = ones->pdata[i], *same = kt_find_finding(others, finding->metric);
        if (same == NULL)
            continue;
        json_array_append_new(metrics, json_pack("{s:o, s:o, s:o, s:o, s:o}", "workload",
                                                 kt_json_text(finding->metric->workload), "figure",
                                                 kt_json_text(finding->metric->figure), "unit",
                                                 kt_json_text(finding->metric->unit), "one",
                                                 side_json(finding), "other", side_json(same)));
    }
    json_object_set_new(document, "compared", metrics);
    return kt_json_dump(document);
}
