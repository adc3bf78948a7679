/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/runner.h"

#include <math.h>

#include "base/error.h"
#include "bench/compare/disturbed.h"
#include "bench/compare/load.h"
#include "bench/compare/tries.h"
#include "probes/hypervisor.h"

/* How often it is tried to end as it began once it was interrupted: after 0, 1 and 3 seconds. */
#define INTERRUPTED_TRIES 3

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
            g_autoptr(virDomain) domain = kt_bench_domain(bench, name, error);
            if (domain == NULL)
                return false;
            g_autoptr(KtWatcher) watcher = kt_bench_watcher(bench, workload, domain);
            kt_watch_read(watcher, &now);
            add_figures(bench->benchmark, workload, name);
            if (!add_watched(bench->benchmark, workload, name, &now, error))
                return false;
        }
    return true;
}

/* Keeps in mind that a try failed, or with @workload NULL that the arms couldn't be switched. Takes @failure
 * over. */
static bool
note(KtBench *bench, KtFailure *failure, const KtRun *run, GError **error)
{
    failure->block = run->block;
    failure->position = run->position;
    failure->with = run->with;
    g_ptr_array_add(bench->benchmark->failures, failure);
    bench->failed(bench, failure);
    return kt_journal_add_failure(bench->journal, bench->benchmark, error);
}

static bool
note_tries(KtBench *bench, const KtTries *tries, const KtRun *run, bool given_up, GError **error)
{
    KtFailure *failure = kt_failure_new(tries->workload->name, tries->domain, tries->why->message);
    failure->tries = tries->failed;
    failure->given_up = given_up;
    return note(bench, failure, run, error);
}

/** What is done with each workload on each domain that wasn't given up. @run: when; NULL: before all. */
typedef bool (*Visit)(KtBench *bench, const KtWorkload *workload, const char *domain, const KtRun *run,
                      GError **error);

static bool
for_each(KtBench *bench, Visit visit, const KtRun *run, GError **error)
{
    for (guint w = 0; w < bench->workloads->len; w++)
        for (guint d = 0; d < bench->domains->len; d++) {
            const KtWorkload *workload = bench->workloads->pdata[w];
            const char *domain = bench->domains->pdata[d];
            if (!kt_benchmark_gave_up(bench->benchmark, workload->name, domain) &&
                !visit(bench, workload, domain, run, error))
                return false;
        }
    return true;
}

static bool
goes_on(const KtBench *bench)
{
    for (guint w = 0; w < bench->workloads->len; w++)
        for (guint d = 0; d < bench->domains->len; d++)
            if (!kt_benchmark_gave_up(bench->benchmark,
                                      ((const KtWorkload *)bench->workloads->pdata[w])->name,
                                      bench->domains->pdata[d]))
                return true;
    return false;
}

static bool
has_warm_up(const KtWorkload *workload)
{
    return workload->where != KT_WHERE_PASSIVE && workload->where != KT_WHERE_BOOT;
}

/* Before all: one that doesn't run at all is told at once. */
static bool
try_out(KtBench *bench, const KtWorkload *workload, const char *domain, const KtRun *run, GError **error)
{
    g_auto(KtReading) reading = {0};
    (void)run;
    return !has_warm_up(workload) || kt_reading_take(bench, workload, domain, &reading, error);
}

/* The first run in an arm is thrown away: caches fill, connections are made. */
static bool
warm_up(KtBench *bench, const KtWorkload *workload, const char *domain, const KtRun *run, GError **error)
{
    g_auto(KtTries) tries = {.workload = workload, .domain = domain, .settled_usec = bench->settled_usec};
    g_auto(KtReading) reading = {0};
    if (!has_warm_up(workload) || kt_tries_read(bench, &tries, &reading))
        return true;
    return !g_cancellable_set_error_if_cancelled(bench->cancel, error) &&
           note_tries(bench, &tries, run, true, error);
}

/* One that others disturbed is repeated once; where that fails the first one counts. */
static void
repeat_disturbed(KtBench *bench, const KtWorkload *workload, const char *domain, bool with,
                 KtReading *reading)
{
    g_auto(KtReading) again = {0};
    if (!kt_disturbed_now(bench->benchmark, workload->name, domain, with, reading->watched) ||
        !kt_reading_take(bench, workload, domain, &again, NULL))
        return;
    kt_reading_clear(reading);
    *reading = again;
    again.figures = NULL;
}

static bool
measure(KtBench *bench, const KtWorkload *workload, const char *domain, const KtRun *run, GError **error)
{
    g_auto(KtTries) tries = {.workload = workload, .domain = domain};
    g_auto(KtReading) reading = {0};
    bench->progress(bench, run->block * KT_BLOCK_RUNS + run->position,
                    bench->benchmark->n_blocks * KT_BLOCK_RUNS, run->with, workload->name);
    bool done = kt_tries_read(bench, &tries, &reading);
    if (!done && g_cancellable_set_error_if_cancelled(bench->cancel, error))
        return false;
    if (tries.failed && !note_tries(bench, &tries, run, !done, error))
        return false;
    if (!done)
        return true;
    repeat_disturbed(bench, workload, domain, run->with, &reading);
    return kt_reading_keep(bench, workload, domain, &reading, *run, error);
}

/* A switch that fails may leave something of the profile in force. */
static bool
switch_to(KtBench *bench, bool with, GError **error)
{
    bench->with = true;
    if (!bench->switch_arm(bench, with, error))
        return false;
    bench->with = with;
    bench->settled_usec = g_get_monotonic_time() + bench->patience.settle_seconds * G_USEC_PER_SEC;
    return true;
}

static bool
switch_before(KtBench *bench, const KtRun *run, GError **error)
{
    g_autoptr(GError) why = NULL;
    if (switch_to(bench, run->with, &why))
        return for_each(bench, warm_up, run, error);
    note(bench, kt_failure_new(NULL, NULL, why->message), run, NULL);
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* *@ret_run: the last that was begun. */
static bool
run_blocks(KtBench *bench, KtRun *ret_run, GError **error)
{
    guint total = bench->benchmark->n_blocks * KT_BLOCK_RUNS;
    g_autofree bool *with = g_new(bool, total);
    kt_schedule(bench->benchmark->seed, bench->benchmark->n_blocks, with);
    if (!for_each(bench, try_out, NULL, error))
        return false;
    for (guint i = 0; i < total && goes_on(bench); i++) {
        *ret_run = (KtRun){.block = i / KT_BLOCK_RUNS, .position = i % KT_BLOCK_RUNS, .with = with[i]};
        if (g_cancellable_set_error_if_cancelled(bench->cancel, error) ||
            (with[i] != bench->with && !switch_before(bench, ret_run, error)) ||
            !for_each(bench, measure, ret_run, error))
            return false;
    }
    return true;
}

/* Tried again only where nobody answered: libvirtd may be on its way back. Who interrupts waits for that a
 * few seconds; later `rollback` does it. */
static bool
is_hopeless(const KtBench *bench, guint failed)
{
    guint tries = g_cancellable_is_cancelled(bench->cancel) ? MIN(INTERRUPTED_TRIES, bench->patience.tries)
                                                            : bench->patience.tries;
    return failed >= tries || virConnectIsAlive(bench->connection) == 1;
}

static bool
end_as_it_began(KtBench *bench, GError **error)
{
    for (guint failed = 0; bench->with; failed++) {
        g_autoptr(GError) why = NULL;
        if (switch_to(bench, false, &why))
            return true;
        /* An interruption is heeded also while it waits. */
        kt_load_wait(0, NULL, NULL);
        if (is_hopeless(bench, failed + 1)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return false;
        }
        kt_load_wait(1000 << MIN(failed, 4), g_cancellable_is_cancelled(bench->cancel) ? NULL : bench->cancel,
                     NULL);
    }
    return true;
}

static void
note_left(KtBench *bench, const GError *why, KtRun run)
{
    KtFailure *failure = kt_failure_new(NULL, NULL, why->message);
    failure->given_up = true;
    run.with = false;
    note(bench, failure, &run, NULL);
}

bool
kt_bench_run(KtBench *bench, GError **error)
{
    KtRun run = {0};
    g_autoptr(GError) failure = NULL;
    g_autoptr(GError) last = NULL;
    bool measured = run_blocks(bench, &run, &failure), ended = end_as_it_began(bench, &last);
    if (!ended)
        note_left(bench, last, run);
    if (measured && ended)
        return true;
    if (ended)
        g_propagate_error(error, g_steal_pointer(&failure));
    else if (measured)
        g_propagate_error(error, g_steal_pointer(&last));
    else /* also where it was only interrupted: that isn't all that there is to say now */
        g_set_error(error, last->domain, last->code, "%s; %s", failure->message, last->message);
    return false;
}
