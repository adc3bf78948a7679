/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/disturbed.h"

#include <math.h>

/* A benchmark whose counter says @usual in @n runs of each arm. */
static KtBenchmark *
make_benchmark(KtWatched watched, double usual, guint n)
{
    KtBenchmark *benchmark = kt_benchmark_new();
    KtMetric *metric = kt_metric_new("load", "guest", kt_watched_name(watched), "%");
    metric->watched = true;
    for (guint i = 0; i < 2 * n; i++) {
        KtRun run = {i / 4, i % 4, i % 2 != 0, i, usual + i % 3};
        g_array_append_val(metric->runs, run);
    }
    g_ptr_array_add(benchmark->metrics, metric);
    return benchmark;
}

static bool
disturbed_by(KtWatched watched, double usual, guint n, double value)
{
    g_autoptr(KtBenchmark) benchmark = make_benchmark(watched, usual, n);
    double values[KT_N_WATCHED];
    for (guint i = 0; i < KT_N_WATCHED; i++)
        values[i] = NAN;
    values[watched] = value;
    return kt_disturbed_now(benchmark, "load", "guest", true, values);
}

static void
test_far_above_the_usual(void)
{
    g_assert_true(disturbed_by(KT_WATCH_OTHER_LOAD, 20, 6, 100));
    g_assert_false(disturbed_by(KT_WATCH_OTHER_LOAD, 20, 6, 60));
    g_assert_true(disturbed_by(KT_WATCH_STEAL, 0, 6, 15));
    g_assert_false(disturbed_by(KT_WATCH_STEAL, 0, 6, 5));
}

static void
test_busy_is_usual(void)
{
    g_assert_false(disturbed_by(KT_WATCH_OTHER_LOAD, 190, 6, 250));
    g_assert_true(disturbed_by(KT_WATCH_OTHER_LOAD, 190, 6, 300));
}

static void
test_what_is_usual_takes_runs(void)
{
    g_assert_false(disturbed_by(KT_WATCH_OTHER_LOAD, 20, KT_USUAL_RUNS - 1, 500));
    g_assert_true(disturbed_by(KT_WATCH_OTHER_LOAD, 20, KT_USUAL_RUNS, 500));
}

static void
test_other_counters_say_nothing(void)
{
    g_assert_false(disturbed_by(KT_WATCH_VCPU_BUSY, 20, 6, 500));
    g_assert_false(disturbed_by(KT_WATCH_FAULTS, 20, 6, 5000));
}

static void
test_counted(void)
{
    guint total;
    g_autoptr(KtBenchmark) benchmark = make_benchmark(KT_WATCH_OTHER_LOAD, 20, 8);
    g_assert_cmpuint(kt_count_disturbed(benchmark, &total), ==, 0);
    g_assert_cmpuint(total, ==, 16);
    KtMetric *metric = benchmark->metrics->pdata[0];
    g_array_index(metric->runs, KtRun, 3).value = 150;
    g_assert_cmpuint(kt_count_disturbed(benchmark, &total), ==, 1);
    g_assert_true(kt_disturbed(benchmark, metric, &g_array_index(metric->runs, KtRun, 3)));
    g_assert_false(kt_disturbed(benchmark, metric, &g_array_index(metric->runs, KtRun, 2)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/disturbed/far-above-the-usual", test_far_above_the_usual);
    g_test_add_func("/disturbed/busy-is-usual", test_busy_is_usual);
    g_test_add_func("/disturbed/what-is-usual-takes-runs", test_what_is_usual_takes_runs);
    g_test_add_func("/disturbed/other-counters-say-nothing", test_other_counters_say_nothing);
    g_test_add_func("/disturbed/counted", test_counted);
    return g_test_run();
}
