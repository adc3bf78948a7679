/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step_xml.h"

#include "base/domain_xml.h"
#include "base/error.h"

char *
kt_step_xml_edit(const char *xml, const KtJournalStep *step, GError **error)
{
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(KtXmlEdit));
    guint n = step->actions->len;
    for (guint i = 0; i < n; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, step->undoes_run ? n - 1 - i : i);
        KtXmlEdit edit = {.field = action->field, .item = action->item, .value = action->to};
        /* What is so already may have nothing there to be taken away from. */
        if (kt_step_performs(action) && g_strcmp0(action->found, action->to) != 0)
            g_array_append_val(edits, edit);
    }
    char *result = kt_domain_xml_edit(xml, (const KtXmlEdit *)edits->data, edits->len, error);
    if (!result)
        g_prefix_error(error, "domain %s: ", step->domain_name);
    return result;
}

/** Whether this step also makes (or, undone, takes away) what @action is of: an IOThread that is pinned. */
static bool
is_made_here(const KtJournalStep *step, const KtJournalAction *action)
{
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *other = g_ptr_array_index(step->actions, i);
        if (other->field == KT_XML_IOTHREADS)
            return action->field == KT_XML_IOTHREAD_PIN;
    }
    return false;
}

bool
kt_step_xml_note(KtJournalStep *step, const char *xml, GError **error)
{
    for (guint i = 0; i < step->actions->len; i++) {
        KtJournalAction *action = g_ptr_array_index(step->actions, i);
        g_autoptr(GError) local = NULL;
        char *found = NULL;
        bool there = kt_domain_xml_get(xml, action->field, action->item, &found, &local);
        /* `invalid`: the disk or NIC isn't in it any more. Anything else proves nothing. */
        if (!there && !g_error_matches(local, KT_ERROR, KT_ERROR_INVALID)) {
            g_propagate_prefixed_error(error, g_steal_pointer(&local), "domain %s: ", step->domain_name);
            return false;
        }
        kt_step_note(step, action, found, !there && !is_made_here(step, action));
    }
    return true;
}

static bool
compare_action(const KtJournalStep *step, const KtJournalAction *action, const char *xml, const char *where,
               GError **error)
{
    g_autofree char *found = NULL;
    g_autoptr(GError) local = NULL;
    bool there = kt_domain_xml_get(xml, action->field, action->item, &found, &local);
    /* Nothing is to be there, and what it would be of has gone with it. */
    bool gone = !there && !action->to && is_made_here(step, action);
    if (!there && !gone) {
        g_propagate_prefixed_error(error, g_steal_pointer(&local), "domain %s: ", step->domain_name);
        return false;
    }
    if (gone || g_strcmp0(found, action->to) == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s, %s %s in %s: wanted '%s', found '%s'",
                step->domain_name, action->setting, action->item ? action->item : "", where,
                action->to ? action->to : "nothing", found ? found : "nothing");
    return false;
}

bool
kt_step_xml_compare(const KtJournalStep *step, const char *xml, const char *where, GError **error)
{
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        if (kt_step_reads_back(action) && !compare_action(step, action, xml, where, error))
            return false;
    }
    return true;
}
