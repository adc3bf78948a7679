/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/analysis.h"

#include <math.h>
#include <string.h>

#include "agent/view/ink.h"
#include "bench/compare/order.h"

#define MOST_NAMED 3 /* figures in the sentence, of each verdict */

static void
finding_free(KtFinding *finding)
{
    g_array_unref(finding->blocks);
    g_free(finding);
}

/* Blocks that have all their runs; an interrupted benchmark ends with one that hasn't. */
static GArray *
complete_blocks(const KtMetric *metric, guint n_blocks)
{
    GArray *blocks = g_array_new(FALSE, FALSE, sizeof(KtBlock));
    for (guint number = 0; number < n_blocks; number++) {
        KtBlock block;
        guint n_before = 0, n_after = 0;
        for (guint i = 0; i < metric->runs->len; i++) {
            const KtRun *run = &g_array_index(metric->runs, KtRun, i);
            if (run->block != number || (run->with ? n_after : n_before) == 2)
                continue;
            if (run->with)
                block.after[n_after++] = run->value;
            else
                block.before[n_before++] = run->value;
        }
        if (n_before == 2 && n_after == 2)
            g_array_append_val(blocks, block);
    }
    return blocks;
}

static const KtBlock *
blocks_of(const KtFinding *finding)
{
    return (const KtBlock *)(gpointer)finding->blocks->data;
}

/* All that have blocks are compared together, so that the correction is for all of them. */
static void
compare_all(GPtrArray *findings)
{
    g_autofree KtMeasured *measured = g_new(KtMeasured, findings->len);
    g_autofree KtComparison *comparisons = g_new(KtComparison, findings->len);
    guint n = 0;
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        if (finding->blocks->len)
            measured[n++] = (KtMeasured){blocks_of(finding), finding->blocks->len,
                                         finding->metric->more_is_better, finding->metric->matters};
    }
    kt_compare(measured, n, comparisons);
    n = 0;
    for (guint i = 0; i < findings->len; i++) {
        KtFinding *finding = findings->pdata[i];
        if (finding->blocks->len)
            finding->comparison = comparisons[n++];
    }
}

GPtrArray *
kt_analyse(const KtBenchmark *benchmark)
{
    GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        if (metric->watched)
            continue;
        KtFinding *finding = g_new0(KtFinding, 1);
        finding->metric = metric;
        finding->blocks = complete_blocks(metric, benchmark->n_blocks);
        finding->comparison.verdict = KT_VERDICT_TOO_FEW;
        if (finding->blocks->len) {
            finding->before = kt_median_interval(blocks_of(finding), finding->blocks->len, false);
            finding->after = kt_median_interval(blocks_of(finding), finding->blocks->len, true);
        }
        g_ptr_array_add(findings, finding);
    }
    compare_all(findings);
    return findings;
}

guint
kt_count_verdicts(const GPtrArray *findings, KtVerdict verdict)
{
    guint count = 0;
    for (guint i = 0; i < findings->len; i++)
        count += ((const KtFinding *)findings->pdata[i])->comparison.verdict == verdict;
    return count;
}

const KtFinding *
kt_find_finding(const GPtrArray *findings, const KtMetric *metric)
{
    const KtFinding *found = NULL;
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        const KtMetric *other = finding->metric;
        if (!g_str_equal(other->workload, metric->workload) || !g_str_equal(other->figure, metric->figure) ||
            !g_str_equal(other->unit, metric->unit))
            continue;
        if (g_str_equal(other->domain, metric->domain))
            return finding;
        found = found ? found : finding;
    }
    return found;
}

bool
kt_metric_median(const KtMetric *metric, bool with, double *ret_median)
{
    g_autofree double *values = g_new(double, metric->runs->len);
    guint n = 0;
    for (guint i = 0; i < metric->runs->len; i++) {
        const KtRun *run = &g_array_index(metric->runs, KtRun, i);
        if (run->with == with)
            values[n++] = run->value;
    }
    if (n == 0)
        return false;
    kt_sort(values, n);
    *ret_median = kt_quantile(values, n, 0.5);
    return true;
}

/* " (round-trip -51.5 %, throughput +59.6 %)" */
static void
name_some(GString *out, const GPtrArray *findings, KtVerdict verdict)
{
    guint named = 0;
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        if (finding->comparison.verdict != verdict || named == MOST_NAMED)
            continue;
        g_autofree char *change = kt_change_text(finding, finding->comparison.change.value);
        g_string_append_printf(out, "%s%s %s", named++ ? ", " : " (", finding->metric->figure, change);
    }
    g_string_append(out, kt_count_verdicts(findings, verdict) > named ? ", and more)" : ")");
}

bool
kt_medians_disagree(const GPtrArray *findings)
{
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        if (finding->blocks->len &&
            (finding->after.value - finding->before.value) * finding->comparison.change.value < 0)
            return true;
    }
    return false;
}

/* Of one figure there is nothing to count. */
static char *
sentence_of_one(const KtBenchmark *benchmark, const KtFinding *finding)
{
    static const char *const says[KT_N_VERDICTS] = {
        [KT_VERDICT_TOO_FEW] = "has too few blocks to say anything",
        [KT_VERDICT_BETTER] = "is better",
        [KT_VERDICT_WORSE] = "is worse",
        [KT_VERDICT_SAME] = "shows no difference",
        [KT_VERDICT_NOISY] = "is too noisy to say anything",
    };
    KtVerdict verdict = finding->comparison.verdict;
    bool sure = verdict == KT_VERDICT_BETTER || verdict == KT_VERDICT_WORSE;
    g_autofree char *change = sure ? kt_change_text(finding, finding->comparison.change.value) : NULL;
    return g_strdup_printf("With the profile '%s' the figure %s of %s %s%s%s.", benchmark->profile,
                           finding->metric->figure, finding->metric->workload, says[verdict],
                           change ? ": " : "", change ? change : "");
}

char *
kt_analysis_sentence(const KtBenchmark *benchmark, const GPtrArray *findings)
{
    if (findings->len == 1)
        return sentence_of_one(benchmark, findings->pdata[0]);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *count = kt_count(findings->len, "figure", "figures");
    g_string_printf(out, "With the profile '%s', of %s", benchmark->profile, count);
    const char *before = ": ";
    for (guint verdict = 0; verdict < KT_N_VERDICTS; verdict++) {
        guint n = kt_count_verdicts(findings, (KtVerdict)verdict);
        if (n == 0)
            continue;
        g_string_append_printf(out, "%s%u %s%s", before, n, verdict == KT_VERDICT_TOO_FEW ? "with " : "",
                               kt_verdict_name((KtVerdict)verdict));
        if (verdict == KT_VERDICT_BETTER || verdict == KT_VERDICT_WORSE)
            name_some(out, findings, (KtVerdict)verdict);
        before = ", ";
    }
    g_string_append_c(out, '.');
    return g_strdup(out->str);
}

/* Three digits, "5.50" as well as "5.45"; more only before the point. */
static char *
number_text(double value)
{
    if (value == 0 || fabs(value) >= 999.5)
        return g_strdup_printf("%.0f", value);
    char *text = g_strdup_printf("%#.3g", value);
    if (g_str_has_suffix(text, "."))
        text[strlen(text) - 1] = '\0';
    return text;
}

char *
kt_figure_text(double value, const char *unit)
{
    g_autofree char *number = number_text(value);
    return *unit ? g_strdup_printf("%s %s", number, unit) : g_steal_pointer(&number);
}

char *
kt_change_text(const KtFinding *finding, double change)
{
    bool bounded = isfinite(change) && isfinite(finding->comparison.change.high);
    if (!bounded && change != finding->comparison.change.value)
        return g_strdup("unknown");
    if (finding->comparison.relative)
        return g_strdup_printf("%+.1f %%", change * 100);
    g_autofree char *size = kt_figure_text(fabs(change), finding->metric->unit);
    return g_strdup_printf("%s%s", change < 0 ? "-" : "+", size);
}

char *
kt_change_range(const KtFinding *finding)
{
    const KtInterval *change = &finding->comparison.change;
    if (!isfinite(change->low) || !isfinite(change->high))
        return NULL;
    g_autofree char *low = kt_change_text(finding, change->low);
    g_autofree char *high = kt_change_text(finding, change->high);
    return g_strdup_printf("%s to %s", low, high);
}

char *
kt_verdict_reason(const KtFinding *finding)
{
    const KtComparison *seen = &finding->comparison;
    if (finding->blocks->len == 0)
        return g_strdup("no block was completed");
    if (seen->verdict == KT_VERDICT_TOO_FEW)
        return g_strdup_printf("%u of the %u blocks that a verdict takes", finding->blocks->len,
                               seen->least_blocks);
    if (seen->verdict == KT_VERDICT_BETTER || seen->verdict == KT_VERDICT_WORSE)
        return g_strdup_printf("p = %.3g after correction", seen->p_adjusted);
    g_autofree char *least = kt_change_text(finding, seen->detectable);
    const char *size = least[0] == '+' ? least + 1 : least;
    /* Its own interval says a change, but there are others that could have said so by chance. */
    if (seen->change.low * seen->change.high > 0)
        return g_strdup_printf("p = %.3g after correction is too much for a verdict; could have seen %s",
                               seen->p_adjusted, size);
    return g_strdup_printf("could have seen %s", size);
}
