/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agent/daemon/changes.h"
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

/** A step of domain @uuid (NULL: of the host) has failed. */
void kt_set_aside_add(KtSetAside *aside, const char *uuid, gint64 now_usec);

/** Domains that have changed since get another try. */
void kt_set_aside_forgive(KtSetAside *aside, const KtChangeSet *changes);

/** Everybody gets one. */
void kt_set_aside_clear(KtSetAside *aside);

/** Takes the steps of those who are set aside out of @plan. */
void kt_set_aside_leave_out(const KtSetAside *aside, KtPlan *plan, gint64 now_usec);
