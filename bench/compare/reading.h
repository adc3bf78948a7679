/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/compare/runner.h"
#include "bench/compare/watch.h"

/** What one run of a workload on one domain gave. */
typedef struct {
    gint64 taken_usec;            /* when it began */
    double *figures;              /* in the workload's order */
    double watched[KT_N_WATCHED]; /* beside it; NAN = no such counter */
} KtReading;

void kt_reading_clear(KtReading *reading);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtReading, kt_reading_clear)

/** The domain of that name, or NULL. Errors: hypervisor. */
virDomainPtr kt_bench_domain(const KtBench *bench, const char *name, GError **error);

/** Why the domain doesn't run: "db-1 does not run: somebody has destroyed it". NULL: it runs, or that can't
 * be told. Owned. */
char *kt_bench_why_off(const KtBench *bench, const char *name);

/** Who looks at the counters beside a run on @domain, before it begins. */
KtWatcher *kt_bench_watcher(const KtBench *bench, const KtWorkload *workload, virDomainPtr domain);

/** Runs @workload once. *@ret_reading, which must be empty, is filled in. Errors: those of kt_load_run();
 * hypervisor (the domain doesn't run); parse (a figure isn't in what was printed). */
bool kt_reading_take(const KtBench *bench, const KtWorkload *workload, const char *domain,
                     KtReading *ret_reading, GError **error);

/** Adds it to the benchmark's metrics, as what @run says, and to the journal. */
bool kt_reading_keep(const KtBench *bench, const KtWorkload *workload, const char *domain,
                     const KtReading *reading, KtRun run, GError **error);
