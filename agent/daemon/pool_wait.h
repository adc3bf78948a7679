/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * Pools that follow the guests (`auto`) grow at once and shrink late: a guest that is powered off and on, or
 * undefined to be defined anew, finds its pages still there. Pure: the clock (monotonic, µs) is an argument.
 */
typedef struct KtPoolWait KtPoolWait;

/** So long nobody has to want the pages of a pool. */
#define KT_POOL_WAIT_USEC (10 * G_TIME_SPAN_MINUTE)

/** Memory is short, and nothing waits, where less than this share of it could be had without swapping. */
#define KT_POOL_WAIT_SHARE 16

KtPoolWait *kt_pool_wait_new(void);
void kt_pool_wait_free(KtPoolWait *wait);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPoolWait, kt_pool_wait_free)

/**
 * Takes the steps out of @plan that would shrink a pool which was wanted until less than KT_POOL_WAIT_USEC
 * ago; but none where the plan needs memory for something else, or memory is short.
 */
void kt_pool_wait_leave_out(KtPoolWait *wait, KtPlan *plan, const KtDesired *desired, gint64 now_usec);

/** How long until the first of them is to shrink, µs; 0 = none is. */
gint64 kt_pool_wait_due(const KtPoolWait *wait, gint64 now_usec);
