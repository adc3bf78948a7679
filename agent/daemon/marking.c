/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/marking.h"

#include "agent/daemon/decisions.h"
#include "agent/daemon/drift.h"
#include "probes/kernel.h"

void
kt_marking_clear(KtMarking *marking)
{
    g_clear_pointer(&marking->manual, g_ptr_array_unref);
}

bool
kt_marking_read(KtMarking *marking, KtJournal *journal, GError **error)
{
    GPtrArray *manual = kt_journal_manual(journal, error);
    if (!manual)
        return false;
    g_clear_pointer(&marking->manual, g_ptr_array_unref);
    marking->manual = manual;
    return true;
}

guint
kt_marking_count(const KtMarking *marking)
{
    guint n = 0;
    for (guint i = 0; i < marking->manual->len; i++)
        n += kt_manual_stands(marking->manual->pdata[i]);
    return n;
}

/** Somebody's change, as it is kept from now on. */
static KtManual *
new_mark(const KtAction *action, const KtDomain *domain, const KtLeft *left, bool undone)
{
    KtManual *mark = g_new0(KtManual, 1);
    mark->domain_uuid = g_strdup(domain ? domain->uuid : NULL);
    mark->domain_name = g_strdup(domain ? domain->name : NULL);
    mark->setting = g_strdup(action->setting->key);
    mark->item = g_strdup(action->item);
    mark->left = g_strdup(left->value);
    mark->found = g_strdup(action->from);
    mark->undone = undone;
    mark->since_usec = g_get_real_time();
    return mark;
}

/** Appends a mark to @marks where what @action would change is somebody's. */
static bool
judge(const KtMarking *marking, KtJournal *journal, const KtPlan *plan, const KtAction *action,
      const char *boot, GPtrArray *marks, GError **error)
{
    const KtDomain *domain = action->domain >= 0 ? plan->snapshot->domains->pdata[action->domain] : NULL;
    const char *uuid = domain ? domain->uuid : NULL;
    g_autoptr(KtLeft) left = NULL;
    if (!kt_journal_find_left(journal, action, uuid, marking->since_usec, &left, error))
        return false;
    if (left && kt_drift_is_released(marking->manual, action, uuid, left))
        return true;
    KtDrift drift = kt_drift_judge(plan, action, left, boot);
    if (left && drift != KT_DRIFT_OURS)
        g_ptr_array_add(marks, new_mark(action, domain, left, drift == KT_DRIFT_UNDONE));
    return true;
}

bool
kt_marking_mark(KtMarking *marking, KtJournal *journal, const KtRoot *root, const KtPlan *plan, guint *ret_n,
                GError **error)
{
    g_autoptr(GPtrArray) marks = g_ptr_array_new_with_free_func((GDestroyNotify)kt_manual_free);
    g_autofree char *boot = kt_boot_id(root);
    for (guint i = 0; i < plan->actions->len; i++)
        if (!judge(marking, journal, plan, plan->actions->pdata[i], boot, marks, error))
            return false;
    if (marks->len > 0 && !kt_journal_mark_manual(journal, marks, error))
        return false;
    for (guint i = 0; i < marks->len; i++)
        kt_decision_log_manual(marks->pdata[i]);
    *ret_n = marks->len;
    g_ptr_array_extend_and_steal(marking->manual, g_steal_pointer(&marks));
    return true;
}
