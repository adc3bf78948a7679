/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/board.h"

/**
 * The references: a good placement found by time, not by wit. Simulated annealing over single vCPUs,
 * exchanges, whole guests and common sets, from random and other starts. Shares neither code nor moves with
 * the engine.
 */

/** How good a placement is: wishes come before cost. */
typedef struct {
    guint broken; /* wishes that the cost doesn't have (judge.h) */
    double cost;  /* of section 10 */
} Score;

/** Whether @a is better than @b, by more than rounding. */
static inline bool
score_is_better(Score a, Score b)
{
    return a.broken != b.broken ? a.broken < b.broken : a.cost < b.cost - 1e-9;
}

/** How a run begins. */
typedef enum {
    ANNEAL_RANDOM,  /* anywhere, hot */
    ANNEAL_PRESENT, /* where everybody is, as far as that is legal, lukewarm */
    ANNEAL_GIVEN,   /* as the board is, lukewarm */
    ANNEAL_N_STARTS
} AnnealStart;

/**
 * One run of @steps steps. Leaves the best that it met on the board. False where it found no legal placement.
 */
bool anneal(Board *board, AnnealStart start, guint64 steps, guint32 seed, Score *ret_score);

/** Steps of a run that are enough for most of what a run can find. */
guint64 anneal_steps(const Board *board);
