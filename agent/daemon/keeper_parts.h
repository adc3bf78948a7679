/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/keeper.h"
#include "agent/daemon/marking.h"
#include "agent/daemon/pool_wait.h"
#include "agent/daemon/refusals.h"
#include "agent/daemon/set_aside.h"
#include "agent/daemon/window.h"
#include "agent/exec/executor.h"
#include "agent/planning/planning.h"

/** The keeper's work. Private to keeper*.c. */

struct KtKeeper {
    KtKeeperSetup setup;
    KtHost *host;
    KtEvents *events;
    KtProfile *profile;
    bool profile_is_new;        /* no look was made for it yet */
    KtSetAside *aside;          /* whose steps failed */
    KtPoolWait *pools;          /* that nobody wants any more */
    KtRefusals *told;           /* what was said to be left undone */
    KtMarking marking;          /* what is somebody's */
    KtDesired *desired;         /* what the plan was made of; NULL = none was yet */
    const KtChangeSet *changes; /* what this look is about */
    gint64 began_usec;          /* monotonic: this look */
    GHashTable *edited;         /* set of UUIDs: as KtChangeSet has them, of all looks since one was done */
    GHashTable *seats;          /* likewise */
    GHashTable *touched;   /* set of UUIDs: whom a run has changed, or tried to, since they were looked at */
    GHashTable *unsettled; /* set of UUIDs: of whom the last run has left something as it was */
    GHashTable *windows;   /* restart-windows that are open: UUID → char *; NULL = no plan was made yet */
    gint64 opens_usec;     /* until the next one opens, 0 = none will */
    GPtrArray *moves;      /* KtJournalStep: what of the plan is left to who moves memory */
    GCancellable *stop;    /* of the run that is under way, and what it acts upon */
    KtTarget target;
    bool lasts; /* this run has come to a step that may take its time */
};

/** The plan of now, and keeper->desired, which it is made of. */
KtPlan *kt_keeper_plan(KtKeeper *keeper);

/** Takes out of @plan what others do; whether anything is left. */
bool kt_keeper_has_work(KtKeeper *keeper, KtPlan *plan);

/** Whether somebody has pinned threads of those to whom something was done: also where @plan has nothing
 * against it. */
bool kt_keeper_has_to_mark(const KtKeeper *keeper, const KtPlan *plan);

/** Carries out @plan, made anew where it touches what is somebody's. */
KtLookEnd kt_keeper_act(KtKeeper *keeper, KtPlan **plan, KtLook *look);

/** How a look ends that can't get at the journal. */
KtLookEnd kt_keeper_end_of(const GError *error, KtLook *look);
