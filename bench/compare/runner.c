/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/runner.h"

#include <math.h>

#include "base/error.h"
#include "bench/compare/disturbed.h"
#include "bench/compare/load.h"
#include "bench/compare/watch.h"
#include "probes/hypervisor.h"

/* How long a guest may take until it does what a workload wants: it may just have been powered on. */
#define READY_SECONDS 120
#define RETRY_MSEC 1000
#define FIRST_TRY_SECONDS 5

void
kt_schedule(guint32 seed, guint n_blocks, bool *ret_with)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    for (guint block = 0; block < n_blocks; block++) {
        bool outer = g_rand_boolean(random);
        for (guint i = 0; i < KT_BLOCK_RUNS; i++)
            ret_with[block * KT_BLOCK_RUNS + i] = (i == 0 || i == KT_BLOCK_RUNS - 1) == outer;
    }
}

static virDomainPtr
find_domain(const KtBench *bench, const char *name, GError **error)
{
    virDomainPtr domain = virDomainLookupByName(bench->connection, name);
    if (domain == NULL)
        kt_hypervisor_set_error(error, "%s", name);
    return domain;
}

static const KtFigure *
find_watched_figure(const KtWorkload *workload, KtWatched watched)
{
    for (guint i = 0; i < workload->figures->len; i++) {
        const KtFigure *figure = workload->figures->pdata[i];
        if (figure->kind == KT_READ_WATCHED && g_str_equal(figure->place, kt_watched_name(watched)))
            return figure;
    }
    return NULL;
}

static void
add_figures(KtBenchmark *benchmark, const KtWorkload *workload, const char *domain)
{
    for (guint i = 0; i < workload->figures->len; i++) {
        const KtFigure *figure = workload->figures->pdata[i];
        KtMetric *metric = kt_metric_new(workload->name, domain, figure->name, figure->unit);
        metric->more_is_better = figure->more_is_better;
        metric->matters = figure->matters;
        g_ptr_array_add(benchmark->metrics, metric);
    }
}

/* A guest that will be powered off has another process then, which counts anew: only the host is compared. */
static KtWatcher *
watcher_before(const KtBench *bench, const KtWorkload *workload, virDomainPtr domain)
{
    return kt_watcher_new(bench->root, workload->where == KT_WHERE_BOOT ? NULL : domain);
}

/* All that can be watched; what can't be is in no metric, which the report says. */
static bool
add_watched(KtBenchmark *benchmark, const KtWorkload *workload, const char *domain, const KtWatch *now,
            GError **error)
{
    for (guint i = 0; i < KT_N_WATCHED; i++) {
        if (isnan(now->values[i])) {
            const KtFigure *wanted = find_watched_figure(workload, (KtWatched)i);
            if (wanted == NULL)
                continue;
            g_set_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED,
                        "%s: the figure '%s': there is no counter '%s' of %s here", workload->name,
                        wanted->name, kt_watched_name((KtWatched)i), domain);
            return false;
        }
        KtMetric *metric = kt_metric_new(workload->name, domain, kt_watched_name((KtWatched)i),
                                         kt_watched_unit((KtWatched)i));
        metric->watched = true;
        g_ptr_array_add(benchmark->metrics, metric);
    }
    return true;
}

bool
kt_bench_prepare(KtBench *bench, GError **error)
{
    for (guint w = 0; w < bench->workloads->len; w++)
        for (guint d = 0; d < bench->domains->len; d++) {
            const KtWorkload *workload = bench->workloads->pdata[w];
            const char *name = bench->domains->pdata[d];
            KtWatch now;
            g_autoptr(virDomain) domain = find_domain(bench, name, error);
            if (domain == NULL)
                return false;
            g_autoptr(KtWatcher) watcher = watcher_before(bench, workload, domain);
            kt_watch_read(watcher, &now);
            add_figures(bench->benchmark, workload, name);
            if (!add_watched(bench->benchmark, workload, name, &now, error))
                return false;
        }
    return true;
}

/* Keeps what one run gave: @figures in the workload's order, @watched by KtWatched. */
static void
keep(KtBenchmark *benchmark, const KtWorkload *workload, const char *domain, KtRun run, const double *figures,
     const double *watched)
{
    guint figure = 0;
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        KtMetric *metric = benchmark->metrics->pdata[i];
        if (!g_str_equal(metric->workload, workload->name) || !g_str_equal(metric->domain, domain))
            continue;
        run.value = NAN;
        if (!metric->watched)
            run.value = figures[figure++];
        for (guint k = 0; metric->watched && k < KT_N_WATCHED; k++)
            if (g_str_equal(metric->figure, kt_watched_name((KtWatched)k)))
                run.value = watched[k];
        if (isfinite(run.value))
            g_array_append_val(metric->runs, run);
    }
}

static void
take_watched_figures(const KtWorkload *workload, const double *watched, double *figures)
{
    for (guint i = 0; i < workload->figures->len; i++) {
        const KtFigure *figure = workload->figures->pdata[i];
        for (guint k = 0; figure->kind == KT_READ_WATCHED && k < KT_N_WATCHED; k++)
            if (g_str_equal(figure->place, kt_watched_name((KtWatched)k)))
                figures[i] = watched[k];
    }
}

/* Runs a workload once on one domain. */
static bool
measure(KtBench *bench, const KtWorkload *workload, const char *name, double *figures, double *watched,
        GError **error)
{
    KtWatch begin, end;
    g_autoptr(virDomain) domain = find_domain(bench, name, error);
    if (domain == NULL)
        return false;
    g_autoptr(KtWatcher) watcher = watcher_before(bench, workload, domain);
    kt_watch_read(watcher, &begin);
    g_autofree char *output = kt_load_run(workload, domain, bench->cancel, error);
    if (output == NULL)
        return false;
    if (workload->where == KT_WHERE_BOOT) {
        /* All that the new process has used was used since: it isn't the load of others. */
        kt_watcher_free(watcher);
        watcher = kt_watcher_new(bench->root, domain);
    }
    kt_watch_read(watcher, &end);
    if (!kt_workload_figures(workload, output, figures, error))
        return false;
    kt_watch_between(&begin, &end, watched);
    take_watched_figures(workload, watched, figures);
    return true;
}

/* The same, kept where @run isn't NULL; one that others disturbed is repeated once. */
static bool
run_once(KtBench *bench, const KtWorkload *workload, const char *name, KtRun *run, GError **error)
{
    double watched[KT_N_WATCHED];
    g_autofree double *figures = g_new0(double, workload->figures->len);
    if (!measure(bench, workload, name, figures, watched, error))
        return false;
    if (run == NULL)
        return true;
    if (kt_disturbed_now(bench->benchmark, workload->name, name, run->with, watched) &&
        !measure(bench, workload, name, figures, watched, error))
        return false;
    keep(bench->benchmark, workload, name, *run, figures, watched);
    return kt_journal_add_samples(bench->journal, bench->benchmark, run->taken_usec, error);
}

/* The first run in an arm is thrown away: caches fill, connections are made. It is tried until the guest is
 * ready; what is sent to one that boots may be lost, so the first tries don't wait long for an answer. */
static bool
warm_up(KtBench *bench, const KtWorkload *workload, const char *name, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)READY_SECONDS * G_USEC_PER_SEC;
    KtWorkload patient = *workload;
    for (guint seconds = FIRST_TRY_SECONDS;; seconds = MIN(2 * seconds, workload->timeout_s)) {
        g_autoptr(GError) why = NULL;
        patient.timeout_s = MIN(seconds, workload->timeout_s);
        if (workload->where == KT_WHERE_PASSIVE || workload->where == KT_WHERE_BOOT ||
            run_once(bench, &patient, name, NULL, &why))
            return true;
        bool last = patient.timeout_s == workload->timeout_s && g_get_monotonic_time() > end;
        if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED) || last ||
            !kt_load_wait(RETRY_MSEC, bench->cancel, NULL)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
    }
}

static bool
warm_up_all(KtBench *bench, GError **error)
{
    for (guint w = 0; w < bench->workloads->len; w++)
        for (guint d = 0; d < bench->domains->len; d++)
            if (!warm_up(bench, bench->workloads->pdata[w], bench->domains->pdata[d], error))
                return false;
    return true;
}

/* A run that fails by chance is repeated once. */
static bool
run_all(KtBench *bench, guint done, guint total, GError **error)
{
    for (guint w = 0; w < bench->workloads->len; w++)
        for (guint d = 0; d < bench->domains->len; d++) {
            const KtWorkload *workload = bench->workloads->pdata[w];
            g_autoptr(GError) why = NULL;
            KtRun run = {done / KT_BLOCK_RUNS, done % KT_BLOCK_RUNS, bench->with, g_get_real_time(), 0};
            bench->progress(bench, done, total, bench->with, workload->name);
            if (run_once(bench, workload, bench->domains->pdata[d], &run, &why))
                continue;
            if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
                g_propagate_error(error, g_steal_pointer(&why));
                return false;
            }
            if (!run_once(bench, workload, bench->domains->pdata[d], &run, error))
                return false;
        }
    return true;
}

static bool
switch_to(KtBench *bench, bool with, GError **error)
{
    if (!bench->switch_arm(bench, with, error))
        return false;
    bench->with = with;
    return true;
}

static bool
run_blocks(KtBench *bench, GError **error)
{
    guint total = bench->benchmark->n_blocks * KT_BLOCK_RUNS;
    g_autofree bool *with = g_new(bool, total);
    kt_schedule(bench->benchmark->seed, bench->benchmark->n_blocks, with);
    for (guint i = 0; i < total; i++) {
        bool switched = with[i] != bench->with;
        if (g_cancellable_set_error_if_cancelled(bench->cancel, error) ||
            (switched && !switch_to(bench, with[i], error)) ||
            ((switched || i == 0) && !warm_up_all(bench, error)) || !run_all(bench, i, total, error))
            return false;
    }
    return true;
}

bool
kt_bench_run(KtBench *bench, GError **error)
{
    g_autoptr(GError) failure = NULL;
    bool measured = run_blocks(bench, error);
    if (!bench->with || switch_to(bench, false, &failure))
        return measured;
    /* Also where it was only interrupted: that isn't all that there is to say now. */
    g_autofree char *first = !measured && error ? g_strdup((*error)->message) : NULL;
    if (!measured)
        g_clear_error(error);
    g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                               "%s%sthe profile is still applied, 'kvm-tune rollback' undoes it: ",
                               first ? first : "", first ? "; " : "");
    return false;
}
