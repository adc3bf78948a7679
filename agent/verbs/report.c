/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/report.h"
#include "agent/verbs/verb.h"

/* A number is one of ours, anything else a file that `report --json` wrote; NULL is the newest. */
static KtBenchmark *
find_benchmark(const KtOptions *options, const char *name, KtExit *ret_exit)
{
    guint64 number = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtBenchmark) benchmark = NULL;
    if (name && !g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT64, &number, NULL)) {
        g_autofree char *text = NULL;
        if (g_file_get_contents(name, &text, NULL, &error))
            benchmark = kt_bench_import(name, text, &error);
    } else {
        g_autoptr(KtJournal) journal = kt_open_journal(options, KT_JOURNAL_READ, "report", ret_exit);
        if (journal == NULL)
            return NULL;
        benchmark = kt_journal_benchmark(journal, (gint64)number, &error);
    }
    if (error)
        *ret_exit = kt_report_error(options, error);
    return g_steal_pointer(&benchmark);
}

static KtExit
write_html(const KtOptions *options, const KtBenchmark *benchmark)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *plotter = g_find_program_in_path("gnuplot");
    g_autofree char *html = kt_bench_html(benchmark, plotter);
    if (!g_file_set_contents(options->html, html, -1, &error))
        return kt_report_error(options, error);
    return KT_EXIT_DONE;
}

static KtExit
print_one(const KtOptions *options, const KtBenchmark *benchmark)
{
    g_autofree char *text = NULL;
    if (options->html)
        return write_html(options, benchmark);
    if (options->json)
        text = kt_bench_json(benchmark);
    else if (options->markdown)
        text = kt_bench_markdown(benchmark);
    else if (options->csv)
        text = kt_bench_csv(benchmark);
    if (text)
        return kt_print(text, KT_EXIT_DONE);
    g_autoptr(GString) out = g_string_new(NULL);
    kt_bench_text(out, &options->style, benchmark);
    return kt_print(out->str, KT_EXIT_DONE);
}

static KtExit
compare(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    if (options->html || options->markdown || options->csv)
        return kt_report_usage(options, "--compare goes to the terminal, or with --json");
    g_autoptr(KtBenchmark) one = find_benchmark(options, options->arguments[0], &exit);
    g_autoptr(KtBenchmark) other = one ? find_benchmark(options, options->arguments[1], &exit) : NULL;
    if (other == NULL)
        return exit;
    if (options->json) {
        g_autofree char *json = kt_bench_compare_json(one, other);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_bench_compare_text(out, &options->style, one, other);
    return kt_print(out->str, KT_EXIT_DONE);
}

KtExit
kt_verb_report(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    guint n = g_strv_length(options->arguments), wanted = options->compare ? 2 : 1;
    if (n > wanted || (options->compare && n < wanted))
        return kt_report_usage(options, "%s",
                               options->compare ? "--compare wants two benchmarks"
                                                : "one benchmark, or --compare and two");
    if (options->compare)
        return compare(options);
    if ((options->html != NULL) + options->markdown + options->csv + options->json > 1)
        return kt_report_usage(options, "--html, --markdown, --csv and --json exclude each other");
    g_autoptr(KtBenchmark) benchmark = find_benchmark(options, options->arguments[0], &exit);
    return benchmark ? print_one(options, benchmark) : exit;
}
