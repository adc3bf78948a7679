/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/journal_turn.h"

#include "base/error.h"

bool
kt_journal_turn(const KtJournalTurn *turn, bool (*record)(KtJournal *, gpointer, GError **), gpointer data,
                GError **error)
{
    if (!g_mutex_trylock(turn->mutex)) {
        g_set_error_literal(error, KT_ERROR, KT_ERROR_HELD, "waits for a run of the daemon");
        return false;
    }
    KtJournal *journal = kt_journal_open(turn->state_dir, KT_JOURNAL_WRITE, error);
    bool ok = journal && record(journal, data, error);
    kt_journal_close(journal);
    g_mutex_unlock(turn->mutex);
    return ok;
}
