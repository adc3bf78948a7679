/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"

#include "tuners/tuner.h"

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

const char *
kt_disk_cache(const KtDiskDef *disk)
{
    return kt_disk_cache_of(disk, disk->cache);
}

const char *
kt_disk_cache_of(const KtDiskDef *disk, const char *cache)
{
    if (cache != NULL && !is(cache, "default"))
        return cache;
    return kt_disk_is_shared(disk) ? "none" : NULL;
}

bool
kt_disk_cache_is_direct(const char *cache)
{
    return is(cache, "none") || is(cache, "directsync");
}

bool
kt_disk_has_write_cache(const char *cache)
{
    return !is(cache, "writethrough") && !is(cache, "directsync");
}

bool
kt_disk_cache_may_change_live(const char *live, const char *staged)
{
    return kt_disk_has_write_cache(live) || !kt_disk_has_write_cache(staged);
}

bool
kt_disk_is_shared(const KtDiskDef *disk)
{
    return disk->shareable && !disk->readonly;
}

const char *
kt_disk_io(const KtDiskDef *disk)
{
    return disk->io != NULL && !is(disk->io, "default") ? disk->io : "threads";
}

const char *
kt_disk_discard(const KtDiskDef *disk)
{
    return disk->discard != NULL && !is(disk->discard, "default") ? disk->discard : "ignore";
}

bool
kt_disk_is_removable(const KtDiskDef *disk)
{
    return is(disk->device, "cdrom") || is(disk->device, "floppy");
}

void
kt_disks_each_of(const KtDesired *desired, KtPlan *plan, guint domain, KtSettingId id,
                 void (*tune)(const KtDiskWish *wish, void *data), void *data)
{
    const KtDomain *guest = plan->snapshot->domains->pdata[domain];
    const KtDomainDef *def = kt_domain_next_def(guest);
    for (guint i = 0; def != NULL && i < def->disks->len; i++) {
        const KtDiskDef *disk = def->disks->pdata[i];
        const KtValue *value =
            disk->target != NULL ? kt_desired_domain(desired, domain, id, disk->target) : NULL;
        if (value == NULL || (kt_disk_is_removable(disk) && value->item == NULL))
            continue;
        g_autofree char *item = g_strdup_printf("disk %s", disk->target);
        KtDiskWish wish = {.plan = plan,
                           .desired = desired,
                           .domain = domain,
                           .guest = guest,
                           .disk = disk,
                           .value = value,
                           .item = item};
        tune(&wish, data);
    }
}

static void
call(const KtDiskWish *wish, void *data)
{
    (*(void (**)(const KtDiskWish *))data)(wish);
}

void
kt_disks_each(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, KtSettingId id,
              void (*tune)(const KtDiskWish *wish))
{
    for (guint i = 0; i < snapshot->domains->len; i++)
        kt_disks_each_of(desired, plan, i, id, call, &tune);
}

bool
kt_disk_may_change(const KtDiskWish *wish)
{
    if (!kt_plan_may_carry(wish->plan, (gint)wish->domain, wish->value, wish->item))
        return false;
    const KtDiskDef *disk = wish->disk;
    if (is(disk->type, "vhostuser") || is(disk->type, "vhostvdpa")) {
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item,
                       "a disk of type '%s' is served by another process, where libvirt sets no %s",
                       disk->type, wish->value->setting->key);
        return false;
    }
    if (wish->guest->unanswered) {
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "QEMU doesn't answer libvirt, so nobody can tell whether a block job is at work on this disk; "
            "see what it waits for (virsh domstate --reason, virsh domblkerror), plan again when it answers");
        return false;
    }
    if (disk->mirror || kt_domain_disk_is_busy(wish->guest, disk->target)) {
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item,
                       "a block job is at work on this disk right now; plan again when it has ended");
        return false;
    }
    return true;
}

void
kt_disk_stage(const KtDiskWish *wish, KtXmlField field, const char *from, const char *to, KtRisk risk,
              char *reason)
{
    KtAction action = {
        .domain = (gint)wish->domain,
        .setting = wish->value->setting,
        .item = g_strdup(wish->item),
        .from = g_strdup(from),
        .to = g_strdup(to),
        .when = KT_WHEN_NEXT_BOOT,
        .risk = risk,
        .reason = reason,
        .source = g_strdup(wish->value->source),
        .kind = KT_STEP_DEFINE,
        .field = field,
    };
    kt_plan_add(wish->plan, action);
}

static bool
changes_a_disk(const GPtrArray *actions)
{
    for (guint i = 0; i < actions->len; i++) {
        if (((const KtAction *)actions->pdata[i])->setting->item == KT_ITEM_DISK)
            return true;
    }
    return false;
}

GArray *
kt_disks_ask_block_jobs(const KtPlan *plan)
{
    GArray *domains = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        if (domain->live != NULL && changes_a_disk(plan->domains[i].actions))
            g_array_append_val(domains, i);
    }
    return domains;
}
