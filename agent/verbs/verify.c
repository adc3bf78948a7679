/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/verb.h"
#include "agent/view/view.h"

KtExit
kt_verb_verify(const KtOptions *options)
{
    kt_warn_unfinished(options, NULL);
    KtExit exit = KT_EXIT_ERROR;
    KtProfile *profile = kt_planning_profile(options, KT_HOST_READ, &exit);
    g_autoptr(KtPlanning) planning = profile ? kt_planning_make(options, profile, KT_HOST_READ, &exit) : NULL;
    if (planning == NULL)
        return exit;
    const KtPlan *plan = planning->plan;
    exit = plan->actions->len > 0 ? KT_EXIT_DIFFERS : KT_EXIT_DONE;
    if (options->json) {
        g_autofree char *json = kt_view_drift_json(plan);
        return kt_print(json, exit);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_drift(out, &options->style, plan, planning->profile->name);
    return kt_print_unless_quiet(options, out->str, exit);
}
