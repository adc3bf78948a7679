/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/cost.h"

/** The parts of a cost as people read them, in one order and in one wording wherever they are printed. */
#define KT_N_COST_PARTS 9

/** Points of cost of a part. Together they are the total. */
double kt_cost_part(const KtCost *cost, guint part);

/** What it is: "crowded caches", "7 vCPUs move". Owned. */
char *kt_cost_part_words(const KtCost *cost, guint part);
