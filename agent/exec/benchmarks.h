/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"

/** What benchmarks measured, kept in state.db beside the runs that switched their arms. */

/** One run of a workload: one value of one metric. */
typedef struct {
    guint block;    /* from 0 */
    guint position; /* in the block, 0 … 3 */
    bool with;      /* with the profile; else as it was */
    gint64 taken_usec;
    double value;
} KtRun;

/** One metric of one workload on one domain. */
typedef struct {
    char *workload;
    char *domain;
    char *figure;
    char *unit;
    bool more_is_better;
    double matters; /* the smallest difference that matters, as a share */
    bool watched;   /* a counter beside the runs: shown, never judged */
    GArray *runs;   /* KtRun, as they were taken */
} KtMetric;

/** A run of a workload that failed and was tried again, what ended the benchmark early, or why it didn't end
 * as it began. */
typedef struct {
    char *workload; /* NULL: none, the arms couldn't be switched */
    char *domain;   /* NULL with it */
    guint block;    /* of the run, as in KtRun */
    guint position;
    bool with;
    guint tries;   /* that failed */
    bool given_up; /* none went well: from there on it wasn't measured; of the arms: at the end the profile
                    * couldn't be rolled back */
    char *message; /* of the last try */
} KtFailure;

/** One benchmark. */
typedef struct {
    gint64 id;
    char *profile;
    gint64 started_usec;
    gint64 finished_usec; /* 0 = it ended early */
    guint n_blocks;       /* that were asked for */
    guint32 seed;         /* of the order of its arms */
    char *about;          /* JSON object: the host, the guests, the plan, the command line */
    GPtrArray *metrics;   /* KtMetric */
    GPtrArray *failures;  /* KtFailure, in their order */
} KtBenchmark;

KtMetric *kt_metric_new(const char *workload, const char *domain, const char *figure, const char *unit);

/** Of a workload on a domain, both NULL: of the switch of the arms. */
KtFailure *kt_failure_new(const char *workload, const char *domain, const char *message);
void kt_failure_free(KtFailure *failure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtFailure, kt_failure_free)

KtBenchmark *kt_benchmark_new(void);
void kt_benchmark_free(KtBenchmark *benchmark);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtBenchmark, kt_benchmark_free)

/** Whether a workload was given up on a domain; both NULL: any on any. */
bool kt_benchmark_gave_up(const KtBenchmark *benchmark, const char *workload, const char *domain);

/** Whether there is a value of any figure of a workload on a domain that is judged; both NULL: of any on any.
 */
bool kt_benchmark_has_figures(const KtBenchmark *benchmark, const char *workload, const char *domain);

/** Records that @benchmark begins, with its metrics; sets its id. */
bool kt_journal_begin_benchmark(KtJournal *journal, KtBenchmark *benchmark, GError **error);

/** Records that @run (of apply) has brought the arm with the profile about; 0 = all is as it was. */
bool kt_journal_benchmark_arm(KtJournal *journal, gint64 benchmark, gint64 run, GError **error);

/** Records the newest run of each metric whose last run began at @taken_usec, in one transaction. */
bool
kt_journal_add_samples(KtJournal *journal, const KtBenchmark *benchmark, gint64 taken_usec, GError **error);

/** Records the newest failure of @benchmark. */
bool kt_journal_add_failure(KtJournal *journal, const KtBenchmark *benchmark, GError **error);

bool kt_journal_end_benchmark(KtJournal *journal, gint64 benchmark, gint64 now_usec, GError **error);

/** The benchmark of that number, 0 = the newest. Errors: invalid (there is none). */
KtBenchmark *kt_journal_benchmark(KtJournal *journal, gint64 id, GError **error);

/** The newest benchmark that was killed while the profile was applied and not rolled back since; *@ret_id 0:
 * none. */
bool kt_journal_interrupted_benchmark(KtJournal *journal, gint64 *ret_id, GError **error);
