/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/pending.h"

#include "tuners/disks.h"
#include "tuners/tuner.h"

/* Adds what differs; @kind and @name are those of the item, NULL = it has none. */
static void
compare(GPtrArray *pendings, KtSettingId id, const char *kind, const char *name, const char *live,
        const char *staged)
{
    if (g_strcmp0(live, staged) == 0)
        return;
    KtPending *pending = g_new0(KtPending, 1);
    pending->setting = kt_setting(id);
    pending->item = kind != NULL ? g_strdup_printf("%s %s", kind, name) : NULL;
    pending->live = g_strdup(live);
    pending->staged = g_strdup(staged);
    g_ptr_array_add(pendings, pending);
}

/* Numbers of which 0 is none. */
static void
compare_numbers(GPtrArray *pendings, KtSettingId id, const char *kind, const char *name, guint live,
                guint staged)
{
    g_autofree char *live_text = live > 0 ? g_strdup_printf("%u", live) : NULL;
    g_autofree char *staged_text = staged > 0 ? g_strdup_printf("%u", staged) : NULL;
    compare(pendings, id, kind, name, live_text, staged_text);
}

static void
compare_disks(GPtrArray *pendings, const KtDomainDef *live, const KtDomainDef *staged)
{
    for (guint i = 0; i < staged->disks->len; i++) {
        const KtDiskDef *disk = staged->disks->pdata[i];
        const KtDiskDef *now = disk->target != NULL ? kt_domain_def_find_disk(live, disk->target) : NULL;
        if (now == NULL)
            continue;
        compare(pendings, KT_SETTING_DISK_CACHE, "disk", disk->target, kt_disk_cache(now),
                kt_disk_cache(disk));
        compare(pendings, KT_SETTING_DISK_IO, "disk", disk->target, kt_disk_io(now), kt_disk_io(disk));
        compare(pendings, KT_SETTING_DISK_DISCARD, "disk", disk->target, kt_disk_discard(now),
                kt_disk_discard(disk));
        compare_numbers(pendings, KT_SETTING_DISK_IOTHREADS, "disk", disk->target, now->iothread,
                        disk->iothread);
    }
}

static void
compare_nics(GPtrArray *pendings, const KtDomainDef *live, const KtDomainDef *staged)
{
    for (guint i = 0; i < staged->nics->len; i++) {
        const KtNicDef *nic = staged->nics->pdata[i];
        const KtNicDef *now = nic->mac != NULL ? kt_domain_def_find_nic(live, nic->mac) : NULL;
        bool named = nic->mac != NULL && kt_domain_def_find_nic(staged, nic->mac) != NULL;
        if (now == NULL || !named)
            continue;
        compare(pendings, KT_SETTING_NIC_MODEL, "nic", nic->mac, now->model, nic->model);
        /* One queue is what a NIC without a word of them has. */
        compare_numbers(pendings, KT_SETTING_NIC_QUEUES, "nic", nic->mac, MAX(now->queues, 1),
                        MAX(nic->queues, 1));
    }
}

static bool
same_numatune(const KtDomainDef *live, const KtDomainDef *staged)
{
    return g_strcmp0(live->numatune_mode, staged->numatune_mode) == 0 &&
           g_strcmp0(live->numatune_nodeset, staged->numatune_nodeset) == 0;
}

/* "strict 0", as the place in the XML has it; NULL = none. */
static char *
memnode_value(const KtXmlDef *of, const char *item)
{
    char *value = NULL;
    kt_domain_xml_get(of->xml, KT_XML_MEMNODE, item, &value, NULL);
    return value;
}

static void
compare_cells(GPtrArray *pendings, const KtXmlDef *live, const KtXmlDef *staged)
{
    if (live->def->memnodes->len == 0 && staged->def->memnodes->len == 0)
        return;
    for (guint i = 0; i < staged->def->cells->len; i++) {
        g_autofree char *cell = g_strdup_printf("%u", ((const KtCellDef *)staged->def->cells->pdata[i])->id);
        g_autofree char *item = g_strconcat("cell ", cell, NULL);
        g_autofree char *now = memnode_value(live, item);
        g_autofree char *then = memnode_value(staged, item);
        compare(pendings, KT_SETTING_MEMORY_NUMA, "cell", cell, now, then);
    }
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

/* The whole of what differs; both have been parsed before. */
static void
compare_place(GPtrArray *pendings, const KtXmlDef *live, const KtXmlDef *staged, KtSettingId id,
              KtXmlField field)
{
    g_autofree char *now = NULL;
    g_autofree char *then = NULL;
    kt_domain_xml_get(live->xml, field, NULL, &now, NULL);
    kt_domain_xml_get(staged->xml, field, NULL, &then, NULL);
    compare(pendings, id, NULL, NULL, now, then);
}

static void
compare_memory(GPtrArray *pendings, const KtXmlDef *live, const KtXmlDef *staged)
{
    if (!same_numatune(live->def, staged->def))
        compare_place(pendings, live, staged, KT_SETTING_MEMORY_NUMA, KT_XML_NUMATUNE);
    compare_cells(pendings, live, staged);
    if (!same_pages(live->def, staged->def))
        compare_place(pendings, live, staged, KT_SETTING_MEMORY_BACKING, KT_XML_HUGEPAGES);
    if (live->def->nosharepages != staged->def->nosharepages)
        compare_place(pendings, live, staged, KT_SETTING_MEMORY_KSM, KT_XML_NOSHAREPAGES);
}

void
kt_pending_between(GPtrArray *pendings, const KtXmlDef *live, const KtXmlDef *staged)
{
    compare_numbers(pendings, KT_SETTING_DISK_IOTHREADS, NULL, NULL, live->def->iothreads,
                    staged->def->iothreads);
    compare_memory(pendings, live, staged);
    compare_disks(pendings, live->def, staged->def);
    compare_nics(pendings, live->def, staged->def);
}

/* Takes out what an action of this plan brings to the running guest. */
static void
drop_acted_upon(GPtrArray *pendings, const GPtrArray *actions)
{
    for (guint i = pendings->len; i-- > 0;) {
        const KtPending *pending = pendings->pdata[i];
        bool acted = false;
        for (guint k = 0; !acted && k < actions->len; k++) {
            const KtAction *action = actions->pdata[k];
            acted = action->when != KT_WHEN_NEXT_BOOT && action->setting == pending->setting &&
                    g_strcmp0(action->item, pending->item) == 0;
        }
        if (acted)
            g_ptr_array_remove_index(pendings, i);
    }
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
        KtXmlDef live = {domain->live_xml, domain->live};
        KtXmlDef staged = {domain->inactive_xml, domain->inactive};
        kt_pending_between(plan->domains[i].pending, &live, &staged);
        drop_acted_upon(plan->domains[i].pending, plan->domains[i].actions);
    }
}
