/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** How what waits for a next boot gets to a running guest earlier, as far as its `disruption` allows. */

/** How long a running domain is expected to stand still while its memory is written out and read back, µs. */
gint64 kt_pause_estimate(const KtDomain *domain);

/** Why nothing may be done now that a running domain notices, for people; NULL = it may. @plan: for what it
 * knows of its block jobs. Owned. */
char *kt_disturbance_obstacle(const KtPlan *plan, guint domain);

/** Why a running domain can't be saved and resumed, as long as it is as it is; NULL = it can. Owned. */
char *kt_pause_obstacle(const KtPlan *plan, guint domain);
