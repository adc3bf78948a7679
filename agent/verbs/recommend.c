/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/recommend.h"
#include "agent/verbs/verb.h"

/* A plan of all that might be wished asks the agents, the OS database and QEMU what it hangs on. */
static KtPlan *
plan_wishes(const KtHost *host)
{
    g_autoptr(KtProfile) profile = kt_recommend_first_profile(host->snapshot);
    g_autoptr(KtDesired) desired = kt_desired_resolve(profile, host->snapshot, NULL);
    return kt_plan_asking(host, desired);
}

KtExit
kt_verb_recommend(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtHost) host = kt_host_open(options, KT_HOST_READ, &exit);
    if (host == NULL)
        return exit;
    g_autoptr(KtPlan) plan = plan_wishes(host);
    g_autoptr(KtRecommendation) recommendation = kt_recommend(plan);
    g_autofree char *text = options->json ? kt_view_recommendation_json(recommendation, host->snapshot)
                                          : kt_view_recommendation(recommendation, host->snapshot);
    return kt_print(text, KT_EXIT_DONE);
}
