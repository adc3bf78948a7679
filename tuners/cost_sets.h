/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement.h"
#include "tuners/zones.h"

/** The CPU sets of a placement as the cost sums over them. Private to the cost. */

/** vCPUs of one domain that follow each other, are in one cell and have one set. */
typedef struct {
    const KtCpuset *set;
    guint *pus; /* its members: indices of online PUs */
    guint n_pus;
    guint n_vcpus;
    double load; /* of all of them */
    gint cell;
    gint guest_core; /* the one that all of them are threads of; -1 = none, or several */
} KtCostRun;

/** The runs of one domain: KtCostRun. Owned. */
GArray *kt_cost_runs_new(const KtPlacementProblem *problem, const KtPlacement *placement, guint domain);

/** The mean distance between the members of two runs; @shared: anything nearer than 2 counts 2. 0 where one
 * is empty. */
double kt_cost_mean_distance(const KtZones *zones, const KtCostRun *a, const KtCostRun *b, bool shared);
