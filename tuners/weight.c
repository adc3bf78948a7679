/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/tuner.h"

/* What a group has by default: libvirt hands cpu.shares (v1) and cpu.weight (v2) on as they are, so a
 * percentage has to be counted from there. A hybrid host has its cpu controller in v1. 0 = not known. */
static guint64
default_shares(const KtSnapshot *snapshot)
{
    if (snapshot->cgroup == NULL || !snapshot->host_is_local)
        return 0;
    switch (snapshot->cgroup->layout) {
    case KT_CGROUP_V1:
    case KT_CGROUP_HYBRID:
        return 1024;
    case KT_CGROUP_V2:
        return 100;
    case KT_CGROUP_NONE:
        break;
    }
    return 0;
}

static guint64
shares_of(gint64 percent, guint64 unit)
{
    /* The least that libvirt takes: the kernel's on v1, and so on v2, where the kernel takes 1 too. */
    return MAX(((guint64)percent * unit + 50) / 100, 2);
}

typedef struct {
    KtPlan *plan;
    guint domain;
    const KtValue *value;
    guint64 unit; /* the default */
    guint64 wanted;
} KtWeightWish;

static char *
number(guint64 shares)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, shares);
}

static KtAction
action_for(const KtWeightWish *wish)
{
    return (KtAction){
        .domain = (gint)wish->domain,
        .setting = wish->value->setting,
        .risk = KT_RISK_NONE,
        .reason = g_strdup_printf(
            "%s of the CPU time that a domain gets by default where domains compete: %" G_GUINT64_FORMAT
            " is 100%% on this host's cgroup",
            wish->value->text, wish->unit),
        .source = g_strdup(wish->value->source),
    };
}

/* A running domain's group always has a number, so neither value is ever absent. */
static void
set_live(const KtWeightWish *wish, const KtDomainDef *live)
{
    KtAction action = action_for(wish);
    action.from = number(live->shares > 0 ? live->shares : wish->unit);
    action.to = number(wish->wanted);
    action.when = KT_WHEN_NOW;
    action.kind = KT_STEP_WEIGHT;
    kt_plan_add(wish->plan, action);
}

/* The default needs no word in the definition. */
static void
set_staged(const KtWeightWish *wish, const KtDomainDef *def)
{
    guint64 present = def->shares > 0 ? def->shares : wish->unit;
    if (present == wish->wanted || !kt_plan_may_stage(wish->plan, (gint)wish->domain, wish->value, NULL))
        return;
    KtAction action = action_for(wish);
    action.from = def->shares > 0 ? number(def->shares) : NULL;
    action.to = wish->wanted != wish->unit ? number(wish->wanted) : NULL;
    action.when = KT_WHEN_NEXT_BOOT;
    action.kind = KT_STEP_DEFINE;
    action.field = KT_XML_SHARES;
    kt_plan_add(wish->plan, action);
}

static void
tune_domain(const KtSnapshot *snapshot, KtPlan *plan, guint index, const KtValue *value)
{
    const KtDomain *domain = snapshot->domains->pdata[index];
    KtWeightWish wish = {.plan = plan, .domain = index, .value = value, .unit = default_shares(snapshot)};
    if (wish.unit == 0) {
        kt_plan_refuse(
            plan, (gint)index, value, NULL,
            "which cgroup version governs its CPU time isn't known, so there is no default to count from; "
            "run kvm-tune on the host itself, with a cgroup cpu controller mounted");
        return;
    }
    wish.wanted = shares_of(value->number, wish.unit);
    if (domain->active && domain->live != NULL)
        set_live(&wish, domain->live);
    const KtDomainDef *def = kt_domain_next_def(domain);
    if (def != NULL)
        set_staged(&wish, def);
}

void
kt_tune_weight(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtValue *value = kt_desired_domain(desired, i, KT_SETTING_CPU_WEIGHT, NULL);
        if (value != NULL)
            tune_domain(snapshot, plan, i, value);
    }
}
