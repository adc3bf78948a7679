/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/verbs/bench_arms.h"
#include "agent/view/view.h"
#include "base/trust.h"
#include "bench/compare/report.h"

#define USUAL_BLOCKS 8
#define MOST_BLOCKS 1000

/* What the verb holds while it measures. */
typedef struct {
    const KtOptions *options;
    KtPlanning *planning;
    GPtrArray *workloads;
    KtArms arms;
    KtBench bench;
} Bench;

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

/* What others can change would run what they like, as root on this host or in a guest. */
static bool
check_trust(const KtOptions *options, const KtWorkload *workload, KtExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    if (kt_trust_check(workload->file, &error))
        return true;
    g_prefix_error(&error, "others could change the workload, put a copy where only root can write: ");
    *ret_exit = kt_report_error(options, error);
    return false;
}

static GPtrArray *
load_workloads(const KtOptions *options, KtExit *ret_exit)
{
    g_autoptr(GPtrArray) workloads = g_ptr_array_new_with_free_func((GDestroyNotify)kt_workload_free);
    for (char **name = options->workloads; *name; name++) {
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        KtWorkload *workload = kt_workload_load(*name, diagnostics);
        if (workload == NULL) {
            *ret_exit = kt_report_diagnostics(options, diagnostics);
            return NULL;
        }
        g_ptr_array_add(workloads, workload);
        if (!check_trust(options, workload, ret_exit))
            return NULL;
    }
    return g_steal_pointer(&workloads);
}

static bool
is_chosen(const KtOptions *options, const KtDomain *domain)
{
    for (char **glob = options->domains; glob && *glob; glob++)
        if (kt_glob_matches(*glob, domain->name))
            return true;
    return options->domains == NULL;
}

/* The running domains that the workloads run on. */
static GPtrArray *
measured_domains(const KtOptions *options, const KtSnapshot *snapshot)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->state == KT_DOMAIN_RUNNING && is_chosen(options, domain))
            g_ptr_array_add(names, g_strdup(domain->name));
    }
    return names;
}

static bool
is_live(const KtAction *action)
{
    return action->when != KT_WHEN_NEXT_BOOT && action->when != KT_WHEN_RESTART;
}

/* The running domains of which something is staged. */
static GPtrArray *
staged_domains(const KtPlan *plan)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        const KtDomain *domain = action->domain >= 0 ? plan->snapshot->domains->pdata[action->domain] : NULL;
        if (domain && !is_live(action) && domain->state == KT_DOMAIN_RUNNING &&
            !g_ptr_array_find_with_equal_func(names, domain->name, g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(domain->name));
    }
    return names;
}

static guint
count_live(const KtPlan *plan)
{
    guint count = 0;
    for (guint i = 0; i < plan->actions->len; i++)
        count += is_live(plan->actions->pdata[i]);
    return count;
}

/* Whether there are two arms that differ, and guests to measure them on. */
static bool
check_measurable(Bench *bench, KtExit *ret_exit)
{
    const KtOptions *options = bench->options;
    const KtPlan *plan = bench->planning->plan;
    g_autoptr(GPtrArray) staged = staged_domains(plan);
    const char *why = NULL;
    if (bench->bench.domains->len == 0)
        why = "no domain that could be measured runs";
    else if (plan->actions->len == 0)
        why = "all is as the profile wants it already: there is nothing to compare";
    else if (count_live(plan) == 0 && !options->restart)
        why =
            "all that the profile changes takes a power cycle: --restart powers the guests off and on between the arms";
    if (why) {
        *ret_exit = kt_report_usage(options, "%s", why);
        return false;
    }
    if (options->restart)
        g_ptr_array_extend_and_steal(bench->arms.cycled, g_steal_pointer(&staged));
    else if (staged->len)
        g_warning("what takes a power cycle is not measured: --restart does that");
    return true;
}

static KtBenchmark *
make_benchmark(const Bench *bench)
{
    const KtOptions *options = bench->options;
    KtBenchmark *benchmark = kt_benchmark_new();
    benchmark->profile = g_strdup(bench->planning->profile->name);
    benchmark->started_usec = g_get_real_time();
    benchmark->n_blocks = options->blocks ? (guint)options->blocks : USUAL_BLOCKS;
    benchmark->seed = options->seed ? (guint32)options->seed : g_random_int();
    benchmark->about = kt_bench_about(options, bench->planning, bench->workloads, bench->bench.domains);
    return benchmark;
}

static void
show_progress(const KtBench *running, guint done, guint total, bool with, const char *workload)
{
    KtArms *arms = running->user_data;
    const KtOptions *options = arms->options;
    if (options->verbosity < 0 || options->json || !isatty(STDERR_FILENO))
        return;
    gint64 spent = g_get_real_time() - running->benchmark->started_usec;
    gint64 left = done ? spent * (total - done) / done / (60 * G_USEC_PER_SEC) : 0;
    g_autofree char *name = kt_printable(workload);
    g_autofree char *time = done ? g_strdup_printf("%" G_GINT64_FORMAT " min left", left + 1) : g_strdup("");
    g_autofree char *line = g_strdup_printf("[%u/%u] %s, %s; %s", done + 1, total,
                                            with ? "with the profile" : "as it was", name, time);
    g_autofree char *shown = kt_shorten(&options->style, line, options->style.width - 1);
    fprintf(stderr, "\r\033[K%s", shown);
    fflush(stderr);
}

static gboolean
interrupt(gpointer cancel)
{
    g_cancellable_cancel(cancel);
    return G_SOURCE_CONTINUE;
}

/* Measures; a signal ends it, and everything is put back. */
static bool
measure(KtBench *bench, GError **error)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    guint sources[G_N_ELEMENTS(signals)];
    for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
        sources[i] = g_unix_signal_add(signals[i], interrupt, bench->cancel);
    bool measured = kt_bench_run(bench, error);
    for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
        g_source_remove(sources[i]);
    return measured;
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

static KtExit
carry_out(Bench *bench, KtBenchmark *benchmark)
{
    const KtOptions *options = bench->options;
    g_autoptr(GError) error = NULL;
    bench->bench.benchmark = benchmark;
    if (!kt_bench_prepare(&bench->bench, &error) ||
        !kt_journal_begin_benchmark(bench->bench.journal, benchmark, &error))
        return kt_report_error(options, error);
    bool measured = measure(&bench->bench, &error);
    kt_end_progress(options);
    bool interrupted = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    if (!measured && !interrupted)
        return kt_report_error(options, error);
    benchmark->finished_usec = g_get_real_time();
    if (!kt_journal_end_benchmark(bench->bench.journal, benchmark->id, benchmark->finished_usec,
                                  error ? NULL : &error))
        return kt_report_error(options, error);
    if (interrupted)
        g_warning("%s%s", "interrupted; all is as it was. ", error->message);
    return print_report(options, benchmark, interrupted ? KT_EXIT_PARTIAL : KT_EXIT_DONE);
}

static bool
ask(const Bench *bench, KtExit *ret_exit)
{
    const KtOptions *options = bench->options;
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &options->style, bench->planning->plan, bench->planning->profile->name);
    g_string_append_c(out, '\n');
    if (!options->json && kt_print_unless_quiet(options, out->str, KT_EXIT_DONE) != KT_EXIT_DONE)
        return false;
    g_autofree char *counts = kt_view_counts(bench->planning->plan);
    g_autofree char *question =
        g_strdup_printf("%s: apply and undo this in turns, measuring%s?", counts,
                        bench->arms.cycled->len ? ", and power guests off and on" : "");
    return kt_ask(options, question, ret_exit);
}

static KtExit
bench_profile(Bench *bench, KtJournal *journal)
{
    KtExit exit = KT_EXIT_ERROR;
    bench->bench = (KtBench){.root = bench->planning->host->root,
                             .connection = bench->planning->host->connection,
                             .workloads = bench->workloads,
                             .journal = journal,
                             .switch_arm = kt_arms_switch,
                             .progress = show_progress,
                             .user_data = &bench->arms};
    g_autoptr(GPtrArray) domains = measured_domains(bench->options, bench->planning->host->snapshot);
    g_autoptr(GPtrArray) cycled = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    bench->bench.domains = domains;
    bench->bench.cancel = cancel;
    bench->arms = (KtArms){bench->options, bench->planning->profile, NULL, journal, 0, cycled};
    if (!check_measurable(bench, &exit) || !ask(bench, &exit))
        return exit;
    g_autoptr(KtBenchmark) benchmark = make_benchmark(bench);
    exit = carry_out(bench, benchmark);
    kt_host_free(bench->arms.host);
    return exit;
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
    if (options->blocks < 0 || options->blocks > MOST_BLOCKS)
        return kt_report_usage(options, "--blocks %d: 1 to %d are possible", options->blocks, MOST_BLOCKS);
    g_autoptr(GPtrArray) workloads = load_workloads(options, &exit);
    g_autoptr(KtProfile) profile = workloads ? kt_planning_profile(options, KT_HOST_WRITE, &exit) : NULL;
    if (profile == NULL)
        return exit;
    g_autoptr(KtJournal) journal = kt_open_journal(options, KT_JOURNAL_WRITE, "bench", &exit);
    if (journal == NULL)
        return exit;
    kt_warn_unfinished(options, journal);
    g_autoptr(KtPlanning) planning =
        kt_planning_make(options, g_steal_pointer(&profile), KT_HOST_WRITE, &exit);
    if (planning == NULL)
        return exit;
    Bench bench = {.options = options, .planning = planning, .workloads = workloads};
    return bench_profile(&bench, journal);
}
