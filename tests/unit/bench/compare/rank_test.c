/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/rank_test.h"

#include <math.h>

#define NEAR(a, b) (fabs((a) - (b)) < 1e-9)

/* Figures of R 4.2: wilcox.test(d, exact = TRUE, conf.int = TRUE). */
static void
test_as_r_says(void)
{
    const double d[] = {1.83, -0.5, 0.62, 1.06, -0.3, 0.76, 0.94, -0.48, 2.03};
    KtInterval interval;
    g_assert_true(kt_rank_interval(d, G_N_ELEMENTS(d), 0.05, &interval));
    g_assert_true(NEAR(kt_rank_test(d, G_N_ELEMENTS(d)), 0.0546875));
    g_assert_true(NEAR(interval.value, 0.76));
    g_assert_true(NEAR(interval.low, -0.3));
    g_assert_true(NEAR(interval.high, 1.445));
}

static void
test_ties_share_ranks(void)
{
    /* Ranks 2 2 2 4 5: below or at 2 (the one negative) there are the empty set and the three of one tie. */
    const double d[] = {1, -1, 1, 2, 3};
    g_assert_true(NEAR(kt_rank_test(d, 5), 2 * 4 / 32.0));
}

static void
test_zeros_say_nothing(void)
{
    const double with[] = {0, 1, 2, 0, 3}, without[] = {1, 2, 3}, all[] = {0, 0};
    g_assert_true(NEAR(kt_rank_test(with, 5), kt_rank_test(without, 3)));
    g_assert_true(NEAR(kt_rank_test(all, 2), 1));
    g_assert_true(NEAR(kt_rank_biserial(all, 2), 0));
}

static void
test_effect_size(void)
{
    const double up[] = {1, 2, 3}, down[] = {-1, -2, -3}, mixed[] = {-1, 2, 3};
    g_assert_true(NEAR(kt_rank_biserial(up, 3), 1));
    g_assert_true(NEAR(kt_rank_biserial(down, 3), -1));
    g_assert_true(NEAR(kt_rank_biserial(mixed, 3), 4 / 6.0));
}

static void
test_least(void)
{
    g_assert_cmpuint(kt_rank_least(0.05), ==, 6);
    g_assert_cmpuint(kt_rank_least(0.05 / 4), ==, 8);
    const double d[] = {1, 2, 3, 4, 5};
    KtInterval interval;
    g_assert_false(kt_rank_interval(d, 5, 0.05, &interval));
    g_assert_true(isinf(interval.low) && isinf(interval.high));
    g_assert_true(NEAR(interval.value, 3));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rank-test/as-r-says", test_as_r_says);
    g_test_add_func("/rank-test/ties", test_ties_share_ranks);
    g_test_add_func("/rank-test/zeros", test_zeros_say_nothing);
    g_test_add_func("/rank-test/effect-size", test_effect_size);
    g_test_add_func("/rank-test/least", test_least);
    return g_test_run();
}
