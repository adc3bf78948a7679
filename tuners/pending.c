/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"
#include "tuners/tuner.h"

/* Adds what differs; @kind and @name are those of the item, NULL = it has none. */
static void
compare(KtPlan *plan, guint domain, KtSettingId id, const char *kind, const char *name, const char *live,
        const char *staged)
{
    if (g_strcmp0(live, staged) == 0)
        return;
    KtPending *pending = g_new0(KtPending, 1);
    pending->setting = kt_setting(id);
    pending->item = kind != NULL ? g_strdup_printf("%s %s", kind, name) : NULL;
    pending->live = g_strdup(live);
    pending->staged = g_strdup(staged);
    g_ptr_array_add(plan->domains[domain].pending, pending);
}

/* Numbers of which 0 is none. */
static void
compare_numbers(KtPlan *plan, guint domain, KtSettingId id, const char *kind, const char *name, guint live,
                guint staged)
{
    g_autofree char *live_text = live > 0 ? g_strdup_printf("%u", live) : NULL;
    g_autofree char *staged_text = staged > 0 ? g_strdup_printf("%u", staged) : NULL;
    compare(plan, domain, id, kind, name, live_text, staged_text);
}

static void
compare_disks(KtPlan *plan, guint index, const KtDomainDef *live, const KtDomainDef *staged)
{
    for (guint i = 0; i < staged->disks->len; i++) {
        const KtDiskDef *disk = staged->disks->pdata[i];
        const KtDiskDef *now = disk->target != NULL ? kt_domain_def_find_disk(live, disk->target) : NULL;
        if (now == NULL)
            continue;
        compare(plan, index, KT_SETTING_DISK_CACHE, "disk", disk->target, kt_disk_cache(now),
                kt_disk_cache(disk));
        compare(plan, index, KT_SETTING_DISK_IO, "disk", disk->target, kt_disk_io(now), kt_disk_io(disk));
        compare(plan, index, KT_SETTING_DISK_DISCARD, "disk", disk->target, kt_disk_discard(now),
                kt_disk_discard(disk));
        compare_numbers(plan, index, KT_SETTING_DISK_IOTHREADS, "disk", disk->target, now->iothread,
                        disk->iothread);
    }
}

static void
compare_nics(KtPlan *plan, guint index, const KtDomainDef *live, const KtDomainDef *staged)
{
    for (guint i = 0; i < staged->nics->len; i++) {
        const KtNicDef *nic = staged->nics->pdata[i];
        const KtNicDef *now = nic->mac != NULL ? kt_domain_def_find_nic(live, nic->mac) : NULL;
        bool named = nic->mac != NULL && kt_domain_def_find_nic(staged, nic->mac) != NULL;
        if (now == NULL || !named)
            continue;
        compare(plan, index, KT_SETTING_NIC_MODEL, "nic", nic->mac, now->model, nic->model);
        /* One queue is what a NIC without a word of them has. */
        compare_numbers(plan, index, KT_SETTING_NIC_QUEUES, "nic", nic->mac, MAX(now->queues, 1),
                        MAX(nic->queues, 1));
    }
}

static bool
same_numatune(const KtDomainDef *live, const KtDomainDef *staged)
{
    return g_strcmp0(live->numatune_mode, staged->numatune_mode) == 0 &&
           g_strcmp0(live->numatune_nodeset, staged->numatune_nodeset) == 0;
}

static bool
same_pages(const KtDomainDef *live, const KtDomainDef *staged)
{
    if (live->hugepages != staged->hugepages || live->pages->len != staged->pages->len)
        return false;
    for (guint i = 0; i < live->pages->len; i++) {
        const KtPageDef *now = live->pages->pdata[i], *then = staged->pages->pdata[i];
        bool same_cells = now->cells == NULL || then->cells == NULL
                              ? now->cells == then->cells
                              : hwloc_bitmap_isequal(now->cells, then->cells);
        if (now->page_kib != then->page_kib || !same_cells)
            return false;
    }
    return true;
}

/* The whole of what differs; a snapshot's definitions have been parsed before. */
static void
compare_place(KtPlan *plan, guint index, const KtDomain *domain, KtSettingId id, KtXmlField field)
{
    g_autofree char *live = NULL;
    g_autofree char *staged = NULL;
    kt_domain_xml_get(domain->live_xml, field, NULL, &live, NULL);
    kt_domain_xml_get(domain->inactive_xml, field, NULL, &staged, NULL);
    compare(plan, index, id, NULL, NULL, live, staged);
}

static void
compare_memory(KtPlan *plan, guint index, const KtDomain *domain)
{
    const KtDomainDef *live = domain->live, *staged = domain->inactive;
    if (!same_numatune(live, staged))
        compare_place(plan, index, domain, KT_SETTING_MEMORY_NUMA, KT_XML_NUMATUNE);
    if (!same_pages(live, staged))
        compare_place(plan, index, domain, KT_SETTING_MEMORY_BACKING, KT_XML_HUGEPAGES);
    if (live->nosharepages != staged->nosharepages)
        compare_place(plan, index, domain, KT_SETTING_MEMORY_KSM, KT_XML_NOSHAREPAGES);
}

/* Pending is simply live XML ≠ persistent XML, as the snapshot has them: never what this plan would add. Pins
 * aren't compared: they are live anyway. */
void
kt_tune_pending(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    (void)desired;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!domain->active || domain->live == NULL || domain->inactive == NULL)
            continue;
        compare_numbers(plan, i, KT_SETTING_DISK_IOTHREADS, NULL, NULL, domain->live->iothreads,
                        domain->inactive->iothreads);
        compare_memory(plan, i, domain);
        compare_disks(plan, i, domain->live, domain->inactive);
        compare_nics(plan, i, domain->live, domain->inactive);
    }
}
