/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** What a plan says of its guests to the daemon's other threads. */

/** Whose memory stays where it is though another node is nearer, and why. KtFollowed, owned. */
GPtrArray *kt_plan_staying(const KtPlan *plan);

/** Whose load is watched: all that run on this host, and of them who has his place from the plan.
 * KtWatchedGuest, owned. */
GPtrArray *kt_plan_watched(const KtPlan *plan);
