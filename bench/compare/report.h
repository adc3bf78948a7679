/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"
#include "bench/compare/analysis.h"

/**
 * A benchmark as people and programs read it. Names and text from guests are shown with control characters
 * escaped, and as each format wants it. All texts are owned.
 */

/** For a terminal: the answer, a table with bars, what was watched. */
void kt_bench_text(GString *out, const KtStyle *style, const KtBenchmark *benchmark);

/** All of it, samples too: what kt_bench_import() reads. */
char *kt_bench_json(const KtBenchmark *benchmark);

char *kt_bench_markdown(const KtBenchmark *benchmark);

/** A line a run: spreadsheet and R. */
char *kt_bench_csv(const KtBenchmark *benchmark);

/** One self-contained file. @plotter: gnuplot's path, or NULL: tables only, which it says. */
char *kt_bench_html(const KtBenchmark *benchmark, const char *plotter);

/** Reads what kt_bench_json() wrote. Errors: parse, which names @file. */
KtBenchmark *kt_bench_import(const char *file, const char *text, GError **error);

/** Two benchmarks side by side: the same metrics of other hosts, kernels or profiles. */
void
kt_bench_compare_text(GString *out, const KtStyle *style, const KtBenchmark *one, const KtBenchmark *other);
char *kt_bench_compare_json(const KtBenchmark *one, const KtBenchmark *other);

/** "2026-11-22 10:04"; "" for 0. Owned. */
char *kt_time_text(gint64 usec);
