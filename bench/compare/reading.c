/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/reading.h"

#include <math.h>

#include "base/error.h"
#include "bench/compare/load.h"
#include "probes/hypervisor.h"

void
kt_reading_clear(KtReading *reading)
{
    g_clear_pointer(&reading->figures, g_free);
}

virDomainPtr
kt_bench_domain(const KtBench *bench, const char *name, GError **error)
{
    virDomainPtr domain = virDomainLookupByName(bench->connection, name);
    if (domain == NULL)
        kt_hypervisor_set_error(error, "%s", name);
    return domain;
}

/* libvirt doesn't say by whom; a benchmark leaves no guest off without saying so itself. */
static const char *
reason_text(int reason)
{
    switch (reason) {
    case VIR_DOMAIN_SHUTOFF_SHUTDOWN:
        return ": it was shut down";
    case VIR_DOMAIN_SHUTOFF_DESTROYED:
        return ": somebody has destroyed it";
    case VIR_DOMAIN_SHUTOFF_CRASHED:
        return ": it crashed";
    case VIR_DOMAIN_SHUTOFF_MIGRATED:
        return ": it was migrated to another host";
    case VIR_DOMAIN_SHUTOFF_SAVED:
        return ": it was saved";
    default:
        return "";
    }
}

char *
kt_bench_why_off(const KtBench *bench, const char *name)
{
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    g_autoptr(virDomain) domain = kt_bench_domain(bench, name, NULL);
    if (domain == NULL)
        return kt_hypervisor_domain_is_gone() ? g_strdup_printf("%s does not run: it is gone", name) : NULL;
    bool off = virDomainGetState(domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_SHUTOFF;
    return off ? g_strdup_printf("%s does not run%s", name, reason_text(reason)) : NULL;
}

/* A guest that will be powered off has another process then, which counts anew: only the host is compared. */
KtWatcher *
kt_bench_watcher(const KtBench *bench, const KtWorkload *workload, virDomainPtr domain)
{
    return kt_watcher_new(bench->root, workload->where == KT_WHERE_BOOT ? NULL : domain);
}

static bool
take_watched_figures(const KtWorkload *workload, KtReading *reading, GError **error)
{
    for (guint i = 0; i < workload->figures->len; i++) {
        const KtFigure *figure = workload->figures->pdata[i];
        if (figure->kind != KT_READ_WATCHED)
            continue;
        reading->figures[i] = NAN;
        for (guint k = 0; k < KT_N_WATCHED; k++)
            if (g_str_equal(figure->place, kt_watched_name(k)))
                reading->figures[i] = reading->watched[k];
        if (!isfinite(reading->figures[i])) {
            g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "%s: the counter '%s' could not be read",
                        workload->name, figure->place);
            return false;
        }
    }
    return true;
}

/* The workload's own run, and the counters before and after it. Owned output. */
static char *
run_watched(const KtBench *bench, const KtWorkload *workload, virDomainPtr domain, double *ret_watched,
            GError **error)
{
    KtWatch begin, end;
    g_autoptr(KtWatcher) watcher = kt_bench_watcher(bench, workload, domain);
    kt_watch_read(watcher, &begin);
    g_autofree char *output = kt_load_run(workload, domain, bench->asked, bench->cancel, error);
    if (output == NULL)
        return NULL;
    if (workload->where == KT_WHERE_BOOT) {
        /* All that the new process has used was used since: it isn't the load of others. */
        kt_watcher_free(watcher);
        watcher = kt_watcher_new(bench->root, domain);
    }
    kt_watch_read(watcher, &end);
    kt_watch_between(&begin, &end, ret_watched);
    return g_steal_pointer(&output);
}

bool
kt_reading_take(const KtBench *bench, const KtWorkload *workload, const char *name, KtReading *ret_reading,
                GError **error)
{
    g_auto(KtReading) reading = {g_get_real_time(), g_new0(double, workload->figures->len), {0}};
    g_autoptr(virDomain) domain = kt_bench_domain(bench, name, error);
    if (domain == NULL)
        return false;
    g_autofree char *off = kt_bench_why_off(bench, name);
    if (off) {
        g_set_error_literal(error, KT_ERROR, KT_ERROR_HYPERVISOR, off);
        return false;
    }
    g_autofree char *output = run_watched(bench, workload, domain, reading.watched, error);
    if (output == NULL || !kt_workload_figures(workload, output, reading.figures, error) ||
        !take_watched_figures(workload, &reading, error))
        return false;
    *ret_reading = reading;
    reading.figures = NULL;
    return true;
}

bool
kt_reading_keep(const KtBench *bench, const KtWorkload *workload, const char *domain,
                const KtReading *reading, KtRun run, GError **error)
{
    guint figure = 0;
    run.taken_usec = reading->taken_usec;
    for (guint i = 0; i < bench->benchmark->metrics->len; i++) {
        KtMetric *metric = bench->benchmark->metrics->pdata[i];
        if (!g_str_equal(metric->workload, workload->name) || !g_str_equal(metric->domain, domain))
            continue;
        run.value = NAN;
        if (!metric->watched)
            run.value = reading->figures[figure++];
        for (guint k = 0; metric->watched && k < KT_N_WATCHED; k++)
            if (g_str_equal(metric->figure, kt_watched_name((KtWatched)k)))
                run.value = reading->watched[k];
        if (isfinite(run.value))
            g_array_append_val(metric->runs, run);
    }
    return kt_journal_add_samples(bench->journal, bench->benchmark, run.taken_usec, error);
}
