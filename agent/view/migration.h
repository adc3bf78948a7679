/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/json.h"
#include "tuners/plan.h"

/** Whether the domain can migrate live, in words: "yes", "no: PCI device 0000:3b:00.0 is passed through";
 * what the next power cycle changes of that; and what the destination needs: @all of it, else only what this
 * plan brings about. Owned.
 */
char *kt_migration_text(const KtDomainPlan *planned, bool all);

/** [{"weight", "when", "planned", "reason"}] */
json_t *kt_migration_json(const KtDomainPlan *planned);
