/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/remarks.h"

#include "agent/view/json.h"
#include "bench/compare/disturbed.h"
#include "bench/compare/order.h"

/* From half a CPU on, others than the guest are no background any more. Percent of one CPU. */
#define BUSY_PERCENT 50

/* The median of a counter over all runs of all workloads; false: it wasn't counted. */
static bool
median_of(const KtBenchmark *benchmark, KtWatched watched, double *ret_median)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < benchmark->metrics->len; i++) {
        const KtMetric *metric = benchmark->metrics->pdata[i];
        if (!metric->watched || !g_str_equal(metric->figure, kt_watched_name(watched)))
            continue;
        for (guint k = 0; k < metric->runs->len; k++)
            g_array_append_val(values, g_array_index(metric->runs, KtRun, k).value);
    }
    if (values->len == 0)
        return false;
    double *sorted = (double *)(gpointer)values->data;
    kt_sort(sorted, values->len);
    *ret_median = kt_quantile(sorted, values->len, 0.5);
    return true;
}

/* Load that is always there disturbs no run more than another, and yet is in all figures. */
static char *
busy_text(const KtBenchmark *benchmark)
{
    double others, pressure;
    if (!median_of(benchmark, KT_WATCH_OTHER_LOAD, &others) || others < BUSY_PERCENT)
        return NULL;
    g_autofree char *waits = median_of(benchmark, KT_WATCH_PRESSURE_CPU, &pressure)
                                 ? g_strdup_printf(", and in %.0f %% of the time something waited for a CPU",
                                                   CLAMP(pressure, 0, 100))
                                 : g_strdup("");
    return g_strdup_printf("All but the guest took %.0f %% of a CPU (median over the runs)%s. Unless that is "
                           "the workload itself, this host was busy with something else: the figures are "
                           "noisier than on a quiet one, and worse in both arms.",
                           others, waits);
}

static char *
disturbed_text(const KtBenchmark *benchmark)
{
    guint total, disturbed = kt_count_disturbed(benchmark, &total);
    if (disturbed == 0)
        return NULL;
    return g_strdup_printf(
        "%u of %u runs were disturbed by others on this host (other-load, steal), also when "
        "they were repeated; they count as the others do.",
        disturbed, total);
}

static char *
emulated_text(const KtBenchmark *benchmark)
{
    g_autoptr(json_t) about = json_loads(benchmark->about, 0, NULL);
    json_t *domains = json_object_get(about, "domains");
    g_autoptr(GString) names = g_string_new(NULL);
    for (gsize i = 0; i < json_array_size(domains); i++) {
        json_t *domain = json_array_get(domains, i);
        const char *type = json_string_value(json_object_get(domain, "type"));
        const char *name = json_string_value(json_object_get(domain, "name"));
        if (type && name && !g_str_equal(type, "kvm"))
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
    }
    if (names->len == 0)
        return NULL;
    return g_strdup_printf("Emulated, without KVM: %s. There what the guest computes is slow and what the "
                           "host does for it is not: under KVM the same profile brings something else.",
                           names->str);
}

char **
kt_remarks(const KtBenchmark *benchmark)
{
    char *texts[] = {busy_text(benchmark), disturbed_text(benchmark), emulated_text(benchmark)};
    char **remarks = g_new0(char *, G_N_ELEMENTS(texts) + 1);
    for (guint i = 0, n = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i])
            remarks[n++] = texts[i];
    return remarks;
}

char *
kt_absent_counters(const KtBenchmark *benchmark)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint watched = 0; watched < KT_N_WATCHED; watched++) {
        bool there = false;
        for (guint i = 0; i < benchmark->metrics->len && !there; i++) {
            const KtMetric *metric = benchmark->metrics->pdata[i];
            there = metric->watched && g_str_equal(metric->figure, kt_watched_name((KtWatched)watched));
        }
        if (!there)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "",
                                   kt_watched_name((KtWatched)watched));
    }
    return names->len ? g_strdup(names->str) : NULL;
}
