/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/benchmarks.h"

#include "base/error.h"
#include "tests/unit/agent/exec/journal_fixture.h"

static KtBenchmark *
begin(JournalFixture *fixture)
{
    KtBenchmark *benchmark = kt_benchmark_new();
    KtMetric *metric = kt_metric_new("load", "a 'guest'", "latency", "ns");
    benchmark->profile = g_strdup("balanced");
    benchmark->about = g_strdup("{}");
    benchmark->n_blocks = 1;
    benchmark->seed = 0xffffffff;
    benchmark->started_usec = 5;
    metric->matters = 0.07;
    metric->more_is_better = true;
    g_ptr_array_add(benchmark->metrics, metric);
    g_ptr_array_add(benchmark->metrics, kt_metric_new("load", "a 'guest'", "faults", "1/s"));
    g_autoptr(GError) error = NULL;
    kt_journal_begin_benchmark(fixture->journal, benchmark, &error);
    g_assert_no_error(error);
    return benchmark;
}

static void
test_comes_back(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtBenchmark) benchmark = begin(fixture);
    KtMetric *metric = benchmark->metrics->pdata[0];
    for (guint i = 0; i < 2; i++) {
        KtRun run = {0, i, i == 1, 100 + i, 0.1 + i};
        g_array_append_val(metric->runs, run);
        g_assert_true(kt_journal_add_samples(fixture->journal, benchmark, run.taken_usec, &error));
    }
    g_assert_true(kt_journal_end_benchmark(fixture->journal, benchmark->id, 9, &error));
    g_autoptr(KtBenchmark) again = kt_journal_benchmark(fixture->journal, 0, &error);
    g_assert_no_error(error);
    const KtMetric *read = again->metrics->pdata[0], *other = again->metrics->pdata[1];
    const KtRun *run = &g_array_index(read->runs, KtRun, 1);
    g_assert_cmpint(again->id, ==, benchmark->id);
    g_assert_cmpuint(again->seed, ==, 0xffffffff);
    g_assert_cmpint(again->finished_usec, ==, 9);
    g_assert_cmpstr(read->domain, ==, "a 'guest'");
    g_assert_cmpfloat_with_epsilon(read->matters, 0.07, 1e-9);
    g_assert_true(read->more_is_better && !read->watched);
    g_assert_cmpuint(read->runs->len, ==, 2);
    g_assert_cmpuint(other->runs->len, ==, 0);
    g_assert_true(run->with && run->position == 1);
    g_assert_cmpfloat(run->value, ==, 1.1);
}

/* A workload that failed at first, and arms that couldn't be switched. */
static void
test_failures_come_back(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtBenchmark) benchmark = begin(fixture);
    KtFailure *run = kt_failure_new("load", "a 'guest'", "no route; \"x\""),
              *arm = kt_failure_new(NULL, NULL, "gone");
    run->block = 3;
    run->position = 2;
    run->with = run->given_up = true;
    run->tries = 5;
    g_ptr_array_add(benchmark->failures, run);
    g_assert_true(kt_journal_add_failure(fixture->journal, benchmark, &error));
    g_ptr_array_add(benchmark->failures, arm);
    g_assert_true(kt_journal_add_failure(fixture->journal, benchmark, &error));
    g_autoptr(KtBenchmark) again = kt_journal_benchmark(fixture->journal, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(again->failures->len, ==, 2);
    const KtFailure *first = again->failures->pdata[0], *second = again->failures->pdata[1];
    g_assert_cmpstr(first->domain, ==, "a 'guest'");
    g_assert_cmpstr(first->message, ==, "no route; \"x\"");
    g_assert_cmpuint(first->block, ==, 3);
    g_assert_cmpuint(first->position, ==, 2);
    g_assert_cmpuint(first->tries, ==, 5);
    g_assert_true(first->with && first->given_up);
    g_assert_null(second->workload);
    g_assert_null(second->domain);
    g_assert_false(second->with || second->given_up);
}

static void
test_none(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) number = NULL;
    g_assert_null(kt_journal_benchmark(fixture->journal, 0, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
    g_assert_null(kt_journal_benchmark(fixture->journal, 7, &number));
    g_assert_cmpstr(number->message, ==, "there is no benchmark 7");
}

/* Killed with the profile applied: until a rollback has undone that run. */
static void
test_interrupted(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    gint64 run = 0, id = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtBenchmark) benchmark = begin(fixture);
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_SYSFS);
    g_assert_true(kt_journal_begin_run(fixture->journal, "apply", "p", 1, &run, &error));
    g_assert_true(kt_journal_begin_step(fixture->journal, run, step, &error));
    g_assert_true(kt_journal_interrupted_benchmark(fixture->journal, &id, &error));
    g_assert_cmpint(id, ==, 0);
    g_assert_true(kt_journal_benchmark_arm(fixture->journal, benchmark->id, run, &error));
    g_assert_true(kt_journal_interrupted_benchmark(fixture->journal, &id, &error));
    g_assert_cmpint(id, ==, benchmark->id);
    step->to_undo = false;
    g_assert_true(kt_journal_end_step(fixture->journal, step, NULL, &error));
    g_assert_true(kt_journal_interrupted_benchmark(fixture->journal, &id, &error));
    g_assert_cmpint(id, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/benchmarks/comes-back", JournalFixture, NULL, set_up, test_comes_back, tear_down);
    g_test_add("/benchmarks/failures-come-back", JournalFixture, NULL, set_up, test_failures_come_back,
               tear_down);
    g_test_add("/benchmarks/none", JournalFixture, NULL, set_up, test_none, tear_down);
    g_test_add("/benchmarks/interrupted", JournalFixture, NULL, set_up, test_interrupted, tear_down);
    return g_test_run();
}
