/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/anneal.h"

#include <math.h>
#include <string.h>

#include "bench/perf/anneal_moves.h"

#define HOT 12.0
#define LUKEWARM 1.5
#define COLD 0.03
/* While it is hot a broken wish costs less than in the end, so that walls can be crossed. */
#define WISH_COST 40.0
#define ILLEGAL_COST 1e6
#define STEPS_BASE 20000
#define STEPS_A_VCPU 2500

/* ---- the best so far ---- */

typedef struct {
    gint *seat;
    guint64 *regions;
    Score score;
    bool any;
} Best;

static void
save(const Board *board, Best *best)
{
    memcpy(best->seat, board->seat, board->n_vcpus * sizeof *best->seat);
    for (guint i = 0; i < board->n_shared; i++)
        best->regions[i] = board->units[board->shared[i]].regions;
    best->score = (Score){board_broken(board), board_cost(board)};
    best->any = true;
}

static void
load(Board *board, const Best *best)
{
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (board->seat[i] >= 0 && board->seat[i] != best->seat[i])
            board_release(board, i);
    }
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (best->seat[i] >= 0 && board->seat[i] < 0)
            board_take(board, i, (guint)best->seat[i]);
    }
    for (guint i = 0; i < board->n_shared; i++)
        board_set_regions(board, board->shared[i], best->regions[i]);
    board_settle(board);
    board_mark(board);
}

/* ---- the walk ---- */

static double
height(const Board *board)
{
    return board_cost(board) + WISH_COST * board_broken(board) + ILLEGAL_COST * board_illegal(board);
}

static void
keep_best(const Board *board, Best *best)
{
    Score score = {board_broken(board), board_cost(board)};
    if (board_illegal(board) == 0 && (!best->any || score_is_better(score, best->score)))
        save(board, best);
}

static void
walk(Board *board, GRand *chance, double temperature, guint64 steps, Best *best)
{
    g_autoptr(Moves) moves = moves_new(board, chance);
    double now = height(board), factor = pow(COLD / temperature, 1.0 / (double)steps);
    for (guint64 i = 0; i < steps && moves_any(moves); i++, temperature *= factor) {
        board_mark(board);
        moves_make(moves);
        board_settle(board);
        double then = height(board);
        if (then <= now || g_rand_double(chance) < exp((now - then) / temperature)) {
            now = then;
            keep_best(board, best);
        } else {
            board_undo(board);
        }
    }
    board_mark(board);
}

guint64
anneal_steps(const Board *board)
{
    return STEPS_BASE + (guint64)STEPS_A_VCPU * board->n_vcpus;
}

bool
anneal(Board *board, AnnealStart start, guint64 steps, guint32 seed, Score *ret_score)
{
    g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
    if (start != ANNEAL_GIVEN && !start_seats(board, chance, start == ANNEAL_PRESENT))
        return false;
    g_autofree gint *seat = g_new0(gint, board->n_vcpus + 1);
    g_autofree guint64 *regions = g_new0(guint64, board->n_shared + 1);
    Best best = {.seat = seat, .regions = regions};
    keep_best(board, &best);
    walk(board, chance, start == ANNEAL_RANDOM ? HOT : LUKEWARM, steps, &best);
    if (!best.any)
        return false;
    load(board, &best);
    *ret_score = best.score;
    return true;
}
