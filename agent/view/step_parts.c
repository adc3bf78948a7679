/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/step_parts.h"

#include "base/diagnostic.h"

char *
kt_view_step_detail(const KtJournalStep *step)
{
    if (step->result != KT_RESULT_BEGUN || !step->part)
        return g_strdup(step->detail);
    return step->part->done
               ? g_strdup_printf("its part '%s' is done, the next one was not begun", step->part->name)
               : g_strdup_printf("its part '%s' was begun and is not done", step->part->name);
}

static void
add_step(KtDifferences *differences, const KtShownStep *shown)
{
    for (guint i = 0; i < shown->step->actions->len; i++) {
        const KtJournalAction *action = shown->step->actions->pdata[i];
        KtDifference difference = {
            .setting = action->setting,
            .item = action->item,
            .from = action->from,
            .to = action->to,
            .when = action->when,
            .reason = shown->message   ? shown->message
                      : shown->reasons ? action->reason
                                       : NULL,
            .source = shown->reasons && !shown->message ? action->source : NULL,
            .result = shown->result,
        };
        kt_differences_add(differences, difference);
    }
}

static bool
same_target(const KtShownStep *a, const KtShownStep *b)
{
    return g_strcmp0(a->step->domain_name, b->step->domain_name) == 0 &&
           g_strcmp0(a->step->domain_uuid, b->step->domain_uuid) == 0;
}

static bool
seen_before(const KtShownStep *steps, guint index)
{
    for (guint i = 0; i < index; i++) {
        if (same_target(&steps[i], &steps[index]))
            return true;
    }
    return false;
}

void
kt_view_steps(GString *out, const KtStyle *style, const KtShownStep *steps, guint n)
{
    g_autoptr(GHashTable) told = kt_told_new();
    for (guint i = 0; i < n; i++) {
        if (seen_before(steps, i))
            continue;
        g_autoptr(KtDifferences) differences = kt_differences_new();
        for (guint k = i; k < n; k++) {
            if (same_target(&steps[i], &steps[k]))
                add_step(differences, &steps[k]);
        }
        const char *domain = steps[i].step->domain_name;
        g_autofree char *name = kt_printable(domain ? domain : "host");
        g_string_append_c(out, '\n');
        kt_ink(out, style, KT_INK_HEADING, "%s\n", name);
        kt_view_differences(out, style, differences, KT_DIFFERENCE_REASON, name, told);
    }
}
