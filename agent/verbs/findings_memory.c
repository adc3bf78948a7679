/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/verbs/findings.h"

void
kt_find_huge_pages_and_ksm(const KtHost *host, GPtrArray *findings)
{
    const KtMemory *memory = host->snapshot->memory;
    if (memory->ksm.run != 1 || g_strcmp0(memory->thp.enabled, "always") != 0)
        return;
    kt_finding_add(
        findings, "THP with KSM", KT_FINDING_WARN,
        "KSM splits huge pages to merge their parts, khugepaged works to make new ones: both take CPU time "
        "and undo each other",
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        "transparent huge pages for all memory, and KSM runs");
}

void
kt_find_overcommit(const KtHost *host, GPtrArray *findings)
{
    gint64 mode = KT_ABSENT;
    if (!kt_root_read_number(host->root, "proc/sys/vm/overcommit_memory", &mode, NULL) || mode == KT_ABSENT)
        return;
    if (mode == 2)
        kt_finding_add(
            findings, "overcommit", KT_FINDING_WARN,
            "each guest counts with all of its memory from the start: guests are refused while memory is "
            "free, and so is any fork() of QEMU",
            "sysctl -w vm.overcommit_memory=0", "vm.overcommit_memory is 2 (never)");
}

void
kt_find_swap(const KtHost *host, GPtrArray *findings)
{
    KtMeminfo now;
    if (!kt_root_is_live(host->root) || !kt_meminfo_read(host->root, &now, NULL))
        return;
    gint64 total = now.swap_kib, left = now.swap_free_kib;
    if (total == KT_ABSENT || left == KT_ABSENT)
        return;
    g_autofree char *size = kt_size((guint64)total);
    g_autofree char *used = kt_size((guint64)(total - left));
    if (total == 0)
        kt_finding_ok(findings, "swap", "none: when memory runs out, a guest is killed");
    else if ((total - left) * 5 > total)
        kt_finding_add(findings, "swap", KT_FINDING_WARN,
                       "what guests read from there takes thousands of times as long",
                       "ps -eo pid,comm,rss --sort -rss | head", "%s of %s in use", used, size);
    else
        kt_finding_ok(findings, "swap", "%s, %s in use", size, used);
}

/* Memory that guests with huge pages of that size need at their next start, KiB. */
static guint64
needed_kib(const KtSnapshot *snapshot, guint64 page_kib)
{
    guint64 needed = 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_def(domain);
        guint64 size = def && def->hugepage_kib ? def->hugepage_kib : snapshot->pools->default_kib;
        if (def && def->hugepages && size == page_kib && (domain->active || domain->autostart))
            needed += def->memory_kib;
    }
    return needed;
}

static bool
is_mounted(const KtPools *pools, guint64 page_kib)
{
    for (guint i = 0; i < pools->mounts->len; i++) {
        const KtHugetlbMount *mount = pools->mounts->pdata[i];
        if (mount->page_kib == page_kib || (mount->page_kib == 0 && page_kib == pools->default_kib))
            return true;
    }
    return false;
}

static void
find_pool(const KtHost *host, GPtrArray *findings, const KtPageSize *size, guint64 needed)
{
    static const char name[] = "huge page pool";
    g_autofree char *page = kt_size(size->page_kib);
    g_autofree char *wants = kt_size(needed);
    g_autofree char *has = kt_size((guint64)MAX(size->total, 0) * size->page_kib);
    if (!is_mounted(host->snapshot->pools, size->page_kib)) {
        g_autofree char *mend = g_strdup_printf("mkdir -p /dev/hugepages%" G_GUINT64_FORMAT
                                                "k && mount -t hugetlbfs -o pagesize=%" G_GUINT64_FORMAT
                                                "K none /dev/hugepages%" G_GUINT64_FORMAT "k",
                                                size->page_kib, size->page_kib, size->page_kib);
        kt_finding_add(findings, name, KT_FINDING_BAD, "guests that are defined with such pages don't start",
                       mend, "no hugetlbfs with pages of %s is mounted", page);
    } else if ((guint64)MAX(size->total, 0) * size->page_kib < needed) {
        g_autofree char *mend =
            g_strdup_printf("echo %" G_GUINT64_FORMAT
                            " > /sys/kernel/mm/hugepages/hugepages-%" G_GUINT64_FORMAT "kB/nr_hugepages",
                            (needed + size->page_kib - 1) / size->page_kib, size->page_kib);
        kt_finding_add(findings, name, KT_FINDING_BAD, "the guest that finds it empty doesn't start", mend,
                       "guests want %s in pages of %s, there are %s", wants, page, has);
    } else {
        kt_finding_ok(findings, name, "guests want %s in pages of %s, there are %s", wants, page, has);
    }
}

void
kt_find_huge_page_pools(const KtHost *host, GPtrArray *findings)
{
    const KtPools *pools = host->snapshot->pools;
    for (guint i = 0; pools && host->snapshot->host_is_local && i < pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        guint64 needed = needed_kib(host->snapshot, size->page_kib);
        if (needed > 0)
            find_pool(host, findings, size, needed);
    }
}
