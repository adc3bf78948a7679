/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/cost.h"

/** Where a running domain could be instead, and what that would cost. */

/** One seat of a domain with all others at their present ones. */
typedef struct {
    KtPlacement *placement; /* of all domains of the problem */
    KtCost cost;            /* of all */
    bool present;           /* where it is now */
} KtAlternative;

void kt_alternative_free(KtAlternative *alternative);

/**
 * The present seat of a domain (an index), then the best @max other ones that the search would look at, each
 * in another place; by cost. KtAlternative; they hold on to @problem. Owned.
 */
GPtrArray *kt_placement_alternatives(const KtPlacementProblem *problem, guint domain, guint max);
