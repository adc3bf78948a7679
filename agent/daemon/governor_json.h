/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "agent/daemon/governor.h"

/** What the governor does, for `status`: an object. Owned. */
json_t *kt_governor_json(const KtGovernorFigures *figures);
