/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/diagnostic.h"
#include "bench/compare/remarks.h"
#include "bench/compare/report.h"

/* What means something in Markdown or HTML doesn't any more. Owned. */
static char *
escaped(const char *text)
{
    g_autofree char *safe = kt_printable(text);
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *c = safe; *c; c++) {
        if (strchr("\\`*_[]#|<>~&", *c))
            g_string_append_c(out, '\\');
        g_string_append_c(out, *c);
    }
    return g_strdup(out->str);
}

static void
add_row(GString *out, const KtFinding *finding)
{
    g_autofree char *workload = escaped(finding->metric->workload);
    g_autofree char *domain = escaped(finding->metric->domain);
    g_autofree char *figure = escaped(finding->metric->figure);
    g_autofree char *unit = escaped(finding->metric->unit);
    g_autofree char *reason = kt_verdict_reason(finding);
    g_string_append_printf(out, "| %s | %s | %s | ", workload, domain, figure);
    if (finding->blocks->len) {
        g_autofree char *before = kt_figure_text(finding->before.value, unit);
        g_autofree char *after = kt_figure_text(finding->after.value, unit);
        g_autofree char *change = kt_change_text(finding, finding->comparison.change.value);
        g_autofree char *range = kt_change_range(finding);
        g_string_append_printf(out, "%s | %s | %s%s%s%s | ", before, after, change, range ? " (" : "",
                               range ? range : "", range ? ")" : "");
    } else {
        g_string_append(out, " | | | ");
    }
    g_string_append_printf(out, "%s: %s |\n", kt_verdict_name(finding->comparison.verdict), reason);
}

char *
kt_bench_markdown(const KtBenchmark *benchmark)
{
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    g_autofree char *sentence = kt_analysis_sentence(benchmark, findings);
    g_autofree char *safe = escaped(sentence);
    g_autofree char *started = kt_time_text(benchmark->started_usec);
    g_autoptr(GString) out = g_string_new(NULL);
    g_string_append_printf(
        out,
        "%s\n\n| workload | domain | figure | as it was | with the profile | change (95 %%) | "
        "verdict |\n| --- | --- | --- | ---: | ---: | ---: | --- |\n",
        safe);
    for (guint i = 0; i < findings->len; i++)
        add_row(out, findings->pdata[i]);
    g_autofree char *blocks = kt_count(benchmark->n_blocks, "block", "blocks");
    g_string_append_printf(out, "\nBenchmark %" G_GINT64_FORMAT ", %s, %s of four runs%s.\n", benchmark->id,
                           started, blocks, benchmark->finished_usec ? "" : "; it ended early");
    if (kt_medians_disagree(findings))
        g_string_append(out, "\n" KT_MEDIANS_NOTE "\n");
    g_auto(GStrv) remarks = kt_remarks(benchmark);
    for (char **remark = remarks; *remark; remark++) {
        g_autofree char *text = escaped(*remark);
        g_string_append_printf(out, "\n%s\n", text);
    }
    return g_strdup(out->str);
}

/* RFC 4180. A text that a spreadsheet would take for a formula isn't one. */
static void
add_field(GString *out, const char *text)
{
    g_autofree char *safe = kt_printable(text);
    g_string_append(out, strchr("=+-@", *safe) && *safe ? "\"'" : "\"");
    for (const char *c = safe; *c; c++)
        g_string_append(out, *c == '"' ? "\"\"" : (char[]){*c, '\0'});
    g_string_append(out, "\",");
}

char *
kt_bench_csv(const KtBenchmark *benchmark)
{
    g_autoptr(GString) out =
        g_string_new("workload,domain,figure,unit,watched,block,position,arm,taken_usec,value\r\n");
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        for (guint k = 0; k < metric->runs->len; k++) {
            const KtRun *run = &g_array_index(metric->runs, KtRun, k);
            add_field(out, metric->workload);
            add_field(out, metric->domain);
            add_field(out, metric->figure);
            add_field(out, metric->unit);
            g_string_append_printf(out, "%d,%u,%u,%s,%" G_GINT64_FORMAT ",%.10g\r\n", metric->watched,
                                   run->block, run->position, run->with ? "with" : "before", run->taken_usec,
                                   run->value);
        }
    }
    return g_strdup(out->str);
}
