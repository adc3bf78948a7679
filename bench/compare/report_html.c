/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "base/diagnostic.h"
#include "bench/compare/page.h"
#include "bench/compare/plot.h"
#include "bench/compare/remarks.h"
#include "bench/compare/report.h"

/* Pages stay below 1 MiB. */
#define MOST_TIME_LINES 24

/** A page while it is written. */
typedef struct {
    GString *out;
    const KtBenchmark *benchmark;
    const GPtrArray *findings;
    const char *plotter; /* NULL: no drawings */
    guint drawings;
} Page;

static void
add_row(Page *page, const KtFinding *finding)
{
    const KtMetric *metric = finding->metric;
    const KtComparison *seen = &finding->comparison;
    static const char *const marks[KT_N_VERDICTS] = {"few", "better", "worse", "same", "noisy"};
    g_autofree char *reason = kt_verdict_reason(finding);
    g_string_append(page->out, "<tr>");
    kt_page_cell(page->out, "th", "%s", metric->figure);
    kt_page_cell(page->out, "td", "%s on %s", metric->workload, metric->domain);
    if (finding->blocks->len) {
        g_autofree char *before = kt_figure_text(finding->before.value, metric->unit);
        g_autofree char *after = kt_figure_text(finding->after.value, metric->unit);
        g_autofree char *change = kt_change_text(finding, seen->change.value);
        g_autofree char *range = kt_change_range(finding);
        kt_page_cell(page->out, "td class=\"from value\"", "%s", before);
        kt_page_cell(page->out, "td class=\"value\"", "%s", after);
        g_string_append(page->out, "<td class=\"figure\"><b>");
        kt_page_text(page->out, "%s", change);
        g_string_append(page->out, "</b><br>");
        kt_page_text(page->out, "%s", range ? range : "");
        g_string_append(page->out, "</td>");
    } else {
        g_string_append(page->out, "<td></td><td></td><td></td>");
    }
    g_string_append_printf(page->out, "<td class=\"why %s\"><b>%s</b><br>", marks[seen->verdict],
                           kt_verdict_name(seen->verdict));
    kt_page_text(page->out, "%s; %s is better", reason, metric->more_is_better ? "more" : "less");
    g_string_append(page->out, "</td></tr>\n");
}

static void
add_summary(Page *page)
{
    g_string_append(page->out,
                    "<h2>What it brought</h2>\n<div class=\"wide\"><table><thead><tr><th>figure</th>"
                    "<th>measured by</th><th>as it was</th><th>with the profile</th>"
                    "<th>change (95&nbsp;%)</th><th>verdict</th></tr></thead><tbody>\n");
    for (guint i = 0; i < page->findings->len; i++)
        add_row(page, page->findings->pdata[i]);
    g_string_append(page->out, "</tbody></table></div>\n<p class=\"note\">" KT_MEDIANS_NOTE "</p>\n");
}

/* A drawing with its caption; where there is none nothing. */
static void
add_drawing(Page *page, const KtMetric *metric, char *svg)
{
    if (svg == NULL)
        return;
    g_string_append(page->out, "<figure><figcaption>");
    kt_page_text(page->out, "%s, %s on %s%s%s", metric->figure, metric->workload, metric->domain,
                 *metric->unit ? ", " : "", metric->unit);
    g_string_append_printf(page->out, "</figcaption>%s</figure>\n", svg);
    g_free(svg);
}

static void
add_drawings(Page *page)
{
    g_string_append(page->out, "<h2>The single runs</h2>\n");
    if (page->plotter == NULL) {
        g_string_append(page->out,
                        "<p>gnuplot isn't installed where this was written: there are no drawings.</p>\n");
        return;
    }
    g_string_append(
        page->out,
        "<p>A dot a run; the square is the median, the line through it its 95&nbsp;% interval.</p>\n"
        "<div class=\"many\">\n");
    for (guint i = 0; i < page->findings->len; i++) {
        const KtFinding *finding = page->findings->pdata[i];
        if (finding->blocks->len)
            add_drawing(page, finding->metric, kt_plot_finding(page->plotter, page->drawings++, finding));
    }
    g_string_append(page->out, "</div>\n");
}

/* Whether it was counted in both arms, and not nothing all the time. */
static bool
is_worth_showing(const KtMetric *metric, double *ret_before, double *ret_with)
{
    return metric->watched && kt_metric_median(metric, false, ret_before) &&
           kt_metric_median(metric, true, ret_with) && (*ret_before != 0 || *ret_with != 0);
}

static void
add_watched_row(Page *page, const KtMetric *metric, double before, double with)
{
    g_autofree char *one = kt_figure_text(before, metric->unit);
    g_autofree char *other = kt_figure_text(with, metric->unit);
    g_string_append(page->out, "<tr>");
    kt_page_cell(page->out, "th", "%s", metric->figure);
    kt_page_cell(page->out, "td class=\"from value\"", "%s", one);
    kt_page_cell(page->out, "td class=\"value\"", "%s", other);
    g_string_append(page->out, "</tr>\n");
}

/* A heading where another workload or guest begins. */
static void
add_watched_group(Page *page, const KtMetric *metric, const KtMetric *last)
{
    if (last && g_str_equal(last->workload, metric->workload) && g_str_equal(last->domain, metric->domain))
        return;
    g_string_append(page->out, "<tr>");
    kt_page_cell(page->out, "td class=\"group\" colspan=\"3\"", "beside %s on %s", metric->workload,
                 metric->domain);
    g_string_append(page->out, "</tr>\n");
}

static void
add_watched_table(Page *page)
{
    const KtMetric *last = NULL;
    g_string_append(page->out, "<div class=\"wide\"><table><thead><tr><th>counter</th><th>as it was</th>"
                               "<th>with the profile</th></tr></thead><tbody>\n");
    for (guint i = 0; i < page->benchmark->metrics->len; i++) {
        const KtMetric *metric = page->benchmark->metrics->pdata[i];
        double before, with;
        if (!is_worth_showing(metric, &before, &with))
            continue;
        add_watched_group(page, metric, last);
        add_watched_row(page, metric, before, with);
        last = metric;
    }
    g_string_append(page->out, "</tbody></table></div>\n");
}

static void
add_time_lines(Page *page)
{
    guint time_lines = 0;
    g_string_append(page->out, "<div class=\"many\">\n");
    for (guint i = 0; i < page->benchmark->metrics->len && time_lines < MOST_TIME_LINES; i++) {
        const KtMetric *metric = page->benchmark->metrics->pdata[i];
        double before, with;
        if (!is_worth_showing(metric, &before, &with))
            continue;
        add_drawing(page, metric,
                    kt_plot_watched(page->plotter, page->drawings++, metric, page->benchmark->started_usec));
        time_lines++;
    }
    g_string_append(page->out, "</div>\n");
}

static void
add_watched(Page *page)
{
    g_autofree char *absent = kt_absent_counters(page->benchmark);
    g_string_append(page->out, "<h2>Watched beside the runs</h2>\n<p>Medians; nothing here is judged. What "
                               "was nothing all the time isn't listed.");
    if (absent)
        kt_page_text(page->out, " Not counted on this host or guest: %s.", absent);
    g_string_append(page->out, "</p>\n");
    add_watched_table(page);
    if (page->plotter == NULL)
        return;
    g_string_append(page->out, "<p>In the course of the benchmark, in seconds since its start: grey as it "
                               "was, blue with the profile.</p>\n");
    add_time_lines(page);
}

/* What must be known before the figures are believed. */
static void
add_remarks(Page *page)
{
    g_auto(GStrv) remarks = kt_remarks(page->benchmark);
    for (char **remark = remarks; *remark; remark++) {
        g_string_append(page->out, "<p class=\"remark\">");
        kt_page_text(page->out, "%s", *remark);
        g_string_append(page->out, "</p>\n");
    }
}

static void
add_head(Page *page)
{
    g_autofree char *sentence = kt_analysis_sentence(page->benchmark, page->findings);
    g_autofree char *started = kt_time_text(page->benchmark->started_usec);
    g_autofree char *blocks = kt_count(page->benchmark->n_blocks, "block", "blocks");
    kt_page_begin(page->out, page->benchmark->profile);
    g_string_append(page->out, "<p class=\"answer\">");
    kt_page_text(page->out, "%s", sentence);
    g_string_append_printf(
        page->out,
        "</p>\n<p>Benchmark %" G_GINT64_FORMAT ", %s, %s of four runs%s. The runs with and without "
        "the profile took turns in an order by chance, so that a drift of the machine cancels. A verdict is "
        "wrong by chance in fewer than 5&nbsp;%% of such reports, all figures together.</p>\n",
        page->benchmark->id, started, blocks, page->benchmark->finished_usec ? "" : "; it ended early");
}

char *
kt_bench_html(const KtBenchmark *benchmark, const char *plotter)
{
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    g_autoptr(GString) out = g_string_new(NULL);
    Page page = {out, benchmark, findings, plotter, 0};
    add_head(&page);
    add_remarks(&page);
    add_summary(&page);
    add_drawings(&page);
    add_watched(&page);
    kt_page_about(out, benchmark);
    g_string_append(out, "</main></body></html>\n");
    return g_strdup(out->str);
}
