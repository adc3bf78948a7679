/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** The pieces of the judgement on live migration. Private to it. */

/** One definition that is judged. */
typedef struct {
    const KtSnapshot *snapshot;
    const KtDomain *domain;
    const KtDomainDef *def;
    const GPtrArray *actions; /* KtAction: what the plan does to the domain; NULL = nothing */
    bool live;                /* it is the one of the running guest */
    GPtrArray *reasons;       /* KtMigrationReason, filled */
    bool planned;             /* one of the actions has a part in what is judged just now */
} KtMigrationCase;

/** Adds a reason; one that is there already isn't repeated. */
void
kt_migration_add(KtMigrationCase *of, KtMigrationWeight weight, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Whether @action changes the definition that is judged: the live one by what is done at once, pauses and
 * the like included, the other by what is staged. */
bool kt_migration_is_of(const KtMigrationCase *of, const KtAction *action);

/** What the action at that place makes of @present (NULL = absent): the value after the plan. Sets planned.
 * Borrowed. */
const char *kt_migration_value(KtMigrationCase *of, KtXmlField field, const char *item, const char *present);

void kt_migration_judge_disks(KtMigrationCase *of);
void kt_migration_judge_ties(KtMigrationCase *of);
