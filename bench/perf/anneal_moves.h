/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/board.h"

/** What annealing does in one step, and where it starts. */

typedef struct Moves Moves;

Moves *moves_new(Board *board, GRand *chance);
void moves_free(Moves *moves);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Moves, moves_free)
/** Whether there is anything that could move. */
bool moves_any(const Moves *moves);
/** Makes one change by lot, which may be none. Not settled. */
void moves_make(Moves *moves);

/** Seats everybody by lot, or (@present) where they are as far as that is possible. False where somebody
 * found no CPU. */
bool start_seats(Board *board, GRand *chance, bool present);
