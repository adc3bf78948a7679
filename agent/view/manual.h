/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "agent/exec/manual.h"
#include "agent/view/ink.h"
#include "probes/snapshot.h"

/** What is known of the daemon's work beside what the probes see. */
typedef struct {
    const json_t *daemon;       /* what it says of itself; NULL = none runs, or it isn't for us to ask */
    const GPtrArray *manual;    /* KtManual, those released too; NULL = not known */
    const KtSnapshot *snapshot; /* who is who: the daemon tells names alone; NULL = not known */
} KtKept;

/** Two lines of the daemon, its KSM governor where that is asked for, and what of the domains of @names (NULL
 * or empty = all, and the host) is manual. Nothing where no daemon runs and nothing is manual. */
void kt_view_kept(GString *out, const KtStyle *style, const KtKept *kept, char *const *names);

/** Adds `daemon` and `manual` to @document. */
void kt_kept_json(json_t *document, const KtKept *kept, char *const *names);

/** One mark. */
json_t *kt_manual_json(const KtManual *mark);

/** "db-1: cpu.placement vcpu 0". Owned; may hold control characters. */
char *kt_manual_describe(const KtManual *mark);
