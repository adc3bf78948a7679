/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/report.h"

#include <string.h>

#include "agent/view/json.h"

#define EVIL "<script>alert(1)</script>\033[2J|`x`\xff"

/* One metric of 8 blocks whose second arm is @factor times the first, and a watched one; all names are a
 * guest's. */
static KtBenchmark *
make_benchmark(double factor)
{
    KtBenchmark *benchmark = kt_benchmark_new();
    KtMetric *metric = kt_metric_new("load", EVIL, "=figure", "us");
    KtMetric *watched = kt_metric_new("load", EVIL, "vcpu-busy", "%");
    benchmark->id = 3;
    benchmark->profile = g_strdup(EVIL);
    benchmark->started_usec = 1000 * G_USEC_PER_SEC;
    benchmark->finished_usec = 2000 * G_USEC_PER_SEC;
    benchmark->n_blocks = 8;
    benchmark->seed = 5;
    benchmark->about =
        g_strdup("{\"plan\": {\"actions\": [{\"target\": \"domain:<img src=x>\", \"setting\": \"disk.cache\","
                 "\"to\": \"none\"}]}, \"workloads\": [{\"name\": \"a b\"}], \"restart\": true}");
    metric->matters = 0.05;
    watched->watched = true;
    for (guint i = 0; i < 32; i++) {
        bool with = i % 4 == 1 || i % 4 == 2;
        KtRun run = {i / 4, i % 4, with, (1000 + i) * G_USEC_PER_SEC, (with ? factor : 1) * (100 + i % 3)};
        g_array_append_val(metric->runs, run);
        g_array_append_val(watched->runs, run);
    }
    g_ptr_array_add(benchmark->metrics, metric);
    g_ptr_array_add(benchmark->metrics, watched);
    return benchmark;
}

static void
test_text(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    g_autoptr(GString) out = g_string_new(NULL);
    KtStyle style = {.width = 400};
    kt_bench_text(out, &style, benchmark);
    g_assert_nonnull(strstr(out->str, "the figure =figure of load is better: -50"));
    g_assert_nonnull(strstr(out->str, "########|"));
    g_assert_nonnull(strstr(out->str, "vcpu-busy"));
    g_assert_nonnull(strstr(out->str, "95 %: -50"));
    g_assert_null(strchr(out->str, '\033'));
}

/* Of so few blocks no interval is known, and nothing is printed in its place. */
static void
test_too_few_blocks(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    g_array_set_size(((KtMetric *)benchmark->metrics->pdata[0])->runs, 8);
    g_autoptr(GString) out = g_string_new(NULL);
    KtStyle style = {.width = 400};
    kt_bench_text(out, &style, benchmark);
    g_assert_nonnull(strstr(out->str, "has too few blocks to say anything"));
    g_assert_nonnull(strstr(out->str, " 2 of the 6 blocks"));
    g_assert_null(strstr(out->str, "95 %"));
    g_autofree char *html = kt_bench_html(benchmark, NULL);
    g_autofree char *markdown = kt_bench_markdown(benchmark);
    g_assert_null(strstr(html, "unknown"));
    g_assert_null(strstr(markdown, "unknown"));
}

/* Three digits each, and what is whole stays whole. */
static void
test_figures(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{5.45, "5.45 s"}, {5.5, "5.50 s"},    {170, "170 s"},     {999.6, "1000 s"},
                 {0, "0 s"},       {17363, "17363 s"}, {-0.25, "-0.250 s"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = kt_figure_text(cases[i].value, "s");
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

/* From or to nothing no change in percent is known: it is said in the unit, all digits before the point. */
static void
test_change_to_nothing(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0);
    KtMetric *metric = benchmark->metrics->pdata[0];
    for (guint i = 0; i < metric->runs->len; i++)
        g_array_index(metric->runs, KtRun, i).value *= 191;
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    const KtFinding *finding = findings->pdata[0];
    g_assert_false(finding->comparison.relative);
    g_autofree char *less = kt_change_text(finding, -19291);
    g_autofree char *more = kt_change_text(finding, 0.25);
    g_assert_cmpstr(less, ==, "-19291 us");
    g_assert_cmpstr(more, ==, "+0.250 us");
}

/* The medians can say the opposite of what the blocks do: then that is explained. */
static void
test_medians_disagree(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.9);
    KtMetric *metric = benchmark->metrics->pdata[0];
    g_autoptr(GPtrArray) agree = kt_analyse(benchmark);
    g_assert_false(kt_medians_disagree(agree));
    /* Two of three blocks say less, the one in the middle of all more. */
    static const double before[] = {10, 50, 100}, with[] = {9, 55, 90};
    g_array_set_size(metric->runs, 3 * 4);
    for (guint i = 0; i < metric->runs->len; i++) {
        KtRun *run = &g_array_index(metric->runs, KtRun, i);
        run->value = run->with ? with[run->block] : before[run->block];
    }
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    g_assert_true(kt_medians_disagree(findings));
    g_autofree char *markdown = kt_bench_markdown(benchmark);
    g_assert_nonnull(strstr(markdown, "need not be that of the medians"));
}

/* In all formats for people, and in JSON. */
static void
test_remarks(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    KtMetric *metric = kt_metric_new("load", EVIL, "other-load", "%");
    metric->watched = true;
    KtRun run = {.value = 171};
    g_array_append_val(metric->runs, run);
    g_ptr_array_add(benchmark->metrics, metric);
    g_autofree char *html = kt_bench_html(benchmark, NULL);
    g_autofree char *markdown = kt_bench_markdown(benchmark);
    g_autofree char *json = kt_bench_json(benchmark);
    g_assert_nonnull(strstr(html, "171&nbsp;% of a CPU"));
    g_assert_nonnull(strstr(markdown, "171 % of a CPU"));
    g_assert_nonnull(strstr(json, "171 % of a CPU"));
}

static void
test_json_comes_back(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(1.3);
    KtFailure *failure = kt_failure_new("load", "a guest", "no route");
    failure->block = 3;
    failure->position = failure->tries = 2;
    failure->with = failure->given_up = true;
    g_ptr_array_add(benchmark->failures, failure);
    g_ptr_array_add(benchmark->failures, kt_failure_new(NULL, NULL, "gone"));
    g_autofree char *text = kt_bench_json(benchmark);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtBenchmark) again = kt_bench_import("x.json", text, &error);
    g_assert_no_error(error);
    g_autofree char *text_again = kt_bench_json(again);
    g_assert_cmpstr(text, ==, text_again);
    g_assert_nonnull(strstr(text, "\"verdict\": \"worse\""));
    g_assert_cmpuint(again->failures->len, ==, 2);
}

static void
test_import_refuses(void)
{
    static const char half[] =
        "{\"version\": 1, \"benchmark\": 1, \"profile\": \"p\", \"blocks\": 1, \"seed\": 1, "
        "\"about\": {}, \"metrics\": [{}]}";
    static const char *const wrong[] = {"", "[]", "{\"version\": 1}", "{\"version\": 2, \"benchmark\": 1}",
                                        half};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(kt_bench_import("x.json", wrong[i], &error));
        g_assert_nonnull(strstr(error->message, "x.json"));
    }
}

static void
test_html_escapes(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    g_autofree char *html = kt_bench_html(benchmark, NULL);
    g_assert_null(strstr(html, "<script"));
    g_assert_null(strstr(html, "<img"));
    g_assert_null(strchr(html, '\033'));
    g_assert_true(g_utf8_validate(html, -1, NULL));
    g_assert_nonnull(strstr(html, "&lt;script&gt;"));
    g_assert_nonnull(strstr(html, "gnuplot isn&apos;t installed") ?: strstr(html, "gnuplot isn't installed"));
    g_assert_nonnull(strstr(html, "--workload &apos;a b&apos;") ?: strstr(html, "--workload &#39;a b&#39;"));
    g_assert_nonnull(strstr(html, "--seed 5 --restart"));
}

static void
test_html_draws(void)
{
    g_autofree char *plotter = g_find_program_in_path("gnuplot");
    if (plotter == NULL) {
        g_test_skip("gnuplot isn't installed");
        return;
    }
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    g_autofree char *html = kt_bench_html(benchmark, plotter);
    g_auto(GStrv) parts = g_strsplit(html, "<svg", -1);
    g_assert_cmpuint(g_strv_length(parts), ==, 3); /* a metric and a counter */
    g_assert_nonnull(strstr(html, "id=\"d0-"));
    g_assert_null(strstr(html, "<?xml"));
}

static void
test_other_formats(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    g_autofree char *markdown = kt_bench_markdown(benchmark);
    g_autofree char *csv = kt_bench_csv(benchmark);
    g_auto(GStrv) lines = g_strsplit(csv, "\r\n", -1);
    g_assert_nonnull(strstr(markdown, "\\<script\\>"));
    g_assert_null(strstr(markdown, "|`"));
    g_assert_cmpuint(g_strv_length(lines), ==, 1 + 64 + 1);
    g_assert_nonnull(strstr(csv, "\"'=figure\"")); /* no formula for a spreadsheet */
}

static void
test_compare(void)
{
    g_autoptr(KtBenchmark) one = make_benchmark(0.5);
    g_autoptr(KtBenchmark) other = make_benchmark(1.3);
    g_autoptr(GString) out = g_string_new(NULL);
    KtStyle style = {.width = 100};
    kt_bench_compare_text(out, &style, one, other);
    g_assert_nonnull(strstr(out->str, "better"));
    g_assert_nonnull(strstr(out->str, "worse"));
    g_autofree char *text = kt_bench_compare_json(one, other);
    g_autoptr(json_t) document = json_loads(text, 0, NULL);
    g_assert_cmpuint(json_array_size(json_object_get(document, "compared")), ==, 1);
}

/* The last block of an interrupted benchmark isn't used. */
static void
test_incomplete_block(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(0.5);
    KtMetric *metric = benchmark->metrics->pdata[0];
    g_array_set_size(metric->runs, 30);
    g_autoptr(GPtrArray) findings = kt_analyse(benchmark);
    const KtFinding *finding = findings->pdata[0];
    g_assert_cmpuint(finding->blocks->len, ==, 7);
    g_array_set_size(metric->runs, 2);
    g_autofree char *json = kt_bench_json(benchmark);
    g_assert_nonnull(strstr(json, "no block was completed"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report/text", test_text);
    g_test_add_func("/report/too-few-blocks", test_too_few_blocks);
    g_test_add_func("/report/figures", test_figures);
    g_test_add_func("/report/change-to-nothing", test_change_to_nothing);
    g_test_add_func("/report/medians-disagree", test_medians_disagree);
    g_test_add_func("/report/remarks", test_remarks);
    g_test_add_func("/report/json", test_json_comes_back);
    g_test_add_func("/report/import-refuses", test_import_refuses);
    g_test_add_func("/report/html-escapes", test_html_escapes);
    g_test_add_func("/report/html-draws", test_html_draws);
    g_test_add_func("/report/other-formats", test_other_formats);
    g_test_add_func("/report/compare", test_compare);
    g_test_add_func("/report/incomplete-block", test_incomplete_block);
    return g_test_run();
}
