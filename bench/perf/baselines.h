/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/anneal.h"

/**
 * What others do, under the same rules: the same wishes, legal placements, whole cores while there are any.
 * Each is tried twice, from nothing and with everybody who legally can staying where they are, and the
 * cheaper one counts.
 */
typedef enum {
    BASELINE_FIRST_FIT, /* by CPU number */
    BASELINE_NODES, /* numad's way: the largest guest first, to the node with most room; the rest to the next
                       one */
    BASELINE_PACK,  /* nova's way: the first node, of those most used already, that takes all of the guest;
                       whole cores */
    N_BASELINES
} Baseline;

extern const char *const baseline_names[N_BASELINES];

/** Leaves the placement on the board. False where it found no room for somebody. */
bool baseline_place(Board *board, Baseline baseline, Score *ret_score);
