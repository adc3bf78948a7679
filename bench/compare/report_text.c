/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/diagnostic.h"
#include "bench/compare/remarks.h"
#include "bench/compare/report.h"

#define NAME_COLUMNS 22
#define FIGURE_COLUMNS 24
#define CHANGE_COLUMNS 11
#define HALF_BAR 8 /* columns of a bar on either side of nothing */

char *
kt_time_text(gint64 usec)
{
    if (usec == 0)
        return g_strdup("");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(usec / G_USEC_PER_SEC);
    return g_date_time_format(time, "%Y-%m-%d %H:%M");
}

static KtInk
ink_of(KtVerdict verdict)
{
    switch (verdict) {
    case KT_VERDICT_BETTER:
        return KT_INK_GOOD;
    case KT_VERDICT_WORSE:
        return KT_INK_BAD;
    case KT_VERDICT_NOISY:
    case KT_VERDICT_TOO_FEW:
        return KT_INK_WARN;
    case KT_VERDICT_SAME:
    case KT_N_VERDICTS:
        break;
    }
    return KT_INK_DIM;
}

/* From the middle to the left less, to the right more. @most: the change that fills it. */
static void
print_bar(GString *out, const KtStyle *style, const KtFinding *finding, double most)
{
    const char *full = style->utf8 ? "█" : "#", *middle = style->utf8 ? "│" : "|";
    double change = finding->comparison.change.value;
    guint length = most > 0 ? (guint)lround(fabs(change) / most * HALF_BAR) : 0;
    g_autoptr(GString) left = g_string_new(NULL);
    g_autoptr(GString) right = g_string_new(NULL);
    for (guint i = 0; i < HALF_BAR; i++) {
        g_string_append(left, change < 0 && i >= HALF_BAR - length ? full : " ");
        g_string_append(right, change > 0 && i < length ? full : " ");
    }
    kt_ink(out, style, ink_of(finding->comparison.verdict), "%s%s%s", left->str, middle, right->str);
}

static void
print_finding(GString *out, const KtStyle *style, const KtFinding *finding, double most)
{
    const KtComparison *seen = &finding->comparison;
    g_autofree char *name = kt_printable(finding->metric->figure);
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_PLAIN, name, NAME_COLUMNS - 2);
    if (finding->blocks->len == 0) {
        kt_ink(out, style, KT_INK_WARN, "no block was completed\n");
        return;
    }
    g_autofree char *before = kt_figure_text(finding->before.value, "");
    g_autofree char *after = kt_figure_text(finding->after.value, finding->metric->unit);
    g_autofree char *both = g_strdup_printf("%s %s %s", before, kt_sign(style, KT_SIGN_ARROW), after);
    g_autofree char *safe = kt_printable(both);
    g_autofree char *change = kt_change_text(finding, seen->change.value);
    g_autofree char *range = kt_change_range(finding);
    g_autofree char *reason = kt_verdict_reason(finding);
    kt_pad(out, style, KT_INK_PLAIN, style->utf8 ? both : safe, FIGURE_COLUMNS);
    kt_pad(out, style, KT_INK_PLAIN, change, CHANGE_COLUMNS);
    print_bar(out, style, finding, most);
    g_string_append_c(out, ' ');
    kt_ink(out, style, ink_of(seen->verdict), "%s\n", kt_verdict_name(seen->verdict));
    g_string_append_printf(out, "%*s", NAME_COLUMNS, "");
    g_autofree char *detail =
        g_strdup_printf("%s%s%s%s; %s is better", range ? "95 %: " : "", range ? range : "",
                        range ? "; " : "", reason, finding->metric->more_is_better ? "more" : "less");
    kt_wrap(out, style, KT_INK_DIM, NAME_COLUMNS, NAME_COLUMNS, detail);
}

/* The largest change, for the bars; those in other measures than shares have bars of their own length. */
static double
largest_change(const GPtrArray *findings)
{
    double most = 0.1;
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        if (finding->blocks->len && finding->comparison.relative)
            most = MAX(most, fabs(finding->comparison.change.value));
    }
    return most;
}

static void
print_group(GString *out, const KtStyle *style, const KtMetric *metric, const KtMetric *before)
{
    if (before && g_str_equal(before->workload, metric->workload) &&
        g_str_equal(before->domain, metric->domain))
        return;
    g_autofree char *workload = kt_printable(metric->workload);
    g_autofree char *domain = kt_printable(metric->domain);
    g_string_append_c(out, '\n');
    kt_ink(out, style, KT_INK_HEADING, "%s", workload);
    g_string_append_printf(out, " on %s\n", domain);
}

static void
print_watched(GString *out, const KtStyle *style, const KtBenchmark *benchmark)
{
    const KtMetric *before = NULL;
    kt_ink(out, style, KT_INK_HEADING, "\nWatched beside the runs");
    g_string_append(out, " (medians; not judged)\n");
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        double as_was, with;
        if (!metric->watched || !kt_metric_median(metric, false, &as_was) ||
            !kt_metric_median(metric, true, &with) || (as_was == 0 && with == 0))
            continue;
        print_group(out, style, metric, before);
        before = metric;
        g_autofree char *one = kt_figure_text(as_was, "");
        g_autofree char *other = kt_figure_text(with, metric->unit);
        g_string_append(out, "  ");
        kt_pad(out, style, KT_INK_PLAIN, metric->figure, NAME_COLUMNS - 2);
        g_string_append_printf(out, "%s %s %s\n", one, kt_sign(style, KT_SIGN_ARROW), other);
    }
}

/* What neither the figures nor the counters say by themselves. */
static void
print_remarks(GString *out, const KtStyle *style, const KtBenchmark *benchmark)
{
    g_autofree char *absent = kt_absent_counters(benchmark);
    g_autofree char *not_counted = absent ? g_strdup_printf("not counted here: %s", absent) : NULL;
    g_auto(GStrv) remarks = kt_remarks(benchmark);
    if (not_counted) {
        g_string_append_c(out, '\n');
        kt_wrap(out, style, KT_INK_DIM, 0, 0, not_counted);
    }
    for (char **remark = remarks; *remark; remark++) {
        g_autofree char *safe = kt_printable(*remark);
        g_string_append_c(out, '\n');
        kt_wrap(out, style, KT_INK_WARN, 0, 0, safe);
    }
}

void
kt_bench_text(GString *out, const KtStyle *style, const KtBenchmark *benchmark)
{
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    g_autofree char *sentence = kt_analysis_sentence(benchmark, findings);
    g_autofree char *safe = kt_printable(sentence);
    g_autofree char *started = kt_time_text(benchmark->started_usec);
    g_autofree char *blocks = kt_count(benchmark->n_blocks, "block", "blocks");
    double most = largest_change(findings);
    kt_ink(out, style, KT_INK_HEADING, "benchmark %" G_GINT64_FORMAT, benchmark->id);
    g_string_append_printf(out, ", %s, %s of four runs%s\n", started, blocks,
                           benchmark->finished_usec ? "" : "; it ended early");
    kt_wrap(out, style, KT_INK_PLAIN, 0, 0, safe);
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        const KtFinding *before = i ? findings->pdata[i - 1] : NULL;
        print_group(out, style, finding->metric, before ? before->metric : NULL);
        print_finding(out, style, finding, most);
    }
    if (kt_medians_disagree(findings)) {
        g_string_append_c(out, '\n');
        kt_wrap(out, style, KT_INK_DIM, 0, 0, KT_MEDIANS_NOTE);
    }
    print_watched(out, style, benchmark);
    print_remarks(out, style, benchmark);
}
