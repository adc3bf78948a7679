/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/anneal_moves.h"

#define BIT(n) (G_GUINT64_CONSTANT(1) << (n))

struct Moves {
    Board *board;
    GRand *chance;
    guint *movers; /* vCPUs with own CPUs */
    guint n_movers;
    guint *usable; /* PUs */
    guint n_usable;
};

static guint
draw(GRand *chance, guint n)
{
    return (guint)g_rand_int_range(chance, 0, (gint)n);
}

Moves *
moves_new(Board *board, GRand *chance)
{
    Moves *moves = g_new0(Moves, 1);
    moves->board = board;
    moves->chance = chance;
    moves->movers = g_new(guint, board->n_vcpus + 1);
    moves->usable = g_new(guint, board->ground->n_pus);
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (board->domains[board->units[board->vcpus[i].unit].domain].exclusive)
            moves->movers[moves->n_movers++] = i;
    }
    for (guint i = 0; i < board->ground->n_pus; i++) {
        if (board->usable[i])
            moves->usable[moves->n_usable++] = i;
    }
    return moves;
}

void
moves_free(Moves *moves)
{
    if (!moves)
        return;
    g_free(moves->movers);
    g_free(moves->usable);
    g_free(moves);
}

bool
moves_any(const Moves *moves)
{
    return moves->n_movers + moves->board->n_shared > 0;
}

/* ---- own CPUs ---- */

/* Gives the vCPU this CPU; who has it gets its one. False, and changed in part, where that isn't legal. */
static bool
exchange(Board *board, guint vcpu, guint pu)
{
    gint from = board->seat[vcpu], other = board->owner[pu];
    if (from == (gint)pu || from < 0)
        return true;
    board_release(board, vcpu);
    if (other >= 0)
        board_release(board, (guint)other);
    if (!board_can_take(board, vcpu, pu))
        return false;
    board_take(board, vcpu, pu);
    if (other < 0)
        return true;
    if (!board_can_take(board, (guint)other, (guint)from))
        return false;
    board_take(board, (guint)other, (guint)from);
    return true;
}

/* A CPU for a vCPU to go to: anywhere, near another vCPU of its unit, or beside it. */
static guint
draw_target(const Moves *moves, guint vcpu)
{
    const Board *board = moves->board;
    const BoardUnit *unit = &board->units[board->vcpus[vcpu].unit];
    gint mate = board->seat[unit->first + draw(moves->chance, unit->n)];
    guint way = draw(moves->chance, 4);
    if (way == 0 && board->vcpus[vcpu].home >= 0)
        return (guint)board->vcpus[vcpu].home;
    if (way <= 1 || mate < 0)
        return moves->usable[draw(moves->chance, moves->n_usable)];
    const GArray *pus = way == 2 ? board->ground->zone_pus[board->ground->zone_of[mate]]
                                 : board->ground->core_pus[board->ground->topology->pus[mate].core];
    return g_array_index(pus, guint, draw(moves->chance, pus->len));
}

static void
move_vcpu(Moves *moves)
{
    guint vcpu = moves->movers[draw(moves->chance, moves->n_movers)];
    guint pu = draw_target(moves, vcpu);
    if (moves->board->usable[pu] && !exchange(moves->board, vcpu, pu))
        board_undo(moves->board);
}

/* Moves a unit as one to another zone, core by core or thread by thread; who sits there gets its CPUs. */
static void
move_unit(Moves *moves)
{
    Board *board = moves->board;
    const BoardUnit *unit =
        &board->units[board->vcpus[moves->movers[draw(moves->chance, moves->n_movers)]].unit];
    const GArray *cores = board->ground->zone_cores[draw(moves->chance, board->ground->n_zones)];
    if (cores->len == 0)
        return;
    guint first = draw(moves->chance, cores->len), vcpu = unit->first, end = unit->first + unit->n;
    bool packs = draw(moves->chance, 2) == 0;
    for (guint thread = 0; thread < (packs ? 1 : board->threads); thread++) {
        for (guint i = 0; i < cores->len && vcpu < end; i++) {
            guint core = g_array_index(cores, guint, (first + i) % cores->len);
            const GArray *pus = board->ground->core_pus[core];
            for (guint j = packs ? 0 : thread;
                 vcpu < end && j < (packs ? pus->len : MIN(thread + 1, pus->len)); j++) {
                guint pu = g_array_index(pus, guint, j);
                if (board->usable[pu] && !exchange(board, vcpu++, pu)) {
                    board_undo(board);
                    return;
                }
            }
        }
    }
}

/* ---- common sets ---- */

static guint64
draw_bit(GRand *chance, guint64 bits)
{
    for (guint skip = draw(chance, (guint)__builtin_popcountll(bits)); skip > 0; skip--)
        bits &= bits - 1;
    return bits & -bits;
}

/* For `spread`: all regions, or of a guest with cells the unit's part of them. */
static guint64
draw_spread(const BoardUnit *unit, guint64 all, GRand *chance)
{
    guint n = (guint)__builtin_popcountll(all);
    guint first = unit->number * n / unit->n_units, end = (unit->number + 1) * n / unit->n_units;
    guint64 part = 0;
    for (guint i = first; i < MAX(end, first + 1); i++)
        part |= BIT(i);
    return draw(chance, 2) == 0 ? part : all;
}

static guint64
draw_regions(const Board *board, guint index, GRand *chance)
{
    const BoardUnit *unit = &board->units[index];
    guint64 all = board_all_regions(board, index), now = unit->regions, other;
    if (board->domains[unit->domain].wish->policy == KT_PLACEMENT_SPREAD)
        return draw_spread(unit, all, chance);
    switch (draw(chance, 8)) {
    case 0:
    case 1:
    case 2:
        return draw_bit(chance, all);
    case 3:
        return now | draw_bit(chance, all);
    case 4:
        other = now ? now & ~draw_bit(chance, now) : 0;
        return other ? other : draw_bit(chance, all);
    case 5:
    case 6:
        return (now ? now & ~draw_bit(chance, now) : 0) | draw_bit(chance, all);
    default:
        other = board_present_regions(board, index);
        return other ? other : now;
    }
}

static void
move_set(Moves *moves)
{
    Board *board = moves->board;
    guint unit = board->shared[draw(moves->chance, board->n_shared)];
    guint64 regions = draw_regions(board, unit, moves->chance);
    if (regions != board->units[unit].regions)
        board_set_regions(board, unit, regions);
}

void
moves_make(Moves *moves)
{
    guint sets = moves->board->n_shared, all = moves->n_movers + 2 * sets;
    if (sets > 0 && draw(moves->chance, all) < 2 * sets)
        move_set(moves);
    else if (moves->n_movers > 0 && draw(moves->chance, 8) == 0)
        move_unit(moves);
    else if (moves->n_movers > 0)
        move_vcpu(moves);
}

/* ---- the start ---- */

static gint
draw_free(const Board *board, GRand *chance, guint vcpu)
{
    guint n = board->ground->n_pus, first = draw(chance, n);
    for (guint i = 0; i < n; i++) {
        if (board_can_take(board, vcpu, (first + i) % n))
            return (gint)((first + i) % n);
    }
    return -1;
}

static bool
seat_rest(Board *board, GRand *chance, bool isolating)
{
    for (guint i = 0; i < board->n_vcpus; i++) {
        const BoardDomain *domain = &board->domains[board->units[board->vcpus[i].unit].domain];
        if (!domain->exclusive || board->seat[i] >= 0 || (domain->wish->smt == KT_SMT_ISOLATE) != isolating)
            continue;
        gint pu = draw_free(board, chance, i);
        if (pu < 0)
            return false;
        board_take(board, i, (guint)pu);
    }
    return true;
}

static void
stand_up(Board *board)
{
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (board->seat[i] >= 0)
            board_release(board, i);
    }
}

/* Who isolates first: it needs a whole core. */
static bool
seat_own(Board *board, GRand *chance, bool present)
{
    stand_up(board);
    for (guint i = 0; present && i < board->n_vcpus; i++) {
        gint home = board->vcpus[i].home;
        if (board->domains[board->units[board->vcpus[i].unit].domain].exclusive && home >= 0 &&
            board_can_take(board, i, (guint)home))
            board_take(board, i, (guint)home);
    }
    return seat_rest(board, chance, true) && seat_rest(board, chance, false);
}

bool
start_seats(Board *board, GRand *chance, bool present)
{
    /* What stays where it is may be in the way of who isolates. */
    if (!(present && seat_own(board, chance, true)) && !seat_own(board, chance, false))
        return false;
    for (guint i = 0; i < board->n_shared; i++) {
        guint unit = board->shared[i];
        guint64 regions = present ? board_present_regions(board, unit) : 0;
        if (board->domains[board->units[unit].domain].wish->policy == KT_PLACEMENT_SPREAD)
            regions = board_all_regions(board, unit);
        board_set_regions(board, unit, regions ? regions : draw_bit(chance, board_all_regions(board, unit)));
    }
    board_settle(board);
    board_mark(board);
    return true;
}
