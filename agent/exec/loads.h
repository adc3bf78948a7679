/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"
#include "probes/snapshot.h"

/**
 * The loads that the daemon measured and plans with, kept in state.db: whoever makes a plan, the daemon or a
 * verb beside it, makes it with the same.
 */
typedef struct {
    char *uuid;
    char *process; /* KtDomain.process: of another run of the domain it says nothing */
    guint vcpus;   /* so many were online: of more or fewer the mean is another */
    double load;   /* KtDomain.recent_load; 0 = nothing was measured */
} KtMeasuredLoad;

void kt_measured_load_free(KtMeasuredLoad *load);

/** From now on these loads (KtMeasuredLoad) count, durable on return; of who is among them with nothing
 * measured what was recorded before, and of nobody else. Errors: io. */
bool kt_journal_set_loads(KtJournal *journal, const GPtrArray *loads, GError **error);

/** Sets recent_load of each domain of @snapshot: 0 where nothing is known of it as it runs now. Errors: io.
 */
bool kt_journal_fill_loads(KtJournal *journal, KtSnapshot *snapshot, GError **error);
