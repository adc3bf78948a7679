/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/anneal.h"

/**
 * The best of all legal placements, by trying them all: vCPUs that nothing tells apart in one order only, and
 * without what can't become better than the best so far. For hosts of up to 8 CPUs.
 */
typedef struct {
    KtPlacement *placement; /* owned; NULL = there is none */
    Score score;
    guint64 n_tried;
} OracleResult;

OracleResult oracle_solve(Board *board);
