/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/oracle.h"

typedef struct {
    Board *board;
    OracleResult result;
} Oracle;

static bool
is_own(const Board *board, guint vcpu)
{
    return board->domains[board->units[board->vcpus[vcpu].unit].domain].exclusive;
}

/* Whether two vCPUs may change places without any difference but which of them moves. */
static bool
are_alike(const BoardVcpu *a, const BoardVcpu *b)
{
    return a->unit == b->unit && a->load == b->load && a->guest_core == b->guest_core && a->home == b->home;
}

/* What is on the board costs, when more comes, no less: distances, load and strangers only grow, and sets are
 * still missing. Broken wishes and memory that follows are left out, they may go away again. */
static bool
is_hopeless(const Oracle *oracle)
{
    return oracle->result.placement && oracle->result.score.broken == 0 &&
           oracle->board->cost + 0.2 * oracle->board->n_moves > oracle->result.score.cost + 1e-9;
}

static void
judge(Oracle *oracle)
{
    const Board *board = oracle->board;
    Score score = {board_broken(board), board_cost(board)};
    oracle->result.n_tried++;
    if (board_illegal(board) > 0 ||
        (oracle->result.placement && !score_is_better(score, oracle->result.score)))
        return;
    kt_placement_free(oracle->result.placement);
    oracle->result.placement = board_placement(board);
    oracle->result.score = score;
}

static bool
may_have(const Board *board, guint unit, guint64 regions)
{
    const BoardUnit *it = &board->units[unit];
    guint64 all = board_all_regions(board, unit);
    if (board->domains[it->domain].wish->policy != KT_PLACEMENT_SPREAD)
        return true;
    guint n = (guint)__builtin_popcountll(all);
    guint first = it->number * n / it->n_units, end = MAX((it->number + 1) * n / it->n_units, first + 1);
    guint64 part = ((G_GUINT64_CONSTANT(1) << (end - first)) - 1) << first;
    return regions == all || regions == part;
}

/* Common sets of the units from Board.shared[@at] on, all ways. */
static void
try_sets(Oracle *oracle, guint at)
{
    Board *board = oracle->board;
    if (at == board->n_shared) {
        judge(oracle);
        return;
    }
    guint unit = board->shared[at];
    for (guint64 regions = 1; regions <= board_all_regions(board, unit); regions++) {
        if (!may_have(board, unit, regions))
            continue;
        board_set_regions(board, unit, regions);
        board_settle(board);
        if (board->units[unit].n_set > 0 && !is_hopeless(oracle))
            try_sets(oracle, at + 1);
    }
    board_set_regions(board, unit, 0);
    board_settle(board);
    board_mark(board);
}

/* The first CPU that is tried for a vCPU: after that of the last one that is like it. */
static guint
first_pu(const Board *board, guint vcpu)
{
    for (guint i = vcpu; i > board->units[board->vcpus[vcpu].unit].first; i--) {
        if (are_alike(&board->vcpus[i - 1], &board->vcpus[vcpu]))
            return (guint)board->seat[i - 1] + 1;
    }
    return 0;
}

static void
try_vcpus(Oracle *oracle, guint vcpu)
{
    Board *board = oracle->board;
    while (vcpu < board->n_vcpus && !is_own(board, vcpu))
        vcpu++;
    if (vcpu == board->n_vcpus) {
        try_sets(oracle, 0);
        return;
    }
    for (guint pu = first_pu(board, vcpu); pu < board->ground->n_pus; pu++) {
        if (!board_can_take(board, vcpu, pu))
            continue;
        board_take(board, vcpu, pu);
        board_settle(board);
        if (!is_hopeless(oracle))
            try_vcpus(oracle, vcpu + 1);
        board_release(board, vcpu);
    }
    board_settle(board);
    board_mark(board);
}

OracleResult
oracle_solve(Board *board)
{
    Oracle oracle = {.board = board};
    try_vcpus(&oracle, 0);
    return oracle.result;
}
