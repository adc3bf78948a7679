/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"
#include "agent/view/json.h"

/** The actions of a recorded step as the JSON contract has them, with `result` and `detail`. New reference.
 */
json_t *kt_step_actions_json(const KtJournalStep *step);
