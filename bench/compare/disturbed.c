/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/disturbed.h"

#include <math.h>

#include "bench/compare/order.h"

/** What tells of others, and how much above the usual is too much, percent of one CPU. */
static const struct {
    KtWatched watched;
    double much;
} signs[] = {
    {KT_WATCH_OTHER_LOAD, 50},
    {KT_WATCH_STEAL, 10},
};

static const KtMetric *
find_counter(const KtBenchmark *benchmark, const char *workload, const char *domain, KtWatched watched)
{
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        if (metric->watched && g_str_equal(metric->figure, kt_watched_name(watched)) &&
            g_str_equal(metric->workload, workload) && g_str_equal(metric->domain, domain))
            return metric;
    }
    return NULL;
}

/* Half as much again as usual, and more than what is always about. */
static bool
is_much(const KtMetric *counter, bool with, double value, double much)
{
    g_autofree double *values = g_new(double, counter->runs->len);
    guint n = 0;
    for (guint i = 0; i < counter->runs->len; i++) {
        const KtRun *run = &g_array_index(counter->runs, KtRun, i);
        if (run->with == with)
            values[n++] = run->value;
    }
    if (n < KT_USUAL_RUNS)
        return false;
    kt_sort(values, n);
    double usual = kt_quantile(values, n, 0.5);
    return value > usual + MAX(much, usual / 2);
}

bool
kt_disturbed_now(const KtBenchmark *benchmark, const char *workload, const char *domain, bool with,
                 const double *watched)
{
    for (guint i = 0; i < G_N_ELEMENTS(signs); i++) {
        const KtMetric *counter = find_counter(benchmark, workload, domain, signs[i].watched);
        double value = watched[signs[i].watched];
        if (counter && isfinite(value) && is_much(counter, with, value, signs[i].much))
            return true;
    }
    return false;
}

bool
kt_disturbed(const KtBenchmark *benchmark, const KtMetric *metric, const KtRun *run)
{
    double watched[KT_N_WATCHED];
    for (guint i = 0; i < KT_N_WATCHED; i++)
        watched[i] = NAN;
    for (guint i = 0; i < G_N_ELEMENTS(signs); i++) {
        const KtMetric *counter = find_counter(benchmark, metric->workload, metric->domain, signs[i].watched);
        for (guint k = 0; counter && k < counter->runs->len; k++) {
            const KtRun *other = &g_array_index(counter->runs, KtRun, k);
            if (other->block == run->block && other->position == run->position)
                watched[signs[i].watched] = other->value;
        }
    }
    return kt_disturbed_now(benchmark, metric->workload, metric->domain, run->with, watched);
}

guint
kt_count_disturbed(const KtBenchmark *benchmark, guint *ret_total)
{
    guint disturbed = 0;
    *ret_total = 0;
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        if (!metric->watched || !g_str_equal(metric->figure, kt_watched_name(signs[0].watched)))
            continue;
        *ret_total += metric->runs->len;
        for (guint k = 0; k < metric->runs->len; k++)
            disturbed += kt_disturbed(benchmark, metric, &g_array_index(metric->runs, KtRun, k));
    }
    return disturbed;
}
