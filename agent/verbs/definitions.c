/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/definitions.h"

#include <errno.h>

#include "base/error.h"

/* What the plan stages for this domain, as edits of its persistent definition. */
static GArray *
staged_edits(const KtPlan *plan, guint domain)
{
    GArray *edits = g_array_new(FALSE, FALSE, sizeof(KtXmlEdit));
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        if (action->domain != (gint)domain || action->kind != KT_STEP_DEFINE)
            continue;
        KtXmlEdit edit = {.field = action->field, .item = action->item, .value = action->to};
        g_array_append_val(edits, edit);
    }
    return edits;
}

static bool
write_definition(const char *directory, const KtDomain *domain, const GArray *edits, GError **error)
{
    g_autofree char *xml =
        kt_domain_xml_edit(domain->inactive_xml, (const KtXmlEdit *)edits->data, edits->len, error);
    if (xml == NULL)
        return false;
    g_autofree char *name = g_strconcat(domain->label, ".xml", NULL);
    g_autofree char *path = g_build_filename(directory, name, NULL);
    /* A definition may hold secrets. */
    g_autoptr(GError) problem = NULL;
    if (g_file_set_contents_full(path, xml, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &problem))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s", problem->message);
    return false;
}

bool
kt_write_definitions(const KtPlan *plan, const char *directory, GError **error)
{
    if (g_mkdir_with_parents(directory, 0700) != 0) {
        kt_set_error_errno(error, errno, "%s", directory);
        return false;
    }
    for (guint i = 0; i < plan->snapshot->domains->len; i++) {
        g_autoptr(GArray) edits = staged_edits(plan, i);
        if (edits->len > 0 && !write_definition(directory, plan->snapshot->domains->pdata[i], edits, error))
            return false;
    }
    return true;
}
