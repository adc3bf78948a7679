/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/timing.h"

#include <math.h>
#include <stdlib.h>

static int
compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

Spread
spread_of(double *values, guint n)
{
    qsort(values, n, sizeof *values, compare);
    return (Spread){values[n / 2], values[0], values[n - 1]};
}

double
growth_fit(const double *x, const double *y, guint n)
{
    double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (guint i = 0; i < n; i++) {
        double a = log(x[i]), b = log(MAX(y[i], 1e-6));
        sum_x += a;
        sum_y += b;
        sum_xx += a * a;
        sum_xy += a * b;
    }
    return (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
}
