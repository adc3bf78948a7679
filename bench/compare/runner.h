/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>

#include "agent/exec/benchmarks.h"
#include "base/root.h"
#include "bench/compare/workload.h"

/** Runs of a workload in one block: two with the profile, two as it was. */
#define KT_BLOCK_RUNS 4

/** The order of the arms, KT_BLOCK_RUNS a block: each block ABBA or BAAB, by a coin's throw of @seed.
 * @ret_with: with the profile. */
void kt_schedule(guint32 seed, guint n_blocks, bool *ret_with);

/** A benchmark that is under way. */
typedef struct KtBench KtBench;
struct KtBench {
    const KtRoot *root;
    virConnectPtr connection; /* switch_arm() may replace it */
    GPtrArray *workloads;     /* KtWorkload */
    GPtrArray *domains;       /* char *: names; each workload runs on each */
    KtJournal *journal;
    KtBenchmark *benchmark;
    GCancellable *cancel; /* ends it early; the arm is switched back all the same */
    /** Makes it so @with the profile or as it was. After a failure that is undone as far as possible. */
    bool (*switch_arm)(KtBench *bench, bool with, GError **error);
    /** Before each run: @done of @total runs are. */
    void (*progress)(const KtBench *bench, guint done, guint total, bool with, const char *workload);
    gpointer user_data;
    bool with; /* the arm that is there now */
};

/** Gives the benchmark its metrics: the workloads' figures, and the counters that can be watched here.
 * Errors: hypervisor (no such domain), unsupported (a figure is a counter that isn't there). */
bool kt_bench_prepare(KtBench *bench, GError **error);

/**
 * Measures all blocks, and ends as it began. What was measured is kept, also after an error; one that came
 * first is the one that is told. G_IO_ERROR_CANCELLED: it was interrupted.
 */
bool kt_bench_run(KtBench *bench, GError **error);
