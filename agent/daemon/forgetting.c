/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/forgetting.h"

#include "agent/daemon/decisions.h"
#include "agent/exec/journal_prune.h"
#include "probes/kernel.h"

/** What is to become of a mark. */
typedef enum {
    STAYS,
    GOES,       /* its domain isn't there any more */
    COMES_BACK, /* it is there again */
    FORGOTTEN,
} Fate;

static const KtDomain *
find(const KtSnapshot *snapshot, const char *uuid)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (g_str_equal(domain->uuid, uuid))
            return domain;
    }
    return NULL;
}

static Fate
fate_of(const KtManual *mark, const KtSnapshot *snapshot, gint64 now_usec)
{
    if (!mark->domain_uuid)
        return STAYS;
    if (find(snapshot, mark->domain_uuid))
        return mark->gone_usec ? COMES_BACK : STAYS;
    /* The clock may have been set back since. */
    if (!mark->gone_usec || mark->gone_usec > now_usec)
        return GOES;
    return now_usec - mark->gone_usec < KT_FORGETTING_USEC ? STAYS : FORGOTTEN;
}

bool
kt_forgetting_is_due(const GPtrArray *marks, const KtSnapshot *snapshot, gint64 now_usec)
{
    for (guint i = 0; i < marks->len; i++)
        if (fate_of(marks->pdata[i], snapshot, now_usec) != STAYS)
            return true;
    return false;
}

bool
kt_forget_marks(KtJournal *journal, GPtrArray *marks, const KtSnapshot *snapshot, gint64 now_usec,
                GError **error)
{
    for (guint i = marks->len; i > 0; i--) {
        KtManual *mark = marks->pdata[i - 1];
        Fate fate = fate_of(mark, snapshot, now_usec);
        if (fate == STAYS)
            continue;
        if (fate == FORGOTTEN) {
            if (!kt_journal_forget_marks(journal, mark->domain_uuid, error))
                return false;
            if (!mark->released)
                kt_decision_log_forgotten(mark);
            g_ptr_array_remove_index(marks, i - 1);
            continue;
        }
        mark->gone_usec = fate == GOES ? now_usec : 0;
        if (!kt_journal_note_gone(journal, mark->domain_uuid, mark->gone_usec, error))
            return false;
    }
    return true;
}

/** One that runs in a process which can't be told is in as one that may be any. */
static GHashTable *
list_living(const KtSnapshot *snapshot)
{
    GHashTable *living = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const char *process = domain->active ? domain->process : "";
        g_hash_table_insert(living, domain->uuid, (gpointer)process);
    }
    return living;
}

bool
kt_forget_runs(KtJournal *journal, const KtRoot *root, const KtSnapshot *snapshot, gint64 now_usec,
               GError **error)
{
    g_autoptr(GHashTable) domains = list_living(snapshot);
    g_autofree char *boot = kt_boot_id(root);
    const KtLiving living = {.hypervisor = snapshot->uri,
                             .boot = boot,
                             .domains = domains,
                             .recent_usec = now_usec - KT_FORGETTING_USEC};
    return kt_journal_prune(journal, &living, error);
}
