/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/statistics.h"

#include <math.h>

#include "bench/compare/order.h"

/* Enough for two digits of an interval's ends. The seed is fixed: the same samples give the same report. */
#define RESAMPLES 2000
#define SEED 20

/* Half an interval says which change is just told from none half of the time: 1.96 standard errors of a
 * normal noise. For four times of five it takes 0.84 more of them. */
#define POWER_FACTOR ((1.96 + 0.84) / 1.96)

const char *
kt_verdict_name(KtVerdict verdict)
{
    static const char *const names[KT_N_VERDICTS] = {
        [KT_VERDICT_TOO_FEW] = "too few blocks",
        [KT_VERDICT_BETTER] = "better",
        [KT_VERDICT_WORSE] = "worse",
        [KT_VERDICT_SAME] = "no difference seen",
        [KT_VERDICT_NOISY] = "too noisy to say",
    };
    return names[verdict];
}

void
kt_holm(const double *p, guint n, double *ret_adjusted)
{
    double highest = 0;
    g_autofree bool *done = g_new0(bool, n);
    for (guint step = 0; step < n; step++) {
        guint least = n;
        for (guint i = 0; i < n; i++)
            if (!done[i] && (least == n || p[i] < p[least]))
                least = i;
        done[least] = true;
        highest = MAX(highest, MIN(1, p[least] * (n - step)));
        ret_adjusted[least] = highest;
    }
}

/* Median of both runs of all blocks that @chosen lists. */
static double
median_of(const KtBlock *blocks, guint n, bool after, const guint *chosen, double *room)
{
    for (guint i = 0; i < n; i++) {
        const KtBlock *block = &blocks[chosen[i]];
        const double *runs = after ? block->after : block->before;
        room[2 * i] = runs[0];
        room[2 * i + 1] = runs[1];
    }
    kt_sort(room, 2 * n);
    return kt_quantile(room, 2 * n, 0.5);
}

KtInterval
kt_median_interval(const KtBlock *blocks, guint n, bool after)
{
    g_autofree guint *chosen = g_new(guint, n);
    g_autofree double *room = g_new(double, 2 * n);
    g_autofree double *medians = g_new(double, RESAMPLES);
    g_autoptr(GRand) random = g_rand_new_with_seed(SEED);
    for (guint i = 0; i < n; i++)
        chosen[i] = i;
    KtInterval interval = {.value = median_of(blocks, n, after, chosen, room)};
    for (guint round = 0; round < RESAMPLES; round++) {
        for (guint i = 0; i < n; i++)
            chosen[i] = (guint)g_rand_int_range(random, 0, (gint32)n);
        medians[round] = median_of(blocks, n, after, chosen, room);
    }
    kt_sort(medians, RESAMPLES);
    interval.low = kt_quantile(medians, RESAMPLES, 0.025);
    interval.high = kt_quantile(medians, RESAMPLES, 0.975);
    return interval;
}

static bool
all_positive(const KtMeasured *measured)
{
    for (guint i = 0; i < measured->n_blocks; i++) {
        const KtBlock *block = &measured->blocks[i];
        if (block->before[0] <= 0 || block->before[1] <= 0 || block->after[0] <= 0 || block->after[1] <= 0)
            return false;
    }
    return true;
}

/* The size of what was measured before. */
static double
typical(const KtMeasured *measured)
{
    double sum = 0;
    for (guint i = 0; i < measured->n_blocks; i++)
        sum += fabs(measured->blocks[i].before[0]) + fabs(measured->blocks[i].before[1]);
    return sum / (2 * measured->n_blocks);
}

/* Of logarithms where that can be: times and rates differ by factors. */
static double
difference_of(const KtBlock *block, bool relative)
{
    if (relative)
        return (log(block->after[0]) + log(block->after[1]) - log(block->before[0]) - log(block->before[1])) /
               2;
    return (block->after[0] + block->after[1] - block->before[0] - block->before[1]) / 2;
}

static double
as_change(double difference, bool relative)
{
    return relative ? expm1(difference) : difference;
}

static KtVerdict
verdict_of(const KtMeasured *measured, const KtComparison *comparison)
{
    if (measured->n_blocks < comparison->least_blocks)
        return KT_VERDICT_TOO_FEW;
    if (comparison->p_adjusted <= KT_ALPHA) {
        bool more = comparison->effect > 0;
        return more == measured->more_is_better ? KT_VERDICT_BETTER : KT_VERDICT_WORSE;
    }
    double scale = comparison->relative ? 1 : typical(measured);
    return comparison->detectable <= measured->matters * scale ? KT_VERDICT_SAME : KT_VERDICT_NOISY;
}

/* All but what hangs on the other metrics. @n of them are compared together. */
static KtComparison
look_at(const KtMeasured *measured, guint n)
{
    KtComparison seen = {.relative = all_positive(measured)};
    g_autofree double *differences = g_new(double, measured->n_blocks);
    for (guint i = 0; i < measured->n_blocks; i++)
        differences[i] = difference_of(&measured->blocks[i], seen.relative);
    KtInterval change, strict;
    kt_rank_interval(differences, measured->n_blocks, KT_ALPHA, &change);
    seen.change = (KtInterval){as_change(change.value, seen.relative), as_change(change.low, seen.relative),
                               as_change(change.high, seen.relative)};
    bool bounded = kt_rank_interval(differences, measured->n_blocks, KT_ALPHA / n, &strict);
    double half = bounded ? (strict.high - strict.low) / 2 * POWER_FACTOR : INFINITY;
    seen.detectable = as_change(half, seen.relative);
    seen.p = kt_rank_test(differences, measured->n_blocks);
    seen.effect = kt_rank_biserial(differences, measured->n_blocks);
    seen.least_blocks = kt_rank_least(KT_ALPHA / n);
    return seen;
}

void
kt_compare(const KtMeasured *measured, guint n, KtComparison *ret_comparisons)
{
    g_autofree double *p = g_new(double, n);
    g_autofree double *adjusted = g_new(double, n);
    for (guint i = 0; i < n; i++) {
        ret_comparisons[i] = look_at(&measured[i], n);
        p[i] = ret_comparisons[i].p;
    }
    kt_holm(p, n, adjusted);
    for (guint i = 0; i < n; i++) {
        ret_comparisons[i].p_adjusted = adjusted[i];
        ret_comparisons[i].verdict = verdict_of(&measured[i], &ret_comparisons[i]);
    }
}
