/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/order.h"

#include <math.h>
#include <stdlib.h>

static int
by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

void
kt_sort(double *values, guint n)
{
    qsort(values, n, sizeof *values, by_value);
}

double
kt_quantile(const double *sorted, guint n, double share)
{
    double place = share * (n - 1);
    guint below = (guint)floor(place), above = MIN(below + 1, n - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
