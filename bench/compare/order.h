/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Sorts upwards. */
void kt_sort(double *values, guint n);

/** The quantile @share (0 … 1) of sorted values, interpolated (R's type 7). @n > 0. */
double kt_quantile(const double *sorted, guint n, double share);
