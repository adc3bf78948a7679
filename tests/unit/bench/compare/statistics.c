/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/statistics.h"

#include <math.h>

#include "bench/compare/order.h"

#define NEAR(a, b) (fabs((a) - (b)) < 1e-9)
#define N_BLOCKS 8

/* Blocks around 100 with some noise, the second arm @factor times the first. */
static void
fill(KtBlock *blocks, guint n, double factor, double noise)
{
    static const double around[] = {0.3, -1, 0.7, -0.2, 1, -0.6, 0.1, -0.4};
    for (guint i = 0; i < n; i++)
        for (guint k = 0; k < 2; k++) {
            blocks[i].before[k] = 100 * (1 + noise * around[(i + k) % 8]);
            blocks[i].after[k] = 100 * factor * (1 + noise * around[(i + 3 * k + 2) % 8]);
        }
}

static KtComparison
compare_one(double factor, double noise, guint n_blocks, bool more_is_better)
{
    KtBlock blocks[N_BLOCKS];
    fill(blocks, n_blocks, factor, noise);
    KtMeasured measured = {blocks, n_blocks, more_is_better, 0.05};
    KtComparison comparison;
    kt_compare(&measured, 1, &comparison);
    return comparison;
}

static void
test_better_and_worse(void)
{
    g_assert_cmpint(compare_one(1.2, 0.02, N_BLOCKS, true).verdict, ==, KT_VERDICT_BETTER);
    g_assert_cmpint(compare_one(1.2, 0.02, N_BLOCKS, false).verdict, ==, KT_VERDICT_WORSE);
    g_assert_cmpint(compare_one(0.8, 0.02, N_BLOCKS, false).verdict, ==, KT_VERDICT_BETTER);
    KtComparison comparison = compare_one(1.2, 0.02, N_BLOCKS, true);
    g_assert_true(comparison.relative);
    g_assert_cmpfloat(comparison.change.low, >, 0.17);
    g_assert_cmpfloat(comparison.change.high, <, 0.23);
    g_assert_true(NEAR(comparison.effect, 1));
}

static void
test_nothing_seen(void)
{
    KtComparison quiet = compare_one(1, 0.02, N_BLOCKS, true);
    g_assert_cmpint(quiet.verdict, ==, KT_VERDICT_SAME);
    g_assert_cmpfloat(quiet.detectable, <, 0.05);
    KtComparison noisy = compare_one(1, 0.4, N_BLOCKS, true);
    g_assert_cmpint(noisy.verdict, ==, KT_VERDICT_NOISY);
    g_assert_cmpfloat(noisy.detectable, >, 0.05);
}

static void
test_too_few(void)
{
    KtComparison comparison = compare_one(2, 0.01, 5, true);
    g_assert_cmpint(comparison.verdict, ==, KT_VERDICT_TOO_FEW);
    g_assert_cmpuint(comparison.least_blocks, ==, 6);
    g_assert_true(isinf(comparison.detectable));
}

/* A drift that is even over a block is no difference. */
static void
test_drift_cancels(void)
{
    KtBlock blocks[N_BLOCKS];
    for (guint i = 0; i < N_BLOCKS; i++) {
        double first = -50.0 + 40 * i;
        double *outer = i % 2 ? blocks[i].before : blocks[i].after;
        double *inner = i % 2 ? blocks[i].after : blocks[i].before;
        outer[0] = first, inner[0] = first + 10, inner[1] = first + 20, outer[1] = first + 30;
    }
    KtMeasured measured = {blocks, N_BLOCKS, false, 0.05};
    KtComparison comparison;
    kt_compare(&measured, 1, &comparison);
    g_assert_false(comparison.relative);
    g_assert_true(NEAR(comparison.change.value, 0));
    g_assert_true(NEAR(comparison.p, 1));
}

/* One of several that differs only by chance isn't called different. */
static void
test_corrected_for_many(void)
{
    KtBlock shifted[7], same[7];
    for (guint i = 0; i < 7; i++) {
        shifted[i] = (KtBlock){{100, 100}, {101 + i, 101 + i}};
        same[i] = (KtBlock){{100, 100}, {100.0 + (i % 2 ? 1 : -1), 100}};
    }
    KtMeasured measured[4] = {{shifted, 7, true, 0.05}};
    for (guint i = 1; i < 4; i++)
        measured[i] = (KtMeasured){same, 7, true, 0.05};
    KtComparison alone, together[4];
    kt_compare(measured, 1, &alone);
    kt_compare(measured, 4, together);
    g_assert_cmpint(alone.verdict, ==, KT_VERDICT_BETTER);
    g_assert_cmpint(together[0].verdict, ==, KT_VERDICT_TOO_FEW);
    g_assert_cmpuint(together[0].least_blocks, ==, 8);
    g_assert_true(NEAR(together[0].p_adjusted, 4 * alone.p));
}

static void
test_holm(void)
{
    const double p[] = {0.01, 0.04, 0.03, 0.005};
    double adjusted[4];
    kt_holm(p, 4, adjusted); /* R: p.adjust(p, "holm") */
    g_assert_true(NEAR(adjusted[0], 0.03) && NEAR(adjusted[1], 0.06) && NEAR(adjusted[2], 0.06) &&
                  NEAR(adjusted[3], 0.02));
}

static void
test_medians(void)
{
    KtBlock blocks[N_BLOCKS];
    fill(blocks, N_BLOCKS, 1.5, 0.02);
    KtInterval before = kt_median_interval(blocks, N_BLOCKS, false);
    KtInterval after = kt_median_interval(blocks, N_BLOCKS, true);
    KtInterval again = kt_median_interval(blocks, N_BLOCKS, true);
    g_assert_cmpfloat(before.low, <, before.value);
    g_assert_cmpfloat(before.value, <, before.high);
    g_assert_cmpfloat(fabs(after.value - 150), <, 2);
    g_assert_true(NEAR(again.low, after.low) && NEAR(again.high, after.high));
    const double values[] = {1, 2, 3, 10};
    g_assert_true(NEAR(kt_quantile(values, 4, 0.25), 1.75)); /* R: quantile(c(1, 2, 3, 10), 0.25) */
    g_assert_true(NEAR(kt_quantile(values, 4, 1), 10));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/statistics/better-and-worse", test_better_and_worse);
    g_test_add_func("/statistics/nothing-seen", test_nothing_seen);
    g_test_add_func("/statistics/too-few", test_too_few);
    g_test_add_func("/statistics/drift", test_drift_cancels);
    g_test_add_func("/statistics/many", test_corrected_for_many);
    g_test_add_func("/statistics/holm", test_holm);
    g_test_add_func("/statistics/medians", test_medians);
    return g_test_run();
}
