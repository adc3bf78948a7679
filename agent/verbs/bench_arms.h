/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/verb.h"
#include "bench/compare/runner.h"

/** How an arm is brought about: as `apply` and `rollback` do. */
typedef struct {
    const KtOptions *options;
    const KtProfile *profile;
    bool left[KT_N_SETTINGS]; /* settings that are as if the profile didn't name them */
    KtHost *host;             /* the newest view; owned */
    KtJournal *journal;
    gint64 run;       /* of apply, that brought the arm with the profile about; 0 = none */
    KtReport *report; /* of that run; owned */
    GPtrArray *
        cycled; /* char *: names of domains that the arm stages something of; NULL without --restart; owned */
    GHashTable *left_off; /* char *: those that somebody else has shut off; owned */
    bool powered;         /* some of those that are cycled may run as the profile staged them */
} KtArms;

/** A KtBench.switch_arm; its user_data is a KtArms. */
bool kt_arms_switch(KtBench *bench, bool with, GError **error);

/** A KtBench.connect_again; its user_data is a KtArms. */
bool kt_arms_connect_again(KtBench *bench, GError **error);

/** Looks at the host anew, and plans what the arm with the profile would do. @bench uses that view until the
 * arm is switched. NULL: the host doesn't answer. Owned. */
KtPlanning *kt_arms_plan(KtBench *bench, GError **error);

/** Applies the profile to stay; arms->report tells of it. After a failure bench->with says whether something
 * of it is left. */
bool kt_arms_keep(KtBench *bench, GError **error);

/** Undoes @run, that was to stay, and powers off and on again whom it was done to for it: @cycled (char *),
 * or NULL. Where that fails bench->with stays. */
bool kt_arms_give_up(KtBench *bench, gint64 run, const GPtrArray *cycled, GError **error);

/** What a reader of the report wants to know of where it was measured: JSON of the host, the guests, the
 * workloads and @plan. Owned. */
char *kt_bench_about(const KtOptions *options, const KtPlan *plan, const GPtrArray *workloads,
                     const GPtrArray *domains);
