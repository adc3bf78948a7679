/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/measuring.h"

#include <glib-unix.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/view/view.h"
#include "base/error.h"
#include "base/trust.h"
#include "bench/compare/remarks.h"
#include "bench/compare/statistics.h"

#define USUAL_BLOCKS 8
#define MOST_BLOCKS 1000
#define MOST_TRIES 6
#define SETTLE_SECONDS 120 /* a guest that was just powered on */
#define BUSY_PERCENT 25    /* of the time, which a host that has CPUs to spare is far from */

void
kt_measuring_free(KtMeasuring *measuring)
{
    if (measuring == NULL)
        return;
    kt_host_free(measuring->arms.host);
    kt_report_free(measuring->arms.report);
    g_clear_pointer(&measuring->arms.cycled, g_ptr_array_unref);
    g_clear_pointer(&measuring->bench.asked, g_hash_table_unref);
    g_clear_pointer(&measuring->arms.left_off, g_hash_table_unref);
    g_clear_pointer(&measuring->workloads, g_ptr_array_unref);
    g_clear_pointer(&measuring->domains, g_ptr_array_unref);
    g_clear_object(&measuring->cancel);
    g_free(measuring);
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

GPtrArray *
kt_measuring_workloads(const KtOptions *options, char **names, KtExit *ret_exit)
{
    g_autoptr(GPtrArray) workloads = g_ptr_array_new_with_free_func((GDestroyNotify)kt_workload_free);
    for (char **name = names; *name; name++) {
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

/* @globs NULL: all. */
static bool
is_chosen(char *const *globs, const char *name)
{
    return globs == NULL || kt_glob_matches_any((const char *const *)globs, name);
}

/* The running domains that the workloads run on. */
static GPtrArray *
measured_domains(const KtOptions *options, const KtSnapshot *snapshot)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->state == KT_DOMAIN_RUNNING && is_chosen(options->domains, domain->name) &&
            is_chosen(options->measure, domain->name))
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

static void
show_progress(const KtBench *running, guint done, guint total, bool with, const char *workload)
{
    const KtArms *arms = running->user_data;
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

/* What goes well when it is repeated is told in the report, what ends the benchmark when it has ended. */
static void
tell_failure(const KtBench *running, const KtFailure *failure)
{
    const KtArms *arms = running->user_data;
    if (!failure->given_up || failure->workload == NULL)
        return;
    g_autofree char *text = kt_failure_text(running->benchmark, failure);
    kt_end_progress(arms->options);
    g_warning("%s", text);
}

static bool
powers_off(const GPtrArray *workloads)
{
    for (guint i = 0; i < workloads->len; i++)
        if (((const KtWorkload *)workloads->pdata[i])->where == KT_WHERE_BOOT)
            return true;
    return false;
}

/* A measured domain that would be gone once it is off, or NULL. */
static const char *
find_transient(const GPtrArray *names, const KtSnapshot *snapshot)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!domain->persistent &&
            g_ptr_array_find_with_equal_func((GPtrArray *)names, domain->name, g_str_equal, NULL))
            return domain->name;
    }
    return NULL;
}

/* More blocks or a quieter time say more. */
static void
warn_of_busy_host(const KtSnapshot *snapshot)
{
    double waited = snapshot->kernel ? snapshot->kernel->cpu.some_avg10 : 0;
    if (waited > BUSY_PERCENT)
        g_warning("this host is busy: in %.0f %% of the last 10 seconds something waited for a CPU; what is "
                  "measured now will be noisy",
                  waited);
}

KtMeasuring *
kt_measuring_new(const KtOptions *options, const KtPlanning *planning, GPtrArray *workloads,
                 KtJournal *journal, KtExit *ret_exit)
{
    g_autoptr(KtMeasuring) measuring = g_new0(KtMeasuring, 1);
    measuring->options = options;
    measuring->workloads = workloads;
    measuring->domains = measured_domains(options, planning->host->snapshot);
    measuring->cancel = g_cancellable_new();
    measuring->arms = (KtArms){.options = options,
                               .profile = planning->profile,
                               .journal = journal,
                               .left_off = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    measuring->bench = (KtBench){.root = planning->host->root,
                                 .connection = planning->host->connection,
                                 .workloads = workloads,
                                 .domains = measuring->domains,
                                 .journal = journal,
                                 .asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                                 .cancel = measuring->cancel,
                                 .patience = {MOST_TRIES, SETTLE_SECONDS},
                                 .switch_arm = kt_arms_switch,
                                 .connect_again = kt_arms_connect_again,
                                 .progress = show_progress,
                                 .failed = tell_failure,
                                 .user_data = &measuring->arms};
    const char *transient =
        powers_off(workloads) ? find_transient(measuring->domains, planning->host->snapshot) : NULL;
    if (options->blocks < 0 || options->blocks > MOST_BLOCKS)
        *ret_exit =
            kt_report_usage(options, "--blocks %d: 1 to %d are possible", options->blocks, MOST_BLOCKS);
    else if (!options->restart && powers_off(workloads))
        *ret_exit = kt_report_usage(options, "a workload powers guests off and on: that wants --restart");
    else if (transient)
        *ret_exit = kt_report_usage(options,
                                    "%s is transient: a workload powers guests off, and it would be "
                                    "gone; define it ('virsh define'), or leave it out with --measure",
                                    transient);
    else if (measuring->domains->len == 0)
        *ret_exit = kt_report_usage(options, "no domain that could be measured runs%s",
                                    options->measure ? ", of those that --domain and --measure name" : "");
    else {
        warn_of_busy_host(planning->host->snapshot);
        return g_steal_pointer(&measuring);
    }
    return NULL;
}

const char *
kt_measuring_nothing(const KtMeasuring *measuring, const KtPlan *plan)
{
    if (plan->actions->len == 0 && measuring->options->domains)
        return "all that --domain leaves of the profile is as it wants it already: there is nothing to compare "
               "(the host's settings are changed without --domain; --measure names who is measured)";
    if (plan->actions->len == 0)
        return "all is as the profile wants it already: there is nothing to compare";
    if (count_live(plan) == 0 && !measuring->options->restart)
        return "all that the profile changes takes a power cycle: --restart powers the guests off and on "
               "between the arms";
    return NULL;
}

bool
kt_measuring_leaves_some(const KtMeasuring *measuring, const KtPlan *plan)
{
    g_autoptr(GPtrArray) staged = staged_domains(plan);
    return staged->len > 0 && !measuring->options->restart;
}

guint
kt_measuring_count_figures(const KtMeasuring *measuring)
{
    guint count = 0;
    for (guint i = 0; i < measuring->workloads->len; i++)
        count += ((const KtWorkload *)measuring->workloads->pdata[i])->figures->len;
    return count * measuring->domains->len;
}

guint
kt_measuring_blocks(const KtMeasuring *measuring)
{
    return measuring->options->blocks ? (guint)measuring->options->blocks : USUAL_BLOCKS;
}

guint
kt_measuring_least_blocks(const KtMeasuring *measuring)
{
    return kt_rank_least(KT_ALPHA / MAX(1, kt_measuring_count_figures(measuring)));
}

static KtBenchmark *
make_benchmark(const KtMeasuring *measuring, const KtPlan *plan)
{
    const KtOptions *options = measuring->options;
    KtBenchmark *benchmark = kt_benchmark_new();
    benchmark->profile = g_strdup(measuring->arms.profile->name);
    benchmark->started_usec = g_get_real_time();
    benchmark->n_blocks = kt_measuring_blocks(measuring);
    benchmark->seed = options->seed ? (guint32)options->seed : g_random_int();
    benchmark->about = kt_bench_about(options, plan, measuring->workloads, measuring->domains);
    return benchmark;
}

static gboolean
interrupt(gpointer cancel)
{
    g_cancellable_cancel(cancel);
    return G_SOURCE_CONTINUE;
}

/* A signal ends it, and everything is put back. */
static bool
run_heeding_signals(KtBench *bench, GError **error)
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

/* Of a benchmark without any figure there is nothing to show but why. */
static bool
check_measured(const KtBenchmark *benchmark, GError **early, GError **error)
{
    if (kt_benchmark_has_figures(benchmark, NULL, NULL) ||
        g_error_matches(*early, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return true;
    const KtFailure *first = benchmark->failures->len ? benchmark->failures->pdata[0] : NULL;
    g_autofree char *text = first ? kt_failure_text(benchmark, first) : NULL;
    if (*early)
        g_propagate_error(error, g_steal_pointer(early));
    else
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s", text ? text : "nothing could be measured");
    return false;
}

static bool
finish(const KtMeasuring *measuring, KtBenchmark *benchmark, GError **error)
{
    benchmark->finished_usec = g_get_real_time();
    return kt_journal_end_benchmark(measuring->bench.journal, benchmark->id, benchmark->finished_usec, error);
}

KtBenchmark *
kt_measuring_run(KtMeasuring *measuring, const KtPlan *plan, GError **ret_early, GError **error)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(measuring, plan);
    g_autoptr(GError) early = NULL;
    KtBench *bench = &measuring->bench;
    g_clear_pointer(&measuring->arms.cycled, g_ptr_array_unref);
    measuring->arms.powered = false;
    if (measuring->options->restart)
        measuring->arms.cycled = staged_domains(plan);
    bench->benchmark = benchmark;
    if (!kt_bench_prepare(bench, error) || !kt_journal_begin_benchmark(bench->journal, benchmark, error))
        return NULL;
    bool measured = run_heeding_signals(bench, &early);
    kt_end_progress(measuring->options);
    if ((measured && !finish(measuring, benchmark, error)) || !check_measured(benchmark, &early, error))
        return NULL;
    *ret_early = g_steal_pointer(&early);
    return g_steal_pointer(&benchmark);
}

KtExit
kt_measuring_report_error(const KtMeasuring *measuring, const GError *error)
{
    KtExit exit = kt_report_error(measuring->options, error);
    /* The last try to end as it began failed, or a proof's roll back of what was to stay. */
    return measuring->bench.with || measuring->arms.run != 0 ? KT_EXIT_PARTIAL : exit;
}
