/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "agent/view/ink.h"
#include "tuners/why.h"

/** Why domains sit where they do: what other seats would cost. */

/** For each domain of @names (NULL or empty = all); of one that has no seat, why, and the way out. */
void kt_view_why(GString *out, const KtStyle *style, const KtSnapshot *snapshot, char *const *names);

/** The alternatives of one domain (an index); null where it isn't active. Owned. */
json_t *kt_why_json(const KtSnapshot *snapshot, guint domain);
