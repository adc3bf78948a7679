/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/refusals.h"

#include "agent/daemon/decisions.h"

struct KtRefusals {
    GHashTable *told; /* set of names: see name_of() */
};

static GHashTable *
names_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

KtRefusals *
kt_refusals_new(void)
{
    KtRefusals *refusals = g_new0(KtRefusals, 1);
    refusals->told = names_new();
    return refusals;
}

void
kt_refusals_free(KtRefusals *refusals)
{
    if (!refusals)
        return;
    g_hash_table_unref(refusals->told);
    g_free(refusals);
}

/* What makes it another one: not the figures in its reason, which change from look to look. Owned. */
static char *
name_of(const KtDecision *decision)
{
    g_autoptr(GString) reason = g_string_new(NULL);
    for (const char *at = decision->reason; *at; at++)
        if (!g_ascii_isdigit(*at))
            g_string_append_c(reason, *at);
    return g_strjoin("\n", decision->uuid ? decision->uuid : "host", decision->setting,
                     decision->item ? decision->item : "", decision->source ? decision->source : "",
                     reason->str, NULL);
}

/* Whether it is to be told now. */
static bool
is_new(const KtRefusals *refusals, GHashTable *now, const KtDecision *decision)
{
    char *name = name_of(decision);
    bool is_new = !g_hash_table_contains(refusals->told, name);
    g_hash_table_add(now, name);
    return is_new;
}

static void
tell_refusal(const KtRefusals *refusals, GHashTable *now, const KtPlan *plan, const KtRefusal *refusal,
             const char *seen)
{
    const KtDomain *domain = refusal->domain >= 0 ? plan->snapshot->domains->pdata[refusal->domain] : NULL;
    const KtDecision decision = {
        .domain = domain ? domain->name : NULL,
        .uuid = domain ? domain->uuid : NULL,
        .setting = refusal->setting->key,
        .item = refusal->item,
        .result = "refused",
        .seen = seen,
        .reason = refusal->reason,
        .source = refusal->source,
    };
    if (is_new(refusals, now, &decision))
        kt_decision_tell(&decision, "%s: %s%s%s refused: %s (%s)", domain ? domain->name : "host",
                         decision.setting, decision.item ? " " : "", decision.item ? decision.item : "",
                         decision.reason, decision.source);
}

/* Where there is no room for it that is refused, and told so. */
static bool
is_refused(const KtPlan *plan, guint index)
{
    for (guint i = 0; i < plan->refused->len; i++) {
        const KtRefusal *refusal = plan->refused->pdata[i];
        if (refusal->domain == (gint)index && refusal->setting->id == KT_SETTING_MEMORY_NUMA)
            return true;
    }
    return false;
}

static void
tell_staying(const KtRefusals *refusals, GHashTable *now, const KtPlan *plan, guint index, const char *seen)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtDomainPlan *planned = &plan->domains[index];
    const KtDecision decision = {
        .domain = domain->name,
        .uuid = domain->uuid,
        .setting = kt_setting(KT_SETTING_MEMORY_NUMA)->key,
        .result = "stays",
        .seen = seen,
        .reason = planned->memory_stays,
    };
    if (planned->memory_stays && !is_refused(plan, index) && is_new(refusals, now, &decision))
        kt_decision_tell(&decision, "%s: its memory stays on node %s: %s", domain->name, planned->memory_at,
                         planned->memory_stays);
}

void
kt_refusals_tell(KtRefusals *refusals, const KtPlan *plan, const char *seen)
{
    g_autoptr(GHashTable) now = names_new();
    for (guint i = 0; i < plan->refused->len; i++)
        tell_refusal(refusals, now, plan, plan->refused->pdata[i], seen);
    for (guint i = 0; i < plan->n_domains; i++)
        tell_staying(refusals, now, plan, i, seen);
    g_hash_table_unref(refusals->told);
    refusals->told = g_steal_pointer(&now);
}
