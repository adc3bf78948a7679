/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/references.h"

/** What is asked on the command line. */
typedef struct {
    gint n_small, n_large, n_runs, n_restarts;
    const char *hosts;      /* glob */
    const char *references; /* file */
    gboolean each;          /* row_large() prints each case */
} RowOptions;

/** Small hosts against the oracle. */
void row_small(const RowOptions *options);
/** Large hosts against the references and baselines. */
void row_large(const RowOptions *options);
/** From nothing: time, memory, growth. */
void row_speed(const RowOptions *options);
/** One domain starts or stops. */
void row_change(const RowOptions *options);

/** Adds to the references. */
int row_references(const RowOptions *options, double minutes);
/** Solves a case of @n_domains on 256 CPUs, once. */
int row_solve(guint n_domains);
/** Solves a case of @n_domains on 1,024 CPUs and prints peak memory before and after, KiB. */
int row_peak(guint n_domains);
/** Prints "HOST:MIX". */
int show_case(const RowOptions *options, const char *name);

/** @n_domains of 8 vCPUs on average, measured loads, one in twenty exclusive: nobody has a place yet. */
Mix *row_many_new(const KtTopology *topology, guint n_domains, guint n_exclusive_vcpus);
