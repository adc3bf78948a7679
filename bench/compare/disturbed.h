/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/benchmarks.h"
#include "bench/compare/watch.h"

/**
 * Runs during which something else took the machine: far more load of others, or far more CPU time that the
 * host itself was not given, than in the other runs of the same arm. It is told by these counters alone,
 * never by the figures: who threw away what he didn't like would find what he wanted.
 */

/** The fewest runs of an arm that say what is usual. */
#define KT_USUAL_RUNS 4

/** Whether a run with these counters (KT_N_WATCHED) would be disturbed, beside those of its arm so far. */
bool kt_disturbed_now(const KtBenchmark *benchmark, const char *workload, const char *domain, bool with,
                      const double *watched);

/** Whether this run of @metric was disturbed. */
bool kt_disturbed(const KtBenchmark *benchmark, const KtMetric *metric, const KtRun *run);

/** How many runs of the workloads were, of *@ret_total. */
guint kt_count_disturbed(const KtBenchmark *benchmark, guint *ret_total);
