/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/compare/analysis.h"

/**
 * Drawings by gnuplot, as SVG to be put into a page. Nothing but numbers goes into gnuplot: names and units,
 * which may be anybody's text, stay in the page around it. Owned; NULL where @plotter fails.
 */

/** The single runs of both arms, with median and interval. @number tells the drawings of a page apart. */
char *kt_plot_finding(const char *plotter, guint number, const KtFinding *finding);

/** A counter over the time of the benchmark, by arm. */
char *kt_plot_watched(const char *plotter, guint number, const KtMetric *metric, gint64 started_usec);
