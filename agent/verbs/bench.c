/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/measuring.h"
#include "agent/view/view.h"
#include "bench/compare/report.h"

static KtExit
list_workloads(const KtOptions *options)
{
    g_auto(GStrv) names = kt_workload_names();
    g_autoptr(GString) out = g_string_new(NULL);
    for (char **name = names; *name; name++) {
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        g_autoptr(KtWorkload) workload = kt_workload_load(*name, diagnostics);
        g_autofree char *safe = kt_printable(*name);
        g_autofree char *summary = kt_printable(workload && workload->summary ? workload->summary : "");
        kt_pad(out, &options->style, KT_INK_HEADING, safe, 20);
        g_string_append_printf(out, " %s\n",
                               workload ? summary : "has mistakes: bench --workload tells them");
    }
    return kt_print(out->str, KT_EXIT_DONE);
}

static KtExit
print_report(const KtOptions *options, const KtBenchmark *benchmark, KtExit exit)
{
    if (options->json) {
        g_autofree char *json = kt_bench_json(benchmark);
        return kt_print(json, exit);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_bench_text(out, &options->style, benchmark);
    return kt_print_unless_quiet(options, out->str, exit);
}

/* Measures and shows it; what there is also where it ended early. */
static KtExit
carry_out(KtMeasuring *measuring, const KtPlan *plan)
{
    g_autoptr(GError) early = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtBenchmark) benchmark = kt_measuring_run(measuring, plan, &early, &error);
    if (benchmark == NULL)
        return kt_measuring_report_error(measuring, error);
    if (g_error_matches(early, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_warning("interrupted; all is as it was");
    else if (early)
        g_warning("%s", early->message);
    bool whole = early == NULL && !kt_benchmark_gave_up(benchmark, NULL, NULL) &&
                 g_hash_table_size(measuring->arms.left_off) == 0;
    return print_report(measuring->options, benchmark, whole ? KT_EXIT_DONE : KT_EXIT_PARTIAL);
}

static bool
ask(const KtOptions *options, const KtPlanning *planning, KtExit *ret_exit)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &options->style, planning->plan, planning->profile->name);
    g_string_append_c(out, '\n');
    if (!options->json && kt_print_unless_quiet(options, out->str, KT_EXIT_DONE) != KT_EXIT_DONE)
        return false;
    g_autofree char *counts = kt_view_counts(planning->plan);
    g_autofree char *question = g_strdup_printf("%s: apply and undo this in turns, measuring%s?", counts,
                                                options->restart ? ", and power guests off and on" : "");
    return kt_ask(options, question, ret_exit);
}

static KtExit
bench_profile(const KtOptions *options, const KtPlanning *planning, GPtrArray *workloads, KtJournal *journal)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtMeasuring) measuring = kt_measuring_new(options, planning, workloads, journal, &exit);
    if (measuring == NULL)
        return exit;
    const char *nothing = kt_measuring_nothing(measuring, planning->plan);
    if (nothing)
        return kt_report_usage(options, "%s", nothing);
    if (kt_measuring_leaves_some(measuring, planning->plan))
        g_warning("what takes a power cycle is not measured: --restart does that");
    return ask(options, planning, &exit) ? carry_out(measuring, planning->plan) : exit;
}

KtExit
kt_verb_bench(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    if (options->workloads == NULL)
        return options->arguments[0]
                   ? kt_report_usage(options, "which --workload? 'kvm-tune bench' lists them")
                   : list_workloads(options);
    if (options->arguments[0] == NULL)
        return kt_report_usage(options, "which profile? usage: kvm-tune bench PROFILE --workload W");
    g_autoptr(GPtrArray) workloads = kt_measuring_workloads(options, options->workloads, &exit);
    g_autoptr(KtProfile) profile = workloads ? kt_planning_profile(options, KT_HOST_WRITE, &exit) : NULL;
    if (profile == NULL)
        return exit;
    g_autoptr(KtJournal) journal = kt_open_journal(options, KT_JOURNAL_WRITE, "bench", &exit);
    if (journal == NULL)
        return exit;
    kt_warn_unfinished(options, journal);
    g_autoptr(KtPlanning) planning =
        kt_planning_make(options, g_steal_pointer(&profile), KT_HOST_WRITE, &exit);
    return planning ? bench_profile(options, planning, g_steal_pointer(&workloads), journal) : exit;
}
