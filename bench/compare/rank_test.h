/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Wilcoxon's signed rank test on paired differences: it asks only that a difference is as likely on either
 * side of nothing, which the random order inside each block brings about, whatever the noise looks like.
 * Exact, with ties too. Differences of 0 are left out, as Wilcoxon did. R: wilcox.test(d, exact = TRUE,
 * conf.int = TRUE).
 */

/** A value and the interval that it lies in with the confidence that was asked for. */
typedef struct {
    double value;
    double low;
    double high;
} KtInterval;

/** The two-sided p value; 1 where all differences are 0. */
double kt_rank_test(const double *differences, guint n);

/** Effect size: matched-pairs rank-biserial correlation, −1 (all negative) … 1 (all positive). */
double kt_rank_biserial(const double *differences, guint n);

/**
 * The differences' pseudomedian (Hodges and Lehmann: the median of the means of all pairs) and the values
 * that the test at level @alpha doesn't rule out. False: @n is too small for that level, and the interval is
 * unbounded; the value is there all the same. @n > 0.
 */
bool kt_rank_interval(const double *differences, guint n, double alpha, KtInterval *ret_interval);

/** The fewest differences of which the test can say anything at level @alpha. */
guint kt_rank_least(double alpha);
