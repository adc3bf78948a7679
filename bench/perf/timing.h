/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Values of several runs. */
typedef struct {
    double median, least, most;
} Spread;

/** Sorts @values. */
Spread spread_of(double *values, guint n);

/** The exponent e of y = c·x^e by least squares over the logarithms. */
double growth_fit(const double *x, const double *y, guint n);
