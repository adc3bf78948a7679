/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"

/** What a thread beside the keeper's shares with it; all of it outlives the thread. */
typedef struct {
    const char *state_dir;
    GMutex *mutex; /* held while the journal is open for writing */
} KtJournalTurn;

/** After this it is worth another try. */
#define KT_JOURNAL_TURN_USEC G_USEC_PER_SEC

/** Does something with the journal open for writing, unless a run is under way. Errors: held (by a run of the
 * daemon's, or by another kvm-tune), those of kt_journal_open(), and @record's. */
bool kt_journal_turn(const KtJournalTurn *turn, bool (*record)(KtJournal *, gpointer, GError **),
                     gpointer data, GError **error);
