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
    KtStepKind kind;          /* actions of this kind change what is judged */
    GPtrArray *reasons;       /* KtMigrationReason, filled */
    bool planned;             /* one of the actions has a part in what is judged just now */
} KtMigrationCase;

/** Adds a reason; one that is there already isn't repeated. */
void
kt_migration_add(KtMigrationCase *of, KtMigrationWeight weight, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** What the action at that place makes of @present (NULL = absent): the value after the plan. Sets planned.
 * Borrowed. */
const char *kt_migration_value(KtMigrationCase *of, KtXmlField field, const char *item, const char *present);

void kt_migration_judge_disks(KtMigrationCase *of);
void kt_migration_judge_ties(KtMigrationCase *of);
