/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement_search.h"

/** Which common sets a unit may have. Private to the placement engine. */

/** Sets of up to this many regions are tried without each of these, and with each changed for a promising
 * one. Units that aren't large have no larger sets, so that those of a host that was never tuned, the whole
 * machine, need not be tried. */
#define KT_MAX_VARIED 8

/** Whether the unit is too large for any one region: its load is more than the cores, and more than each
 * region has to bear anyway once all have their seats. */
bool kt_unit_is_large(const KtState *state, guint unit);
/** Whether the unit's set may have this region. */
static inline bool
kt_unit_may_have(const KtState *state, guint unit, guint region)
{
    const KtModel *model = state->model;
    return state->units[unit].unbound ||
           kt_model_may_share(&model->domains[model->units[unit].domain], region);
}

/** How many regions the unit's set may have. */
guint kt_unit_max_regions(const KtState *state, guint unit);
/** Of all regions that the unit's set may have. @regions: room to compose them. */
KtHall *kt_unit_hall_of_all(KtState *state, guint unit, guint64 *regions);
/** The same; `spread` of a guest with cells: the unit's part of all groups; more cells than groups: by turns.
 */
KtHall *kt_unit_hall_of_part(KtState *state, guint unit, guint64 *regions);

guint kt_hall_count_regions(const KtState *state, const KtHall *hall);
