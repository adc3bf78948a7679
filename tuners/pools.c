/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ledger.h"
#include "tuners/pool_wish.h"
#include "tuners/tuner.h"

static char *
pool_path(const KtPool *pool)
{
    if (pool->whole_host)
        return g_strdup_printf("sys/kernel/mm/hugepages/hugepages-%" G_GUINT64_FORMAT "kB/nr_hugepages",
                               pool->page_kib);
    return g_strdup_printf("sys/devices/system/node/node%u/hugepages/hugepages-%" G_GUINT64_FORMAT
                           "kB/nr_hugepages",
                           pool->node, pool->page_kib);
}

/* Surplus pages go as soon as nobody uses them: they aren't what a pool is to have. */
static gint64
asked_for(const KtPool *pool)
{
    return pool->total - MAX(pool->surplus, 0);
}

static char *
explain(const KtSnapshot *snapshot, const KtValue *value, guint node, guint64 page_kib, gint64 pages)
{
    g_autofree gint64 *floors = kt_pool_floors(snapshot, page_kib);
    gint64 mib = pages * (gint64)page_kib / 1024;
    const char *what = kt_value_is(value, "auto") ? "what guests need at their next boot and others use"
                                                  : "as the profile counts it";
    return g_strdup_printf("%" G_GINT64_FORMAT " MiB: %s; %" G_GINT64_FORMAT
                           " of its pages are in use or promised now",
                           mib, what, floors[node]);
}

static void
set_pool(KtPlan *plan, const KtValue *value, guint node, guint64 page_kib, const KtPool *pool, gint64 pages)
{
    KtAction action = {
        .domain = -1,
        .setting = value->setting,
        .item = g_strdup_printf("node %u", pool->node),
        .from = g_strdup_printf("%" G_GINT64_FORMAT, asked_for(pool)),
        .to = g_strdup_printf("%" G_GINT64_FORMAT, pages),
        .when = KT_WHEN_NOW,
        /* What is set aside serves nothing else; compacting memory for it makes others wait. */
        .risk = pages > pool->total ? KT_RISK_LOW : KT_RISK_NONE,
        .reason = explain(plan->snapshot, value, node, page_kib, pages),
        .source = g_strdup(value->source),
        .kind = KT_STEP_SYSFS,
        .path = pool_path(pool),
    };
    kt_plan_add(plan, action);
}

/* What the kernel makes of a number that is written for one node depends on surplus pages of the others
 * (set_max_huge_pages). */
static bool
refuse_surplus(KtPlan *plan, const KtValue *value, const char *item, guint node, guint64 page_kib)
{
    for (guint i = 0; i < plan->snapshot->topology->n_nodes; i++) {
        const KtPool *other = kt_pool_of_node(plan->snapshot, i, page_kib);
        if (i == node || other == NULL || other->surplus <= 0)
            continue;
        kt_plan_refuse(plan, -1, value, item,
                       "%" G_GINT64_FORMAT
                       " pages of node %u are in use beyond its pool, and until they are given "
                       "back the kernel takes no exact number for another node; restart who uses them",
                       other->surplus, other->node);
        return true;
    }
    return false;
}

static void
tune_pool(KtPlan *plan, const KtValue *value, guint node, guint64 page_kib)
{
    const KtPool *pool = kt_pool_of_node(plan->snapshot, node, page_kib);
    g_auto(KtShortage) shortage = {0};
    gint64 pages = 0;
    if (pool == NULL || pool->total == KT_ABSENT)
        return;
    g_autofree char *item = g_strdup_printf("node %u", pool->node);
    if (!kt_ledger_pool(plan->ledger, page_kib, node, &pages, &shortage)) {
        g_autofree char *why = kt_shortage_describe(&shortage);
        kt_plan_refuse(
            plan, -1, value, item,
            "%s; ask for fewer pages, lower memory-reserve, drop the page cache, or reserve them on the "
            "kernel's command line",
            why);
    } else if (pages != asked_for(pool) && !refuse_surplus(plan, value, item, node, page_kib)) {
        set_pool(plan, value, node, page_kib, pool, pages);
    }
}

static void
tune_size(const KtDesired *desired, KtPlan *plan, KtSettingId id, guint64 page_kib)
{
    const KtValue *value = kt_desired_host(desired, id);
    if (value == NULL || !kt_plan_may_touch_host(plan, value))
        return;
    if (kt_pools_size(plan->snapshot->pools, page_kib) == NULL) {
        kt_plan_refuse(plan, -1, value, NULL, "this host has no huge pages of %" G_GUINT64_FORMAT " KiB",
                       page_kib);
        return;
    }
    g_autofree char *why = NULL;
    g_autofree gint64 *wishes =
        value->pools != NULL ? kt_pool_wishes(plan->snapshot, value, page_kib, &why) : NULL;
    if (why != NULL) {
        kt_plan_refuse(plan, -1, value, NULL, "%s", why);
        return;
    }
    for (guint i = 0; i < plan->snapshot->topology->n_nodes; i++) {
        if (wishes == NULL || wishes[i] != KT_POOL_AS_IT_IS)
            tune_pool(plan, value, i, page_kib);
    }
}

void
kt_tune_pools(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    (void)snapshot;
    tune_size(desired, plan, KT_SETTING_HUGEPAGES_2M, KT_PAGE_2M_KIB);
    tune_size(desired, plan, KT_SETTING_HUGEPAGES_1G, KT_PAGE_1G_KIB);
}
