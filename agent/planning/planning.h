/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "agent/planning/host.h"
#include "profiles/desired.h"
#include "profiles/profile.h"
#include "tuners/plan.h"

/**
 * From wishes to a plan, for whoever makes one: verbs and the daemon.
 */

/** The plan for these wishes. A live host, its agents and the OS database are asked for what it hangs on.
 * Owned. */
KtPlan *kt_plan_asking(const KtHost *host, const KtDesired *desired);

/** Whether nobody but root and the present user could change the profile, and have root do what they like.
 * Errors: access. */
bool kt_profile_check_trust(const KtProfile *profile, GError **error);

/** Warns of sections for a domain, and values for a disk or NIC, that there is none of: likely mistakes. */
void kt_warn_unmatched(const KtProfile *profile, const KtSnapshot *snapshot, const KtDesired *desired);
