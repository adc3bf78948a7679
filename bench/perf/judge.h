/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement.h"

/**
 * Whether a placement is legal by design section 10 and the safety rules 7 and 9, from its sets alone. Shares
 * nothing with the engine.
 */

/** The first offence against what is always so, for people; NULL = legal. Domains with a refusal have to stay
 * where they are. Owned. */
char *judge_offence(const KtPlacementProblem *problem, const KtPlacement *placement);

/** Wishes that are broken, though they hold as far as possible, and before any cost. */
typedef struct {
    guint doubled;  /* vCPUs of `smt = auto` on a core with others of their own or strange exclusive vCPUs, of
                     * which each could have a whole core that is spare (safety rule 7; threads of one guest
                     * core belong together) */
    guint unpacked; /* cores of `smt = share` beyond what its vCPUs fill */
    guint unspread; /* groups of an exclusive `spread` less than possible */
} Broken;

Broken judge_broken_parts(const KtPlacementProblem *problem, const KtPlacement *placement);

/** How many these are together. */
guint judge_broken(const KtPlacementProblem *problem, const KtPlacement *placement);

/** How many domains were refused. */
guint judge_refused(const KtPlacement *placement);
