/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/rank_test.h"

#include <math.h>
#include <stdlib.h>

#include "bench/compare/order.h"

/** The differences that aren't 0 by size, with their ranks doubled: ties share a rank that may end in a half.
 */
typedef struct {
    guint *ranks; /* doubled */
    guint n;
    guint total;    /* sum of the ranks */
    guint positive; /* sum of those of positive differences */
} Ranks;

static void
ranks_clear(Ranks *ranks)
{
    g_free(ranks->ranks);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ranks, ranks_clear)

static int
by_size(const void *a, const void *b)
{
    double one = fabs(*(const double *)a), other = fabs(*(const double *)b);
    return (one > other) - (one < other);
}

static void
rank(const double *differences, guint n, Ranks *ret_ranks)
{
    g_autofree double *sorted = g_new(double, n);
    guint left = 0;
    for (guint i = 0; i < n; i++)
        if (differences[i] != 0)
            sorted[left++] = differences[i];
    qsort(sorted, left, sizeof *sorted, by_size);
    *ret_ranks = (Ranks){.ranks = g_new(guint, left), .n = left};
    for (guint first = 0, end; first < left; first = end) {
        for (end = first + 1; end < left && fabs(sorted[end]) == fabs(sorted[first]); end++)
            ;
        for (guint i = first; i < end; i++) {
            guint doubled = first + 1 + end;
            ret_ranks->ranks[i] = doubled;
            ret_ranks->total += doubled;
            if (sorted[i] > 0)
                ret_ranks->positive += doubled;
        }
    }
}

/** The probability of each sum of positive ranks, 0 … total, when every sign is a coin's. Owned. */
static double *
distribution(const Ranks *ranks)
{
    double *probability = g_new0(double, ranks->total + 1);
    guint reached = 0;
    probability[0] = 1;
    for (guint i = 0; i < ranks->n; i++) {
        guint step = ranks->ranks[i];
        reached += step;
        for (guint sum = reached + 1; sum-- > 0;)
            probability[sum] = probability[sum] / 2 + (sum >= step ? probability[sum - step] / 2 : 0);
    }
    return probability;
}

double
kt_rank_test(const double *differences, guint n)
{
    g_auto(Ranks) ranks = {0};
    rank(differences, n, &ranks);
    g_autofree double *probability = distribution(&ranks);
    guint smaller = MIN(ranks.positive, ranks.total - ranks.positive);
    double tail = 0;
    for (guint sum = 0; sum <= smaller; sum++)
        tail += probability[sum];
    return MIN(1, 2 * tail);
}

double
kt_rank_biserial(const double *differences, guint n)
{
    g_auto(Ranks) ranks = {0};
    rank(differences, n, &ranks);
    return ranks.total == 0 ? 0 : 2.0 * ranks.positive / ranks.total - 1;
}

guint
kt_rank_least(double alpha)
{
    /* The clearest result, all on one side, has p = 2 / 2^n. */
    guint n = 1;
    while (ldexp(2, -(int)n) > alpha)
        n++;
    return n;
}

/** How many of the smallest and of the largest pair means the test at @alpha rules out, for @n differences
 * without ties. 0: none. */
static guint
ruled_out(guint n, double alpha)
{
    Ranks ranks = {.ranks = g_new(guint, n), .n = n, .total = n * (n + 1) / 2};
    for (guint i = 0; i < n; i++)
        ranks.ranks[i] = i + 1;
    g_autofree double *probability = distribution(&ranks);
    ranks_clear(&ranks);
    double tail = 0;
    guint sum = 0;
    while ((tail += probability[sum]) <= alpha / 2)
        sum++;
    return sum;
}

bool
kt_rank_interval(const double *differences, guint n, double alpha, KtInterval *ret_interval)
{
    guint n_pairs = n * (n + 1) / 2, place = 0;
    g_autofree double *means = g_new(double, n_pairs);
    for (guint i = 0; i < n; i++)
        for (guint k = i; k < n; k++)
            means[place++] = (differences[i] + differences[k]) / 2;
    kt_sort(means, n_pairs);
    guint out = ruled_out(n, alpha);
    ret_interval->value = kt_quantile(means, n_pairs, 0.5);
    ret_interval->low = out > 0 ? means[out - 1] : -INFINITY;
    ret_interval->high = out > 0 ? means[n_pairs - out] : INFINITY;
    return out > 0;
}
