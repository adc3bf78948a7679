/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/benchmarks.h"
#include "bench/compare/statistics.h"

/** What the samples of one judged metric say. */
typedef struct {
    const KtMetric *metric; /* borrowed */
    GArray *blocks;         /* KtBlock: the complete ones */
    KtInterval before;      /* median of the runs, with its bootstrap interval */
    KtInterval after;
    KtComparison comparison; /* where there are blocks */
} KtFinding;

/** One for each metric that isn't only watched, in order. */
GPtrArray *kt_analyse(const KtBenchmark *benchmark);

/** How many of @findings have that verdict. */
guint kt_count_verdicts(const GPtrArray *findings, KtVerdict verdict);

/** The finding of @findings on the same figure of the same workload, whatever the domain is called; or NULL.
 */
const KtFinding *kt_find_finding(const GPtrArray *findings, const KtMetric *metric);

/** The median of @metric's runs in one arm; false: there are none. */
bool kt_metric_median(const KtMetric *metric, bool with, double *ret_median);

/** Said where a change and the medians beside it are shown. */
#define KT_MEDIANS_NOTE                                                                                      \
    "As it was, with the profile: medians of the runs. The change is the middle of the changes inside the "  \
    "blocks, so it need not be that of the medians."

/** Whether there is a change whose medians seem to say the opposite. */
bool kt_medians_disagree(const GPtrArray *findings);

/** The answer in one sentence. Owned. */
char *kt_analysis_sentence(const KtBenchmark *benchmark, const GPtrArray *findings);

/** "912 ns". Owned. */
char *kt_figure_text(double value, const char *unit);

/** "-7.1 %", or in the metric's unit "+12 MiB/s". Owned. */
char *kt_change_text(const KtFinding *finding, double change);

/** The interval of the change, "-54.9 % to -48.2 %"; NULL: it is open, from too few blocks. Owned. */
char *kt_change_range(const KtFinding *finding);

/** What the verdict rests on, in words for people: the corrected p, or what could have been seen. Owned. */
char *kt_verdict_reason(const KtFinding *finding);
