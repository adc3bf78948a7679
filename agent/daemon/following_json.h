/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "agent/daemon/following.h"

/** Whose memory follows, for `status`: an array of @figures (KtFollowed). Owned. */
json_t *kt_following_json(const GPtrArray *figures);
