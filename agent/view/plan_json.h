/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/json.h"
#include "tuners/plan.h"

/** The parts of the JSON contract (design section 7) that several verbs print. All new references. */

/** A whole plan: version, host, domains, actions, refused, cost, cost_before. */
json_t *kt_plan_json(const KtPlan *plan);

/** The cost of a placement, taken apart. */
json_t *kt_cost_json(const KtCost *cost);

/** The plan's actions. */
json_t *kt_plan_actions_json(const KtPlan *plan);

/** What waits for a power cycle, of all domains, each with its target. */
json_t *kt_plan_pending_json(const KtPlan *plan);

/** The host's counts and sets. @housekeeping may be NULL: left out. */
json_t *kt_host_json(const KtTopology *topology, const KtCpuset *housekeeping);

/** "host" or "domain:NAME". Owned. */
char *kt_target_name(const KtSnapshot *snapshot, gint domain);
