/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/remarks.h"

#include "agent/view/ink.h"
#include "agent/view/json.h"
#include "bench/compare/about.h"
#include "bench/compare/disturbed.h"
#include "bench/compare/order.h"

/* From half a CPU on, others than the guest are no background any more. Percent of one CPU. */
#define BUSY_PERCENT 50

#define MOST_NAMED 6

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
        const char *type = kt_about_text(domain, "type");
        if (*type && !g_str_equal(type, "kvm"))
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", kt_about_text(domain, "name"));
    }
    if (names->len == 0)
        return NULL;
    return g_strdup_printf("Emulated, without KVM: %s. There what the guest computes is slow and what the "
                           "host does for it is not: under KVM the same profile brings something else.",
                           names->str);
}

/* Somebody could take the report for an answer on these, too. */
static char *
staged_text(const KtBenchmark *benchmark)
{
    g_autoptr(json_t) about = json_loads(benchmark->about, 0, NULL);
    json_t *actions = json_object_get(json_object_get(about, "plan"), "actions");
    g_autoptr(GString) names = g_string_new(NULL);
    guint n = 0;
    for (gsize i = 0; i < json_array_size(actions); i++) {
        json_t *action = json_array_get(actions, i);
        const char *item = kt_about_text(action, "item");
        if (kt_about_change(about, i) == KT_CHANGE_STAGED && n++ < MOST_NAMED)
            g_string_append_printf(names, "%s%s of %s%s%s", names->len ? ", " : "",
                                   kt_about_text(action, "setting"), kt_about_target(action),
                                   *item ? " " : "", item);
    }
    if (n > MOST_NAMED)
        g_string_append_printf(names, ", and %u more", n - MOST_NAMED);
    if (n == 0)
        return NULL;
    return g_strdup_printf("Not measured, as it takes effect only when the guest is powered off and on "
                           "(--restart does that with those that run): %s.",
                           names->str);
}

char *
kt_failure_text(const KtBenchmark *benchmark, const KtFailure *failure)
{
    g_autofree char *when = g_strdup_printf("in block %u, %s", failure->block + 1,
                                            failure->with ? "with the profile" : "as it was");
    g_autofree char *tries = kt_count(failure->tries, "try", "tries");
    if (failure->workload == NULL && failure->given_up)
        return g_strdup_printf("At the end the profile could not be rolled back: %s.", failure->message);
    if (failure->workload == NULL)
        return g_strdup_printf("It ended early, in block %u, when the profile was to be %s: %s.",
                               failure->block + 1, failure->with ? "applied" : "rolled back",
                               failure->message);
    if (!failure->given_up)
        return g_strdup_printf("%s on %s went well %s, after %s that failed: %s.", failure->workload,
                               failure->domain, when, tries, failure->message);
    bool measured = kt_benchmark_has_figures(benchmark, failure->workload, failure->domain);
    return g_strdup_printf("%s on %s was given up %s, after %s that failed: %s. %s%s.", failure->workload,
                           failure->domain, when, tries, failure->message,
                           measured ? "Its figures are those from before" : "There are no figures of it",
                           failure->with ? "; the profile may be why" : "");
}

static bool
is_repeat_of(const KtFailure *failure, const KtFailure *other)
{
    return !other->given_up && g_strcmp0(other->workload, failure->workload) == 0 &&
           g_strcmp0(other->domain, failure->domain) == 0;
}

/* What failed for good has a sentence of its own. All runs of a workload that were repeated have one, at the
 * last of them; NULL: @place isn't that. */
static char *
failure_text(const KtBenchmark *benchmark, guint place)
{
    const GPtrArray *failures = benchmark->failures;
    const KtFailure *failure = failures->pdata[place];
    guint count = 0;
    for (guint i = 0; i < failures->len && !failure->given_up && failure->workload; i++) {
        bool repeat = is_repeat_of(failure, failures->pdata[i]);
        if (repeat && i > place)
            return NULL;
        count += repeat;
    }
    if (count < 2)
        return kt_failure_text(benchmark, failure);
    return g_strdup_printf("%u runs of %s on %s failed at first and went well when they were repeated, the "
                           "last in block %u: %s.",
                           count, failure->workload, failure->domain, failure->block + 1, failure->message);
}

char **
kt_remarks(const KtBenchmark *benchmark)
{
    char *texts[] = {staged_text(benchmark), busy_text(benchmark), disturbed_text(benchmark),
                     emulated_text(benchmark)};
    char **remarks = g_new0(char *, benchmark->failures->len + G_N_ELEMENTS(texts) + 1);
    guint n = 0;
    for (guint i = 0; i < benchmark->failures->len; i++) {
        char *text = failure_text(benchmark, i);
        if (text)
            remarks[n++] = text;
    }
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
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
