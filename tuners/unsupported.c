/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/tuner.h"

static void
refuse_disruption(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, guint index)
{
    const KtDomain *domain = snapshot->domains->pdata[index];
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_DISRUPTION, NULL);
    if (value != NULL && domain->active && !kt_value_is(value, "none"))
        kt_plan_refuse(
            plan, (gint)index, value, NULL,
            "this version never disturbs a running guest: what '%s' would allow is staged for the next boot",
            value->text);
}

void
kt_tune_unsupported(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    for (guint i = 0; i < snapshot->domains->len; i++)
        refuse_disruption(snapshot, desired, plan, i);
}
