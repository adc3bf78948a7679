/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/** Settings that another tuner, which runs on this host, sets too (safety rule 11). */

/**
 * The wishes without those that are left to another tuner: `host contested` is `leave` unless a profile says
 * `take`. Each that is left is refused in @plan, with who it is left to and both ways out. Owned; borrows
 * from the profile as @desired does.
 */
KtDesired *kt_contested_leave(const KtDesired *desired, KtPlan *plan);

/** Says of each action that takes a setting from another tuner who that is. */
void kt_contested_tell(KtPlan *plan);
