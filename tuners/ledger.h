/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/memory_needs.h"
#include "tuners/plan.h"

/**
 * The one account of memory by node: what of a node is bound to guests, what huge page pools hold, what the
 * plan takes of free memory. Whoever needs memory of a node takes it here, so that no two tuners count on the
 * same.
 *
 * - Bound to a node is never more than its size less `memory-reserve` (design section 10).
 * - A pool that grows, and pages that move, take free memory, less `memory-reserve` too.
 * - A pool that the profile leaves `auto` is as big as the guests that boot next need; any other holds what
 * it holds.
 *
 * Active domains and those that autostart are booked as they boot next. What is over-committed from before
 * stays; it just can't get worse.
 */

typedef enum {
    KT_SHORTAGE_NONE,
    KT_SHORTAGE_SIZE, /* nodes that are too small; KiB */
    KT_SHORTAGE_FREE, /* not enough memory is free now; KiB */
    KT_SHORTAGE_POOL, /* a pool that isn't `auto` is too small; pages */
} KtShortageKind;

/** Why something doesn't fit. */
typedef struct {
    KtShortageKind kind;
    char *nodes; /* a kernel list */
    guint64 page_kib;
    gint64 wanted;
    gint64 available; /* KT_ABSENT = the host doesn't say */
} KtShortage;

void kt_shortage_clear(KtShortage *shortage);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtShortage, kt_shortage_clear)

/** "needs 4096 MiB of node 0, which can hold 3072 MiB more". Owned. */
char *kt_shortage_describe(const KtShortage *shortage);

/** The accounts of @plan's snapshot, after placement. */
KtLedger *kt_ledger_new(const KtPlan *plan, const KtDesired *desired);
void kt_ledger_free(KtLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLedger, kt_ledger_free)

/** Books @domain (an index) with these needs (KtMemoryNeed) instead of what it is booked with. False, and
 * nothing changes, where they don't fit. A domain that is shut off and doesn't autostart is only tried. */
bool kt_ledger_take(KtLedger *ledger, guint domain, const GPtrArray *needs, KtShortage *ret_shortage);

/** Takes @kib of the memory that is free on these nodes now. */
bool kt_ledger_take_free(KtLedger *ledger, const KtCpuset *nodes, gint64 kib, KtShortage *ret_shortage);

/** Whether the profile leaves it to the guests' needs how big pools of this size are. */
bool kt_ledger_pool_is_auto(const KtLedger *ledger, guint64 page_kib);

/** The pages that the pool of a node (index) is to have. False where it can't. */
bool kt_ledger_pool(const KtLedger *ledger, guint64 page_kib, guint node, gint64 *ret_pages,
                    KtShortage *ret_shortage);
