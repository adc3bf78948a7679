/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"

/** Names in the database back to values; false: a name that this program doesn't know. */
bool kt_result_from_name(const char *name, KtResult *ret_result);
bool kt_step_kind_from_name(const char *name, KtStepKind *ret_kind);

void kt_journal_action_free(KtJournalAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtJournalAction, kt_journal_action_free)
