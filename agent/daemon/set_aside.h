/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * Whose steps failed: the host or a domain. It is left out of the next plans for a while, longer each time,
 * so that one that can't be tuned doesn't have everybody else's changes undone with its own. Pure: the clock
 * (monotonic, µs) is an argument.
 */
typedef struct KtSetAside KtSetAside;

#define KT_SET_ASIDE_FIRST_USEC G_TIME_SPAN_MINUTE
#define KT_SET_ASIDE_MOST_USEC (32 * G_TIME_SPAN_MINUTE)

KtSetAside *kt_set_aside_new(void);
void kt_set_aside_free(KtSetAside *aside);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtSetAside, kt_set_aside_free)

/** A step of domain @uuid (NULL: of the host) has failed. Gives for how long it is left out, µs. */
gint64 kt_set_aside_add(KtSetAside *aside, const char *uuid, gint64 now_usec);

/**
 * Domains that are other in @snapshot than at the first look after their failure get another try at once: a
 * new process, state or definition. That an event came is not enough, since what was tried, and its undo,
 * bring events too.
 */
void kt_set_aside_forgive(KtSetAside *aside, const KtSnapshot *snapshot);

/** Everybody gets one. */
void kt_set_aside_clear(KtSetAside *aside);

/** A step of domain @uuid (NULL: of the host) went well: the next failure is its first. */
void kt_set_aside_remove(KtSetAside *aside, const char *uuid);

/**
 * Before a plan is made: domains that are set aside are as if nobody named them, so that others are placed
 * around where they are, and of the host the pools of huge pages, so that nobody counts on pages that aren't
 * there.
 */
void
kt_set_aside_unname(const KtSetAside *aside, KtDesired *desired, const KtSnapshot *snapshot, gint64 now_usec);

/** Takes the host's steps out of @plan while it is set aside: no other hangs on these. */
void kt_set_aside_leave_out(const KtSetAside *aside, KtPlan *plan, gint64 now_usec);

/** How long until the first of those who are set aside gets its next try, µs; 0 = nobody waits for one. */
gint64 kt_set_aside_due(const KtSetAside *aside, gint64 now_usec);
