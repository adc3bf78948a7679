/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/pending.h"
#include "tuners/ways.h"

/** What the files of ways share: of one running domain what is staged, and how it gets to the guest. */

/** What is staged of a running domain, and the way that it gets there now. */
typedef struct {
    const KtPending *pending; /* the live value, and the one of the definition after this plan */
    const KtValue *value;     /* what the profile says of it */
    KtXmlField field;
    KtWhen way;
} KtPassage;

typedef struct {
    KtPlan *plan;
    const KtDesired *desired;
    guint index;
    const KtDomain *domain;
    bool transient; /* nothing is staged: what can't be brought to it now is refused */
    const KtValue *disruption;
    KtWhen allowed;
    char *xml; /* the definition after this plan: the persistent one, of a transient domain the live one */
    KtDomainDef *def;
    GArray *passages; /* KtPassage */
} KtCrossing;

/** Whether any of it goes that way. */
bool kt_crossing_goes(const KtCrossing *crossing, KtWhen way);

/** Chooses the least way of each that this guest bears; what can't go at all waits, and why is refused. */
void kt_crossing_choose(KtCrossing *crossing);
