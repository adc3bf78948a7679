/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** What plans leave undone, and was told, so that it isn't told at every look. */
typedef struct KtRefusals KtRefusals;

KtRefusals *kt_refusals_new(void);
void kt_refusals_free(KtRefusals *refusals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtRefusals, kt_refusals_free)

/** Tells the log what @plan refuses, and whose memory it can't move (agent/daemon/decisions), where the plan
 * before didn't say so. @seen: what the plan was made for. */
void kt_refusals_tell(KtRefusals *refusals, const KtPlan *plan, const char *seen);
