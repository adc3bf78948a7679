/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement_state.h"

/**
 * The search: seats by least added cost, then improvements one domain at a time. Private to the placement
 * engine.
 *
 * A second solve must find nothing to do. For that, what is tried in a state depends on the state alone and
 * is judged by cost without moves; present seats are tried beside that. By the triangle inequality of moves,
 * what doesn't pay from the old seats to a neighbour of the new ones doesn't pay from the new ones either.
 */

/** A point to come back to. */
typedef struct {
    double cost;
    double broken;
    double move_cost;
} KtMark;

static inline KtMark
kt_mark(const KtState *state)
{
    return (KtMark){state->cost, state->broken, state->move_cost};
}

/** For after all changes since @mark were taken back: sums are as they were, without what rounding left. */
static inline void
kt_mark_restore(KtState *state, KtMark mark)
{
    state->cost = mark.cost;
    state->broken = mark.broken;
    state->move_cost = mark.move_cost;
}

/** A change that is taken back at once: what is known of the zones holds on. */
static inline KtMark
kt_trial_begin(KtState *state)
{
    state->trying = true;
    return kt_mark(state);
}

static inline void
kt_trial_end(KtState *state, KtMark mark)
{
    kt_mark_restore(state, mark);
    state->trying = false;
}

/** A zone from which seats for a unit are tried. */
typedef struct {
    guint zone;
    double estimate; /* of the unit's cost there */
} KtStart;

#define KT_MAX_STARTS 4

/** The most promising zones for a unit of an exclusive domain, best first; how many. */
guint kt_rank_starts(const KtState *state, const KtUnit *unit, KtStart starts[KT_MAX_STARTS]);

/** What a unit that has no set adds to the cost in this region (some CPU of it is open) at least; never more
 * than it does. */
double kt_bound_region(KtState *state, guint unit, guint region);
/** The same for any set of several regions; not sought on once it is @enough. */
double kt_bound_regions(KtState *state, guint unit, double enough);

/** What this exclusive vCPU, which has no CPU, costs a zone on a whole core; n_cores is 0 where it has none.
 */
const KtZonePrice *kt_zone_price(KtState *state, guint vcpu, guint zone);

/** The CPU of least added cost for an exclusive vCPU that has none; the first of its unit near the zone
 * @start. −1: none is free. */
gint kt_choose(KtState *state, guint vcpu, guint start);
/** The same for one that comes from the zone @now, where the total may be less than @total, moves counted;
 * else maybe -1. */
gint kt_choose_better(KtState *state, guint vcpu, guint now, double total);

/** What an exclusive domain that has no CPU pays about, and hardly less, when it is seated from @zone on; 0
 * where that can't be told. */
double kt_bound_whole(KtState *state, guint domain, guint zone);

/** Seats the vCPUs of an exclusive domain that have no CPU yet. False, and nothing is changed, where there is
 * no room. */
bool kt_seat_exclusive(KtState *state, guint domain);
/** The same from one zone on; where there is no room it may sit in part. */
bool kt_seat_exclusive_from(KtState *state, guint domain, guint zone);
/** The same for the vCPUs of one unit; where there is no room it may sit in part. */
bool kt_seat_unit_from(KtState *state, const KtUnit *unit, guint zone);
/** Takes away all CPUs of an exclusive domain. */
void kt_unseat_exclusive(KtState *state, guint domain);
/** The CPUs of an exclusive domain's vCPUs, by PU index (−1 = none); and back. */
void kt_copy_seats(const KtState *state, const KtModelDomain *domain, gint *seats);
void kt_set_seats(KtState *state, const KtModelDomain *domain, const gint *seats);
/** The same CPUs with as few moves as that takes: what a domain's vCPUs can change among themselves at no
 * cost. */
void kt_keep_within_exclusive(KtState *state, guint domain);
/** Cells of a guest change places where that brings them nearer to their memory (KtSeatDomain.cell_nodes) and
 * costs no more. */
void kt_match_cells(KtState *state, guint domain);
/** Puts what is on cores that are alike, but for who was at home there before, in order: domain by domain. */
void kt_pack_exclusive(KtState *state);
/** kt_keep_within_exclusive() for all domains, and those that move have their CPUs in the order of their
 * numbers: what search made of it says nothing to whoever reads it. */
void kt_order_exclusive(KtState *state);
/** Exchanges a vCPU that is apart from the others of its domain, or beside a stranger, with a stranger of
 * theirs, where that is worth it; whether it was. */
bool kt_improve_by_exchange(KtState *state, guint vcpu);
/** Brings a vCPU of a `spread` domain to a core of strangers in a group that has none of its domain, and
 * these elsewhere, where that is worth it; whether it was. */
bool kt_improve_spread_by_core(KtState *state, guint vcpu);
/** Packs a `share` domain: its vCPU goes beside another one of it, and its core to a vCPU of `smt = auto` on
 * a sibling, where that is worth it; whether it was. Either alone meets one wish and breaks another. */
bool kt_improve_by_yielding(KtState *state, guint vcpu);
/** Moves a vCPU or all of an exclusive domain where that is worth it, or (@exchange) exchanges vCPUs with
 * others; whether it was. */
bool kt_improve_exclusive(KtState *state, guint domain, bool exchange);

/** Which units begin with sets of several regions, where these are cheaper as yet. */
typedef enum { KT_GROW_LARGE, KT_GROW_NONE, KT_GROW_ALL, KT_N_GROW } KtGrow;

/** Gives a unit that has none the common set of least cost. False where no CPU is open for it. */
bool kt_seat_unit(KtState *state, guint unit, KtGrow grow);
/** Gives a unit another set where that is worth it; whether it was. */
bool kt_improve_unit(KtState *state, guint unit);
/** The hall that a unit is in before: the regions that its vCPUs' present sets touch, for `spread` one of the
 * two that it may have. NULL where nothing of that is open, or (unless @any_size) it is most of a large
 * machine for a unit that isn't large. */
KtHall *kt_unit_present_hall(KtState *state, guint unit, bool any_size);
/** Takes regions without an open CPU out of a unit's hall; whether there were any. Its set stays the same. */
bool kt_prune_unit(KtState *state, guint unit);

/** Another set for a unit that has one, drawn by lot; NULL: none. @regions: room to compose it. */
KtHall *kt_draw_hall(KtState *state, guint unit, GRand *chance, guint64 *regions);

/** Who is seated before whom. */
typedef enum {
    KT_SEAT_OWN_FIRST,    /* own CPUs, whole cores before others; common sets are made of what is left */
    KT_SEAT_SETS_FIRST,   /* common sets, which own CPUs keep away from then */
    KT_SEAT_MINDERS_NEXT, /* the same, and after them who minds company on his cores most */
    KT_N_SEATING,
} KtSeating;

/** A way to begin. */
typedef struct {
    KtGrow grow;
    KtSeating seating;
    bool present;  /* who may keeps the seats that he has */
    bool in_place; /* common sets of any size too */
    guint changed; /* but for this domain, or KT_NO_DOMAIN */
} KtWay;

/** Seats everybody; whether anybody kept a present seat. */
bool kt_seat_all(KtState *state, KtWay way);

/** Moves a domain, whole or a vCPU or unit of it, as long as that is worth it. */
void kt_improve_alone(KtState *state, guint domain);
/** Improves one domain after the other until none can be improved. */
void kt_climb(KtState *state);

/** What is worth its time, by the size of the host and what is to be placed there. */
typedef enum {
    KT_EFFORT_CLIMB,  /* one beginning, from which is climbed: several hundred guests */
    KT_EFFORT_ANNEAL, /* several, of which the best is annealed, and only then climbed from */
    KT_EFFORT_ALL,    /* several, climbed from; the best is annealed */
} KtEffort;

/** By how many CPUs there are to choose from, for how many guests and vCPUs. */
KtEffort kt_effort(const KtModel *model);
/** Simulated annealing from what is there: finds what takes several changes at once, and never leaves what
 * costs more; the same each time. */
void kt_anneal(KtState *state);

/** All that @state says, with reasons, in the caller's order. Owned. */
KtPlacement *kt_placement_extract(const KtState *state);
/** Fills KtSeat.reason. */
void kt_placement_explain(const KtState *state, KtPlacement *placement);
