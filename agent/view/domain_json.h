/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/json.h"
#include "tuners/plan.h"

/** What the JSON contract says of one domain. All new references. */

/** snapshot->domains[@domain] with its place after the plan; of a shut-off one without any. */
json_t *kt_planned_domain_json(const KtPlan *plan, guint domain);

/** {"setting", "item", "live", "staged"} */
json_t *kt_pending_json(const KtPending *pending);

/** PCI devices that the domain holds: [{"address", "node"}]. */
json_t *kt_devices_json(const KtDomain *domain, const KtTopology *topology);

/** Memory by the kernel's node numbers, each node's part of @shares (by node index, or NULL: {}). */
json_t *kt_shares_json(const double *shares, const KtTopology *topology);
