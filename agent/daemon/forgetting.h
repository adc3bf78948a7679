/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/manual.h"
#include "probes/snapshot.h"

/**
 * What of state.db needn't be known any more, by the domains that libvirt knows.
 */

/** So long marks of a domain stay that libvirt doesn't know any more: it may have been migrated and come
 * back, be transient and started again, or be undefined to be defined anew. */
#define KT_FORGETTING_USEC G_TIME_SPAN_DAY

/** Whether kt_forget_marks() would change something, at @now_usec by the wall clock. Pure. */
bool kt_forgetting_is_due(const GPtrArray *marks, const KtSnapshot *snapshot, gint64 now_usec);

/** Notes of @marks (KtManual) whose domain isn't in @snapshot since when that is so, and drops those for
 * which it has been so for KT_FORGETTING_USEC, there and in the journal. */
bool kt_forget_marks(KtJournal *journal, GPtrArray *marks, const KtSnapshot *snapshot, gint64 now_usec,
                     GError **error);

/** Prunes the journal by what lives in @snapshot, which is of a hypervisor, where it is time. A domain that
 * something was done to within KT_FORGETTING_USEC may still come back. */
bool kt_forget_runs(KtJournal *journal, const KtRoot *root, const KtSnapshot *snapshot, gint64 now_usec,
                    GError **error);
