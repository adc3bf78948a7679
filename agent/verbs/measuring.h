/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/bench_arms.h"

/** What `bench` and `apply --prove` hold while they measure. */
typedef struct {
    const KtOptions *options;
    GPtrArray *workloads; /* KtWorkload */
    GPtrArray *domains;   /* char *: names of the running ones that are measured */
    GCancellable *cancel; /* a signal was taken */
    KtArms arms;
    KtBench bench;
} KtMeasuring;

void kt_measuring_free(KtMeasuring *measuring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtMeasuring, kt_measuring_free)

/** Loads the workloads of @names, and reports all their mistakes. One that others could change is refused.
 * Owned. */
GPtrArray *kt_measuring_workloads(const KtOptions *options, char **names, KtExit *ret_exit);

/**
 * Makes ready to measure, and takes @workloads over, also on failure. @planning and @journal must outlive it.
 * Refused: no domain runs that could be measured; one is transient and would be powered off; --blocks isn't
 * possible.
 */
KtMeasuring *kt_measuring_new(const KtOptions *options, const KtPlanning *planning, GPtrArray *workloads,
                              KtJournal *journal, KtExit *ret_exit);

/** Why there is nothing to measure of @plan, in words for people, or NULL. */
const char *kt_measuring_nothing(const KtMeasuring *measuring, const KtPlan *plan);

/** Whether something of @plan takes effect only where guests are powered off and on, which nobody allowed. */
bool kt_measuring_leaves_some(const KtMeasuring *measuring, const KtPlan *plan);

/** How many figures are judged together. */
guint kt_measuring_count_figures(const KtMeasuring *measuring);

/** The blocks that are measured, and the fewest in which one of so many figures could be found worse. */
guint kt_measuring_blocks(const KtMeasuring *measuring);
guint kt_measuring_least_blocks(const KtMeasuring *measuring);

/**
 * Measures @plan against what is there, and ends as it began. What was measured is kept in state.db in any
 * case. *@ret_early: why it ended before all blocks were there (G_IO_ERROR_CANCELLED: by a signal), or NULL;
 * owned. NULL: it failed, and no figure was measured.
 */
KtBenchmark *kt_measuring_run(KtMeasuring *measuring, const KtPlan *plan, GError **ret_early, GError **error);

/** Reports why nothing was measured or proven, @error. The exit code is KT_EXIT_PARTIAL where something of
 * the profile is left in force, or may be. */
KtExit kt_measuring_report_error(const KtMeasuring *measuring, const GError *error);
