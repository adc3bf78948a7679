/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/compare/rank_test.h"

/**
 * What the samples of a benchmark say. Pure: the same samples give the same words.
 *
 * Each block runs both arms twice, in the order ABBA or BAAB by a coin's throw: a drift that is even over the
 * block cancels, and under "no difference" each block's difference has either sign with equal chance. So
 * blocks, not runs, are what is counted and tested.
 */

/** Chance of a wrong "better" or "worse" among all metrics of a benchmark together. */
#define KT_ALPHA 0.05

/** One block of one metric: its four runs. */
typedef struct {
    double before[2]; /* as it was */
    double after[2];  /* with the profile */
} KtBlock;

typedef enum {
    KT_VERDICT_TOO_FEW, /* so few blocks can't carry any verdict */
    KT_VERDICT_BETTER,
    KT_VERDICT_WORSE,
    KT_VERDICT_SAME,  /* no difference seen, and one that matters would have been */
    KT_VERDICT_NOISY, /* none seen, but one that matters could have been missed */
    KT_N_VERDICTS,
} KtVerdict;

/** "too few blocks", "better", … */
const char *kt_verdict_name(KtVerdict verdict);

/** One metric, to be compared. */
typedef struct {
    const KtBlock *blocks;
    guint n_blocks;
    bool more_is_better;
    double matters; /* the smallest difference that matters, as a share: 0.05 */
} KtMeasured;

/** What became of it. */
typedef struct {
    KtInterval change; /* of the blocks' differences: pseudomedian and 95 % by the test itself */
    bool
        relative; /* change is a share (0.1 = 10 % more), else in the metric's unit (a value was 0 or less) */
    double p;     /* of the signed rank test, uncorrected */
    double p_adjusted;  /* corrected for all metrics compared together (Holm) */
    double effect;      /* rank-biserial, −1 … 1 */
    double detectable;  /* the smallest change that these blocks show four times out of five, in change's
                           measure;  INFINITY = too few blocks */
    guint least_blocks; /* the fewest that could carry a verdict */
    KtVerdict verdict;
} KtComparison;

/** The median of an arm's runs, and its 95 % interval by bootstrap over whole blocks: the two runs of one
 * aren't independent. The same blocks give the same interval. @n > 0. */
KtInterval kt_median_interval(const KtBlock *blocks, guint n, bool after);

/** Compares @n metrics of one benchmark together; @ret_comparisons has room for them. A metric has ≥ 1 block.
 */
void kt_compare(const KtMeasured *measured, guint n, KtComparison *ret_comparisons);

/** Holm's correction: @ret_adjusted[i] for @p[i]. */
void kt_holm(const double *p, guint n, double *ret_adjusted);
