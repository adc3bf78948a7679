/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/remarks.h"

#include <string.h>

#include "bench/compare/watch.h"

/* Eight runs of each counter; @others and @pressure in percent, about @type's guest. */
static KtBenchmark *
make_benchmark(double others, double pressure, const char *type)
{
    static const KtWatched counters[] = {KT_WATCH_OTHER_LOAD, KT_WATCH_PRESSURE_CPU};
    KtBenchmark *benchmark = kt_benchmark_new();
    benchmark->n_blocks = 2;
    benchmark->about = g_strdup_printf("{\"domains\": [{\"name\": \"db-1\", \"type\": \"%s\"}]}", type);
    for (guint counter = 0; counter < G_N_ELEMENTS(counters); counter++) {
        KtMetric *metric = kt_metric_new("load", "db-1", kt_watched_name(counters[counter]), "%");
        metric->watched = true;
        for (guint i = 0; i < 8; i++) {
            KtRun run = {i / 4, i % 4, i % 2 != 0, i, counter ? pressure : others};
            g_array_append_val(metric->runs, run);
        }
        g_ptr_array_add(benchmark->metrics, metric);
    }
    return benchmark;
}

static void
assert_remarks(KtBenchmark *benchmark, const char *first, guint n)
{
    g_auto(GStrv) remarks = kt_remarks(benchmark);
    g_assert_cmpuint(g_strv_length(remarks), ==, n);
    if (n)
        g_assert_nonnull(strstr(remarks[0], first));
    kt_benchmark_free(benchmark);
}

static void
test_nothing_to_say(void)
{
    assert_remarks(make_benchmark(20, 99, "kvm"), NULL, 0);
}

/* The same load all the time disturbs no run more than another. */
static void
test_busy_all_the_time(void)
{
    assert_remarks(make_benchmark(171, 98.6, "kvm"), "took 171 % of a CPU", 1);
    assert_remarks(make_benchmark(171, 98.6, "kvm"), "in 99 % of the time something waited", 1);
    assert_remarks(make_benchmark(171, 103, "kvm"), "in 100 % of the time",
                   1); /* both clocks are read one after the other */
}

static void
test_disturbed(void)
{
    KtBenchmark *benchmark = make_benchmark(20, 0, "kvm");
    g_array_index(((KtMetric *)benchmark->metrics->pdata[0])->runs, KtRun, 3).value = 150;
    assert_remarks(benchmark, "1 of 8 runs", 1);
}

static void
test_emulated(void)
{
    assert_remarks(make_benchmark(20, 0, "qemu"), "without KVM: db-1", 1);
    assert_remarks(make_benchmark(171, 0, "qemu"), "took 171 %", 2);
}

static void
add_failure(KtBenchmark *benchmark, const char *workload, const char *message, guint block, bool given_up)
{
    KtFailure *failure = kt_failure_new(workload, workload ? "db-1" : NULL, message);
    failure->block = block;
    failure->with = given_up;
    failure->tries = given_up ? 6 : 1;
    failure->given_up = given_up;
    g_ptr_array_add(benchmark->failures, failure);
}

/* One value of a figure that is judged. */
static void
add_figure(KtBenchmark *benchmark, const char *workload)
{
    KtMetric *metric = kt_metric_new(workload, "db-1", "figure", "s");
    KtRun run = {.value = 1};
    g_array_append_val(metric->runs, run);
    g_ptr_array_add(benchmark->metrics, metric);
}

/* Before all else; what went well when it was repeated in one sentence for a workload. */
static void
test_failures(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(20, 0, "kvm");
    add_failure(benchmark, "tcp", "no route", 1, false);
    add_failure(benchmark, "disk", "no space", 1, false);
    add_failure(benchmark, "tcp", "refused", 3, false);
    add_figure(benchmark, "tcp");
    add_failure(benchmark, "tcp", "gone", 4, true);
    add_failure(benchmark, NULL, "no CPU is left", 5, false);
    add_failure(benchmark, NULL, "no libvirtd", 5, true);
    g_auto(GStrv) remarks = kt_remarks(benchmark);
    g_assert_cmpuint(g_strv_length(remarks), ==, 5);
    g_assert_cmpstr(remarks[0], ==,
                    "disk on db-1 went well in block 2, as it was, after 1 try that failed: no space.");
    g_assert_cmpstr(
        remarks[1], ==,
        "2 runs of tcp on db-1 failed at first and went well when they were repeated, the last in "
        "block 4: refused.");
    g_assert_cmpstr(remarks[2], ==,
                    "tcp on db-1 was given up in block 5, with the profile, after 6 tries that failed: gone. "
                    "Its figures are those from before; the profile may be why.");
    g_assert_cmpstr(remarks[3], ==,
                    "It ended early, in block 6, when the profile was to be rolled back: no CPU is left.");
    g_assert_cmpstr(remarks[4], ==, "At the end the profile could not be rolled back: no libvirtd.");
}

/* What was given up before it was measured has no figures from before. */
static void
test_given_up_and_measured(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(20, 0, "kvm");
    add_figure(benchmark, "disk");
    add_failure(benchmark, "tcp", "gone", 0, true);
    for (guint measured = 0; measured < 2; measured++) {
        g_auto(GStrv) remarks = kt_remarks(benchmark);
        g_assert_true(g_str_has_suffix(remarks[0], measured ? "gone. Its figures are those from before; the "
                                                              "profile may be why."
                                                            : "gone. There are no figures of it; the "
                                                              "profile may be why."));
        add_figure(benchmark, "tcp");
    }
}

/* What was only staged, unless it is in force already, or the guests were powered off and on. */
static void
test_staged(void)
{
    static const char plan[] =
        "{\"restart\": %s, \"plan\": {\"domains\": [{\"name\": \"db-1\", \"running\": true}, "
        "{\"name\": \"off\", \"running\": false}], \"actions\": ["
        "{\"target\": \"domain:db-1\", \"setting\": \"cpu.placement\", \"to\": \"1\", \"when\": \"now\"},"
        "{\"target\": \"domain:db-1\", \"setting\": \"cpu.placement\", \"to\": \"1\","
        " \"when\": \"next-boot\"},"
        "{\"target\": \"domain:db-1\", \"setting\": \"disk.cache\", \"item\": \"disk vda\","
        " \"when\": \"next-boot\"},"
        "{\"target\": \"domain:off\", \"setting\": \"disk.cache\", \"item\": \"disk vda\","
        " \"when\": \"next-boot\"}]}}";
    for (guint restart = 0; restart < 2; restart++) {
        g_autoptr(KtBenchmark) benchmark = make_benchmark(20, 0, "kvm");
        g_free(benchmark->about);
        benchmark->about = g_strdup_printf(plan, restart ? "true" : "false");
        g_auto(GStrv) remarks = kt_remarks(benchmark);
        g_assert_cmpuint(g_strv_length(remarks), ==, 1);
        g_assert_true(
            g_str_has_suffix(remarks[0], restart ? "that run): disk.cache of off disk vda."
                                                 : "that run): disk.cache of db-1 disk vda, disk.cache of "
                                                   "off disk vda."));
    }
}

static void
test_absent(void)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(20, 0, "kvm");
    g_autofree char *absent = kt_absent_counters(benchmark);
    g_assert_nonnull(strstr(absent, "kvm-exits"));
    g_assert_null(strstr(absent, "other-load"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/remarks/nothing-to-say", test_nothing_to_say);
    g_test_add_func("/remarks/busy-all-the-time", test_busy_all_the_time);
    g_test_add_func("/remarks/disturbed", test_disturbed);
    g_test_add_func("/remarks/emulated", test_emulated);
    g_test_add_func("/remarks/failures", test_failures);
    g_test_add_func("/remarks/given-up-and-measured", test_given_up_and_measured);
    g_test_add_func("/remarks/staged", test_staged);
    g_test_add_func("/remarks/absent", test_absent);
    return g_test_run();
}
