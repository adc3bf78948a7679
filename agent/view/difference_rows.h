/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/differences.h"
#include "base/cpuset.h"

/** The rows of a table of differences: what belongs together, brought together. */

/** One row: one or more differences. */
typedef struct {
    const KtDifference *first;
    KtCpuset *vcpus;  /* of a row of vCPUs, else NULL */
    GPtrArray *froms; /* const char *, borrowed */
    GPtrArray *tos;
    GString *when;
    bool joined; /* for now and for the next boot */
    char *item;
} KtDifferenceRow;

/** KtDifferenceRow, in the order of their first difference; they borrow from @differences. */
GPtrArray *kt_difference_rows(const KtDifferences *differences);

/** The values of a row as people read them: one where all are alike, a range where they are one. Owned. */
char *kt_difference_values(const GPtrArray *values);
