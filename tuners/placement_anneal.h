/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement_search.h"

/**
 * Changes drawn by lot, which are taken back where they aren't wanted. Private to the placement engine.
 */

/** One part of a change, as it was before. */
typedef struct {
    bool is_set;
    guint index;  /* of the unit whose set it was; else of the vCPU */
    gint pu;      /* that it had, -1 = none */
    KtHall *hall; /* the set */
} KtChange;

typedef struct {
    KtState *state;
    GRand *chance;
    guint *owners; /* vCPUs that have own CPUs */
    guint n_owners;
    guint *sharers; /* units that have common sets */
    guint n_sharers;
    guint *usable; /* PUs */
    guint n_usable;
    GArray *changes;  /* KtChange: all of the last draw */
    guint64 *regions; /* room to compose a set of regions */
} KtDraws;

/** The same ones each time. */
KtDraws *kt_draws_new(KtState *state);
void kt_draws_free(KtDraws *draws);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDraws, kt_draws_free)

/** Changes something, legally. False: it came to nothing, and may be half done. There are owners or sharers.
 */
bool kt_draws_change(KtDraws *draws);
/** Exchanges all that is in two sharing groups, or two nodes. False as above. */
bool kt_draws_mirror(KtDraws *draws);
/** Exchanges all pairs of which that makes the total less; whether there was one. */
bool kt_draws_improve_by_mirror(KtDraws *draws);

/** The parts of a change. False: that isn't legal, or (a set) has no CPU; nothing is changed. */
bool kt_draws_take(KtDraws *draws, guint vcpu, guint pu);
void kt_draws_release(KtDraws *draws, guint vcpu);
bool kt_draws_enter(KtDraws *draws, guint unit, KtHall *hall);
/** Takes back what the last draw has changed. */
void kt_draws_undo(KtDraws *draws);
