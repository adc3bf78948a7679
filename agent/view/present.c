/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/explain.h"
#include "profiles/amount.h"

static char *
ksm_mode(const KtKsm *ksm)
{
    static const char *const words[] = {"off", "on", "unmerge"};
    bool known = ksm->run >= 0 && ksm->run < (gint64)G_N_ELEMENTS(words);
    return known ? g_strdup(words[ksm->run]) : NULL;
}

/* @number of the file, which has @per_unit of them for one of the setting's unit. */
static char *
amount(KtSettingId id, gint64 number, gint64 per_unit)
{
    if (number == KT_ABSENT)
        return NULL;
    const KtSetting *setting = kt_setting(id);
    if (setting->kind == KT_VALUE_BOOL)
        return g_strdup(number != 0 ? "yes" : "no");
    return kt_amount_format(setting->kind, number / per_unit);
}

static char *
memory_value(const KtMemory *memory, KtSettingId id)
{
    const KtKsm *ksm = &memory->ksm;
    if (id == KT_SETTING_THP_ENABLED)
        return g_strdup(memory->thp.enabled);
    if (id == KT_SETTING_THP_DEFRAG)
        return g_strdup(memory->thp.defrag);
    if (id == KT_SETTING_THP_SHMEM)
        return g_strdup(memory->thp.shmem);
    if (id == KT_SETTING_KSM_MODE)
        return ksm_mode(ksm);
    if (id == KT_SETTING_KSM_PAGES_TO_SCAN)
        return amount(id, ksm->pages_to_scan, 1);
    if (id == KT_SETTING_KSM_SLEEP)
        return ksm->sleep_millisecs == KT_ABSENT ? NULL : amount(id, ksm->sleep_millisecs * 1000, 1);
    if (id == KT_SETTING_KSM_MAX_CPU)
        return amount(id, ksm->advisor_max_cpu, 1);
    if (id == KT_SETTING_KSM_MERGE_ACROSS_NODES)
        return amount(id, ksm->merge_across_nodes, 1);
    return NULL;
}

/* The pools of one size as a profile names them: "512", or "0:256 1:256" on several nodes. */
static char *
pool_value(const KtPools *pools, guint64 page_kib)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint n = 0;
    gint64 last = KT_ABSENT;
    for (guint i = 0; i < pools->pools->len; i++) {
        const KtPool *pool = &g_array_index(pools->pools, KtPool, i);
        if (pool->page_kib != page_kib || pool->total == KT_ABSENT)
            continue;
        g_string_append_printf(text, "%s%u:%" G_GINT64_FORMAT, n ? " " : "", pool->node, pool->total);
        last = pool->total;
        n++;
    }
    if (n == 0)
        return NULL;
    return n == 1 ? g_strdup_printf("%" G_GINT64_FORMAT, last) : g_strdup(text->str);
}

char *
kt_present_value(const KtPresent *present, KtSettingId id)
{
    char *value = present->memory ? memory_value(present->memory, id) : NULL;
    if (value != NULL)
        return value;
    if (present->kernel && id == KT_SETTING_NUMA_BALANCING)
        return amount(id, present->kernel->numa_balancing, 1);
    if (present->kernel && id == KT_SETTING_HALT_POLL)
        return amount(id, present->kernel->halt_poll_ns, 1000);
    if (present->pools && id == KT_SETTING_HUGEPAGES_2M)
        return pool_value(present->pools, 2048);
    if (present->pools && id == KT_SETTING_HUGEPAGES_1G)
        return pool_value(present->pools, 1048576);
    return NULL;
}
