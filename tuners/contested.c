/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/contested.h"

/* A running tuner that sets the same, or NULL. What runs here says nothing of another host's. */
static const KtOtherTuner *
rival(const KtPlan *plan, const KtSetting *setting)
{
    const GPtrArray *tuners = plan->snapshot->host_is_local ? plan->snapshot->other_tuners : NULL;
    for (guint i = 0; tuners != NULL && i < tuners->len; i++) {
        const KtOtherTuner *tuner = tuners->pdata[i];
        if (g_strv_contains(tuner->settings, setting->key))
            return tuner;
    }
    return NULL;
}

static void
refuse(KtPlan *plan, gint domain, const KtValue *value, const KtOtherTuner *tuner)
{
    kt_plan_refuse(plan, domain, value, NULL,
                   "left to %s, which runs (pid %" G_GINT64_FORMAT
                   ") and sets %s; stop it, or write 'contested = take' in [host]",
                   tuner->name, tuner->pid, tuner->knobs);
}

/* Refuses what the profile says of this setting, for the host or each domain. */
static void
leave(const KtDesired *desired, KtPlan *plan, const KtSetting *setting, const KtOtherTuner *tuner)
{
    const KtValue *host = setting->scope == KT_SCOPE_HOST ? kt_desired_host(desired, setting->id) : NULL;
    if (host != NULL)
        refuse(plan, -1, host, tuner);
    for (guint i = 0; setting->scope == KT_SCOPE_DOMAIN && i < plan->n_domains; i++) {
        const KtValue *value = kt_desired_any(desired, i, setting->id);
        if (value != NULL)
            refuse(plan, (gint)i, value, tuner);
    }
}

KtDesired *
kt_contested_leave(const KtDesired *desired, KtPlan *plan)
{
    bool left[KT_N_SETTINGS] = {false};
    bool take = kt_value_is(kt_desired_host(desired, KT_SETTING_CONTESTED), "take");
    for (guint id = 0; id < KT_N_SETTINGS && !take; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        const KtOtherTuner *tuner = rival(plan, setting);
        left[id] = tuner != NULL;
        if (left[id])
            leave(desired, plan, setting, tuner);
    }
    return kt_desired_without(desired, left);
}

void
kt_contested_tell(KtPlan *plan)
{
    for (guint i = 0; i < plan->actions->len; i++) {
        KtAction *action = plan->actions->pdata[i];
        const KtOtherTuner *tuner = rival(plan, action->setting);
        if (tuner == NULL)
            continue;
        char *reason =
            g_strdup_printf("%s; taken from %s, which runs (pid %" G_GINT64_FORMAT ") and may set it again",
                            action->reason, tuner->name, tuner->pid);
        g_free(action->reason);
        action->reason = reason;
    }
}
