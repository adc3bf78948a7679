/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/amount.h"
#include "tuners/recommend_parts.h"

#define GIB_KIB (1024 * 1024)

static bool
has_shared_memory(const KtSnapshot *snapshot)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomainDef *def = kt_domain_def(snapshot->domains->pdata[i]);
        if (def &&
            (g_strcmp0(def->memory_source, "memfd") == 0 || g_strcmp0(def->memory_access, "shared") == 0))
            return true;
    }
    return false;
}

static void
wish_thp(const KtSnapshot *snapshot, GPtrArray *wishes)
{
    const KtThp *thp = &snapshot->memory->thp;
    if (thp->enabled)
        kt_recommend_add(
            wishes, -1, KT_SETTING_THP_ENABLED, "madvise", true,
            g_strdup_printf("Now %s. QEMU asks for huge pages for guest RAM, so madvise is enough; "
                            "always would touch every process on the host.",
                            thp->enabled));
    if (thp->defrag)
        kt_recommend_add(
            wishes, -1, KT_SETTING_THP_DEFRAG, "madvise", true,
            g_strdup_printf("Now %s. Only memory that asked for huge pages waits for the kernel to make "
                            "one; no other process stalls at a page fault.",
                            thp->defrag));
    if (thp->shmem && has_shared_memory(snapshot))
        kt_recommend_add(
            wishes, -1, KT_SETTING_THP_SHMEM, "advise", true,
            g_strdup_printf("Now %s. Some guest's memory is shared (memfd), and gets huge pages only by "
                            "this.",
                            thp->shmem));
}

static void
wish_ksm(const KtSnapshot *snapshot, GPtrArray *wishes)
{
    const KtKsm *ksm = &snapshot->memory->ksm;
    gint64 total = kt_memory_total_kib(snapshot->memory);
    guint64 promised = kt_snapshot_promised_kib(snapshot);
    if (ksm->run == KT_ABSENT || total <= 0)
        return;
    double share = 100.0 * (double)promised / (double)total;
    gint64 saved =
        ksm->pages_sharing == KT_ABSENT ? 0 : ksm->pages_sharing * (gint64)snapshot->memory->page_kib;
    if (ksm->run == 1 && saved * 20 > total)
        kt_recommend_add(
            wishes, -1, KT_SETTING_KSM_MODE, "on", true,
            g_strdup_printf("It runs and saves %.1f GiB. Merging is a side channel: right only where all "
                            "guests have one owner.",
                            (double)saved / GIB_KIB));
    else if (share > 90)
        kt_recommend_add(
            wishes, -1, KT_SETTING_KSM_MODE, "on", true,
            g_strdup_printf("Guests may take %.0f %% of this host's memory: merged pages make room. "
                            "Merging is a side channel: right only where all guests have one owner.",
                            share));
    else
        kt_recommend_add(
            wishes, -1, KT_SETTING_KSM_MODE, "off", true,
            g_strdup_printf("Guests may take %.0f %% of this host's memory: there is room without "
                            "merging, which costs CPU time and splits huge pages.",
                            share));
}

/* What guests with huge pages of that size need; pools of another size stay as they are. */
static void
wish_pools(const KtSnapshot *snapshot, GPtrArray *wishes)
{
    bool wanted[2] = {false, false};
    guint64 usual = snapshot->pools ? snapshot->pools->default_kib : 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomainDef *def = kt_domain_def(snapshot->domains->pdata[i]);
        guint64 size = def && def->hugepage_kib ? def->hugepage_kib : usual;
        wanted[0] = wanted[0] || (def && def->hugepages && size == 2048);
        wanted[1] = wanted[1] || (def && def->hugepages && size == GIB_KIB);
    }
    for (guint i = 0; i < 2; i++) {
        if (wanted[i])
            kt_recommend_add(
                wishes, -1, i == 0 ? KT_SETTING_HUGEPAGES_2M : KT_SETTING_HUGEPAGES_1G, "auto", true,
                g_strdup("Some guests are defined with pages of this size: the pool is sized by node "
                         "from what they need at their next start."));
    }
    if (wanted[0] || wanted[1])
        kt_recommend_add(wishes, -1, KT_SETTING_MEMORY_RESERVE, "1GiB", true,
                         g_strdup("So much of each node stays out of the pools, for the host itself."));
}

void
kt_recommend_for_host(const KtSnapshot *snapshot, GPtrArray *wishes)
{
    wish_thp(snapshot, wishes);
    wish_ksm(snapshot, wishes);
    wish_pools(snapshot, wishes);
    bool exclusive = false, placed = false;
    for (guint i = 0; i < wishes->len; i++) {
        const KtRecommendedWish *wish = wishes->pdata[i];
        placed = placed || wish->setting->id == KT_SETTING_CPU_PLACEMENT;
        exclusive =
            exclusive || (wish->setting->id == KT_SETTING_CPU_EXCLUSIVE && g_str_equal(wish->value, "yes"));
    }
    if (exclusive)
        kt_recommend_add(wishes, -1, KT_SETTING_HOUSEKEEPING, "auto", true,
                         g_strdup("Guests with CPUs of their own need the host's work and QEMU's own threads "
                                  "somewhere else: one whole core."));
    const KtKernel *kernel = snapshot->kernel;
    if (placed && snapshot->topology->n_nodes > 1 && kernel && kernel->numa_balancing != KT_ABSENT)
        kt_recommend_add(
            wishes, -1, KT_SETTING_NUMA_BALANCING, "no", true,
            g_strdup("Guests have their place below, and their memory follows: sampling them would only "
                     "cost page faults."));
}
