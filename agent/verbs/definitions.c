/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/definitions.h"

#include "base/output.h"

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

static char *
file_name(const KtDomain *domain)
{
    return g_strconcat(domain->label, ".xml", NULL);
}

static bool
write_definition(const KtOutput *output, const KtDomain *domain, const GArray *edits, GError **error)
{
    g_autofree char *name = file_name(domain);
    g_autofree char *xml =
        kt_domain_xml_edit(domain->inactive_xml, (const KtXmlEdit *)edits->data, edits->len, error);
    return xml && kt_output_write(output, name, xml, error);
}

/* Whether none of the files is there: either all are written, or none. */
static bool
check_new(const KtPlan *plan, const KtOutput *output, GError **error)
{
    for (guint i = 0; i < plan->snapshot->domains->len; i++) {
        g_autoptr(GArray) edits = staged_edits(plan, i);
        g_autofree char *name = file_name(plan->snapshot->domains->pdata[i]);
        if (edits->len > 0 && !kt_output_check_new(output, name, error))
            return false;
    }
    return true;
}

bool
kt_write_definitions(const KtPlan *plan, const char *directory, GError **error)
{
    g_autoptr(KtOutput) output = kt_output_open(directory, error);
    if (!output || !check_new(plan, output, error))
        return false;
    for (guint i = 0; i < plan->snapshot->domains->len; i++) {
        g_autoptr(GArray) edits = staged_edits(plan, i);
        if (edits->len > 0 && !write_definition(output, plan->snapshot->domains->pdata[i], edits, error))
            return false;
    }
    return true;
}
