/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/memory_parts.h"

void
kt_memory_stage(const KtMemoryWish *wish, const KtValue *value, KtXmlField field, const char *item,
                const char *to, KtRisk risk, char *reason)
{
    KtAction action = {
        .domain = (gint)wish->index,
        .setting = value->setting,
        .item = g_strdup(item),
        .to = g_strdup(to),
        .when = KT_WHEN_NEXT_BOOT,
        .risk = risk,
        .reason = reason,
        .source = g_strdup(value->source),
        .kind = KT_STEP_DEFINE,
        .field = field,
    };
    /* The whole of it, as the step will find it. A snapshot's definition has been parsed before. */
    kt_domain_xml_get(kt_domain_next_xml(wish->domain), field, item, &action.from, NULL);
    kt_plan_add(wish->plan, action);
}

static void
tune_domain(const KtDesired *desired, KtPlan *plan, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtDomainDef *def = kt_domain_next_def(domain);
    if (def == NULL || !kt_desired_selects(desired, index))
        return;
    g_autoptr(KtCpuset) cpu_nodes = kt_memory_cpu_nodes(plan, index, NULL);
    KtMemoryWish wish = {.plan = plan,
                         .desired = desired,
                         .index = index,
                         .domain = domain,
                         .next = *def,
                         .cpu_nodes = cpu_nodes};
    kt_memory_tune_numa(&wish);
    kt_memory_tune_backing(&wish);
    kt_memory_tune_ksm(&wish);
    g_free(wish.nodeset);
    g_clear_pointer(&wish.memnodes, g_ptr_array_unref);
}

/* Memory that moves is part of what the placement costs. */
static bool
moves_memory(const KtPlacement *placement)
{
    for (guint i = 0; i < placement->n_seats; i++) {
        if (placement->seats[i].memory_nodes != NULL)
            return true;
    }
    return false;
}

void
kt_tune_memory(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    plan->ledger = kt_ledger_new(plan, desired);
    for (guint i = 0; i < snapshot->domains->len; i++)
        tune_domain(desired, plan, i);
    if (moves_memory(plan->placement))
        plan->cost = kt_cost(plan->problem, plan->placement);
}
