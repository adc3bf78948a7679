/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/ledger.h"
#include "tuners/pool_wish.h"

/**
 * What the ledger keeps. Private to tuners/ledger*.c.
 */

/** One node. KiB. */
typedef struct {
    gint64 size;  /* less memory-reserve; KT_ABSENT = unknown */
    gint64 free;  /* now, less memory-reserve; KT_ABSENT = unknown */
    gint64 bound; /* ordinary memory of guests that comes from here or not at all */
    gint64 taken; /* of the free memory, by pages that this plan moves */
} KtNodeAccount;

/** The pool of one size on one node. Pages. */
typedef struct {
    gint64 present;
    gint64 floor;
    gint64 wished;  /* a fixed number; KT_POOL_AS_IT_IS */
    gint64 refused; /* what was wished and doesn't fit; KT_POOL_AS_IT_IS */
    gint64 others;  /* used by others than guests */
    gint64 need;    /* of guests at their next boot */
    gint64 bound;   /* the part of it that can't come from another node */
} KtPoolAccount;

/** One size of huge pages. */
typedef struct {
    guint64 page_kib;
    bool is_auto;
    KtPoolAccount *pools; /* by node */
} KtSizeAccount;

/** What a need takes of one node: KiB, or pages of a size. */
typedef struct {
    guint node;
    KtSizeAccount *size; /* NULL = ordinary pages */
    gint64 amount;
    bool binds;
} KtCharge;

struct KtLedger {
    const KtSnapshot *snapshot;
    guint n_nodes;
    KtNodeAccount *nodes;
    KtSizeAccount *sizes;
    guint n_sizes;
    GPtrArray *charges; /* GArray of KtCharge, by domain */
};

/** Whether this node (index) is among those OS numbers. */
static inline bool
kt_ledger_is_among(const KtLedger *ledger, const KtCpuset *nodes, guint node)
{
    return hwloc_bitmap_isset(nodes, ledger->snapshot->topology->nodes[node].os);
}

/** The huge pages that @need comes to. */
static inline gint64
kt_ledger_pages(const KtMemoryNeed *need)
{
    return (gint64)((need->kib + need->page_kib - 1) / need->page_kib);
}

/** The pages that a pool is to have, whether it can or not. */
gint64 kt_ledger_pool_pages(const KtSizeAccount *size, guint node);

/** Of the node's size; less than 0 = over-committed, KT_ABSENT = unknown. KiB. */
gint64 kt_ledger_room(const KtLedger *ledger, guint node);

/** Of the memory that is free now; likewise. */
gint64 kt_ledger_free_left(const KtLedger *ledger, guint node);

KtSizeAccount *kt_ledger_size(const KtLedger *ledger, guint64 page_kib);

/** Enters what @needs take, whether it fits or not; taken back with @sign -1. GArray of KtCharge. */
GArray *kt_ledger_charge(KtLedger *ledger, const GPtrArray *needs);
void kt_ledger_apply(KtLedger *ledger, const GArray *charges, gint sign);

/** Fills in the pools: what there is, what is wished, who uses it. */
void kt_ledger_open_pools(KtLedger *ledger, const KtPlan *plan, const KtDesired *desired);
/** Takes up the wishes for pools that fit, once all domains are booked. */
void kt_ledger_admit_wishes(KtLedger *ledger);

void kt_shortage_set(KtShortage *shortage, KtShortageKind kind, const KtCpuset *nodes, gint64 wanted,
                     gint64 available);
