/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/snapshot.h"
#include "tuners/placement_alternatives.h"

/** Why a domain sits where it does, without a profile. */

/** Where a domain of a snapshot is, and could be instead. */
typedef struct {
    KtPlacementProblem *problem; /* the active domains. What they are wished to have is read from what they
                                  * have: its own CPU for each vCPU, or else a common set; those that float
                                  * are obstacles */
    guint domain;                /* index into the problem's */
    GPtrArray *alternatives;     /* KtAlternative */
} KtWhy;

/** NULL where the domain isn't active or has no vCPU online. */
KtWhy *kt_why_new(const KtSnapshot *snapshot, guint domain, guint max);
void kt_why_free(KtWhy *why);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtWhy, kt_why_free)
