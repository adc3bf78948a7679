/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/snapshot.h"
#include "profiles/settings.h"

/**
 * What a profile's line about a huge page pool means on this host. Pages by node index (KtTopology.nodes).
 */

/** Leave the node's pool as it is. */
#define KT_POOL_AS_IT_IS (-1)

/** The pool of a node (index), or NULL where it has none of that size. */
const KtPool *kt_pool_of_node(const KtSnapshot *snapshot, guint node, guint64 page_kib);

/** The fewest pages that each node's pool can have: those in use, and those that are promised to processes,
 * which the kernel knows for the host only: they count where pages are free. Owned. */
gint64 *kt_pool_floors(const KtSnapshot *snapshot, guint64 page_kib);

/** The pages that a count, or counts by node, ask for; KT_POOL_AS_IT_IS where @value says nothing of a node.
 * A count for the host is split evenly over the nodes with memory. NULL, and @ret_why (may be NULL, owned),
 * where that isn't possible. Owned. */
gint64 *kt_pool_wishes(const KtSnapshot *snapshot, const KtValue *value, guint64 page_kib, char **ret_why);

/** Splits @total evenly over the nodes of @shares whose value isn't negative, and what is left over from the
 * lowest node on. */
void kt_pool_split(gint64 total, gint64 *shares, guint n);
