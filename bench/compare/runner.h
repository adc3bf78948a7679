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

/** How long a run that fails is repeated, waiting 1, 2, 4 … seconds in between. */
typedef struct {
    guint tries;          /* so often, one after the other */
    guint settle_seconds; /* until so long after a switch of the arms, too */
} KtPatience;

/** A benchmark that is under way. */
typedef struct KtBench KtBench;
struct KtBench {
    const KtRoot *root;
    virConnectPtr connection; /* switch_arm() and connect_again() may replace it */
    GPtrArray *workloads;     /* KtWorkload */
    GPtrArray *domains;       /* char *: names; each workload runs on each */
    KtJournal *journal;
    KtBenchmark *benchmark;
    GHashTable *asked;    /* char *: domains that were asked to power off and weren't seen to run since */
    GCancellable *cancel; /* ends it early; the arm is switched back all the same */
    KtPatience patience;
    /** Makes it so @with the profile or as it was. After a failure that is undone as far as possible. */
    bool (*switch_arm)(KtBench *bench, bool with, GError **error);
    /** The connection is broken: makes another. Failed, the broken one stays. */
    bool (*connect_again)(KtBench *bench, GError **error);
    /** Before each run: @done of @total runs are. */
    void (*progress)(const KtBench *bench, guint done, guint total, bool with, const char *workload);
    /** A run failed, and was repeated or given up. */
    void (*failed)(const KtBench *bench, const KtFailure *failure);
    gpointer user_data;
    bool with;           /* something of the profile is, or may be, in force */
    gint64 settled_usec; /* until then (monotonic) the guests may need long, of the last switch */
};

/** Gives the benchmark its metrics: the workloads' figures, and the counters that can be watched here.
 * Errors: hypervisor (no such domain), unsupported (a figure is a counter that isn't there). */
bool kt_bench_prepare(KtBench *bench, GError **error);

/**
 * Measures all blocks, and ends as it began. Each workload is tried before anything is changed: one that
 * doesn't run at all is an error. Later a run that fails is repeated, and given up on that domain where that
 * doesn't help; the others go on. It is among the benchmark's failures then, as is what else ended it early.
 * What was measured is kept, also after an error; one that came first is the one that is told.
 * G_IO_ERROR_CANCELLED: it was interrupted.
 */
bool kt_bench_run(KtBench *bench, GError **error);
