/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "agent/daemon/load_judge.h"

/** How the guests fare, for `status`: an array of @figures (KtLoadFigures). Owned. */
json_t *kt_load_json(const GPtrArray *figures);
