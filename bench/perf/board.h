/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/ground.h"
#include "bench/perf/mix.h"

/**
 * A placement that can be changed a vCPU or a common set at a time, with its cost (design section 10) kept up
 * to date: what the oracle, the annealing and the baselines are made of. Written anew from the text of the
 * design; tuners/cost.c has the last word on every result.
 */

/** vCPUs of one domain that are in one cell. */
typedef struct {
    guint domain;
    guint number, n_units; /* of the domain's units it is this one */
    guint first, n;        /* Board.vcpus */
    double load;
    double pair_scale; /* what a distance of 1 of one pair costs */
    bool follows;      /* its memory counts as where its CPUs are */
    double *node_cost; /* by node: for known memory, and devices, per vCPU */
    guint *node_vcpus; /* own CPUs: vCPUs by node */
    double pair_sum;   /* own CPUs: distances over its pairs */
    /* Common set: */
    guint64 regions; /* bits by group, for `numa` by node; 0 = no set yet */
    guint64 zones;
    guint n_set;      /* CPUs of the set */
    guint64 set_hash; /* of these */
    double rate;      /* load on each of them */
    guint moves;
    double cost;   /* L, M and V; of own CPUs without M where memory follows */
    double follow; /* that M */
    bool dirty;
} BoardUnit;

typedef struct {
    guint unit;
    guint index; /* into KtSeatDomain.vcpus */
    double load;
    gint guest_core;
    gint home;        /* PU that it had for itself before, -1 = none */
    guint64 set_hash; /* of the set that it had before */
} BoardVcpu;

typedef struct {
    const KtSeatDomain *wish;
    guint first_unit, n_units;
    guint first_vcpu, n_vcpus;
    bool exclusive, fixed;
    gint kind;         /* wanted, -1 = any */
    guint *core_vcpus; /* own CPUs, `share`: vCPUs by core */
    guint n_cores;
    guint *group_vcpus; /* own CPUs, `spread`: vCPUs by group */
    guint n_groups;
    guint n_seated;
    guint8 zone_units[64]; /* common sets: units by zone */
} BoardDomain;

typedef struct {
    guint n_owned, n_open;
    bool isolated;
    double own_load, fixed_load;
    guint n_fixed;   /* domains that aren't placed and may run here */
    guint n_doubled; /* whom safety rule 7 gives a spare core */
    double cost;
    bool dirty;
} BoardCore;

typedef struct {
    double rate;
    guint n_open;
    guint64 hash; /* of its open CPUs */
    guint n_domains;
    bool dirty;
} BoardZone;

typedef struct {
    gint vcpu; /* or −1: unit */
    guint unit;
    gint pu;
    guint64 regions;
} BoardChange;

typedef struct {
    const Ground *ground;
    const KtPlacementProblem *problem;
    BoardDomain *domains;
    BoardUnit *units;
    BoardVcpu *vcpus;
    guint n_domains, n_units, n_vcpus, n_shared; /* units that share */
    guint *shared;                               /* these */
    bool *usable, *sharable, *open;              /* by PU */
    gint *owner;                                 /* by PU */
    gint *seat;                                  /* by vCPU */
    bool keeps_open;
    guint n_open, n_spare, n_doubled, spread_groups, threads;
    guint n_empty; /* common sets without a CPU */
    guint n_moves;
    double cost;   /* of section 10 without moves and follow */
    double follow; /* M of units with own CPUs whose memory follows: not monotone, so apart */
    guint n_other; /* wishes broken: `share` on more cores than needed, `spread` on fewer groups than possible
                    */
    BoardCore *cores;
    BoardZone zones[64];
    double *group_fixed, *group_cost; /* by group */
    guint64 dirty_zones, dirty_groups;
    GArray *dirty_cores; /* guint */
    GArray *changes;     /* BoardChange since board_mark() */
} Board;

Board *board_new(const Ground *ground, const KtPlacementProblem *problem);
void board_free(Board *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Board, board_free)

/** The cost of section 10. */
static inline double
board_cost(const Board *board)
{
    return board->cost + board->follow + 0.2 * board->n_moves;
}

/** How many wishes that the cost doesn't have are broken (judge.h). */
static inline guint
board_broken(const Board *board)
{
    return MIN(board->n_doubled, board->n_spare) + board->n_other;
}

/** Common sets without a CPU, and the CPU that has to stay open: 0 in a legal placement. */
static inline guint
board_illegal(const Board *board)
{
    return board->n_empty + (board->keeps_open && board->n_open == 0);
}

/** Whether the vCPU may have this CPU: nobody has it, nor what isolation closes. */
bool board_can_take(const Board *board, guint vcpu, guint pu);
void board_take(Board *board, guint vcpu, guint pu);
void board_release(Board *board, guint vcpu);
void board_set_regions(Board *board, guint unit, guint64 regions);
/** Brings the cost up to date: after one or more changes. */
void board_settle(Board *board);

/** Changes from here on can be taken back. */
void board_mark(Board *board);
/** Takes all changes since the mark back; settled. */
void board_undo(Board *board);

/** Makes the board what the placement says, which has to be legal and without refusals. Settled. */
void board_adopt(Board *board, const KtPlacement *placement);

/** All regions that a unit's set can be made of, as bits. */
guint64 board_all_regions(const Board *board, guint unit);
/** The zones of these regions. */
guint64 board_zones_of(const Board *board, guint unit, guint64 regions);
/** The regions of a unit that its present sets touch. */
guint64 board_present_regions(const Board *board, guint unit);

/** Owned, and complete when everybody sits. */
KtPlacement *board_placement(const Board *board);
