/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/board.h"

/** Between the files of the board: how a change reaches the cost. */

void board_dirty_core(Board *board, guint core);
void board_dirty_all(Board *board);
/** A CPU opens or closes for common sets. */
void board_flip(Board *board, guint pu, bool open);
/** Adds (@sign 1) or takes away (-1) what an own CPU means for its domain. */
void board_count_own(Board *board, guint vcpu, guint pu, gint sign);
/** Gives a unit other regions. */
void board_cover(Board *board, guint unit, guint64 regions);
