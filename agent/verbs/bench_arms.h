/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/verb.h"
#include "bench/compare/runner.h"

/** How `bench` brings about an arm: as `apply` and `rollback` do. */
typedef struct {
    const KtOptions *options;
    const KtProfile *profile;
    KtHost *host; /* the newest view; owned */
    KtJournal *journal;
    gint64 run; /* of apply, that brought the arm with the profile about; 0 = none */
    GPtrArray
        *cycled; /* char *: names of domains that the profile stages something of; empty without --restart */
} KtArms;

/** A KtBench.switch_arm; its user_data is a KtArms. */
bool kt_arms_switch(KtBench *bench, bool with, GError **error);

/** What a reader of the report wants to know of where it was measured: JSON of the host, the guests, the
 * workloads and the plan. Owned. */
char *kt_bench_about(const KtOptions *options, const KtPlanning *planning, const GPtrArray *workloads,
                     const GPtrArray *domains);
