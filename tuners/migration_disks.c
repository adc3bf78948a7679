/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/hypervisor.h"
#include "tuners/disks.h"
#include "tuners/migration_parts.h"

/* libvirt's rules before it migrates: qemuMigrationSrcIsAllowed() and qemuMigrationSrcIsSafe() in
 * src/qemu/qemu_migration.c. */

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

/* " (ext4)" */
static char *
where(const KtImage *image)
{
    return image != NULL && image->file_system != NULL ? g_strdup_printf(" (%s)", image->file_system)
                                                       : g_strdup("");
}

/* What QEMU 4.0 can do before the guest goes on elsewhere, and libvirt then relies on: give back the host's
 * cache of the image. */
static bool
drops_caches(const KtSnapshot *snapshot)
{
    return kt_version_at_least(snapshot->qemu, 4, 0) && kt_version_at_least(snapshot->libvirt, 5, 4);
}

/** The cache mode of a disk after the plan. */
typedef struct {
    const char *mode; /* NULL = default */
    bool planned;     /* the plan stages it */
} Cache;

static void
judge_cache(KtMigrationCase *of, const KtDiskDef *disk, Cache cache)
{
    if (kt_disk_cache_is_direct(cache.mode) || kt_disk_is_shared(disk) || drops_caches(of->snapshot))
        return;
    const char *mode = cache.mode != NULL ? cache.mode : "default";
    of->planned = cache.planned;
    if (of->snapshot->qemu == NULL || of->snapshot->libvirt == NULL)
        kt_migration_add(
            of, KT_MIGRATION_NEEDS,
            "QEMU 4.0 and libvirt 5.4 on both sides, as disk %s has cache '%s' (none and directsync do "
            "without)",
            disk->target, mode);
    else
        kt_migration_add(
            of, KT_MIGRATION_STOPS,
            "disk %s has cache '%s': on shared storage this QEMU migrates only with none or directsync",
            disk->target, mode);
}

static void
judge_file(KtMigrationCase *of, const KtDiskDef *disk, Cache cache)
{
    const KtImage *image = kt_images_find(of->snapshot->images, disk->source);
    g_autofree char *place = where(image);
    switch (image != NULL ? image->reach : KT_REACH_UNKNOWN) {
    case KT_REACH_CLUSTER:
        return;
    case KT_REACH_SHARED:
        judge_cache(of, disk, cache);
        return;
    case KT_REACH_LOCAL:
        kt_migration_add(
            of, KT_MIGRATION_STOPS,
            "disk %s is on storage of this host alone%s: it moves only with its contents copied (virsh "
            "migrate --copy-storage-all)",
            disk->target, place);
        return;
    case KT_REACH_UNKNOWN:
    case KT_N_REACHES:
        break;
    }
    kt_migration_add(of, KT_MIGRATION_NEEDS, "%s of disk %s%s (whether other hosts reach it isn't known)",
                     disk->source, disk->target, place);
    judge_cache(of, disk, cache);
}

/* Nobody writes to it: libvirt takes it for safe, and the destination has to find it. */
static void
judge_medium(KtMigrationCase *of, const KtDiskDef *disk)
{
    const KtImage *image = kt_images_find(of->snapshot->images, disk->source);
    const char *what = kt_disk_is_removable(disk) ? "medium" : "read-only image";
    if (is(disk->type, "block"))
        kt_migration_add(of, KT_MIGRATION_NEEDS, "a device %s with the %s of disk %s", disk->source, what,
                         disk->target);
    else if (is(disk->type, "file") && image != NULL && image->reach == KT_REACH_LOCAL)
        kt_migration_add(of, KT_MIGRATION_NEEDS,
                         "%s, the %s of disk %s, which is on storage of this host alone%s", disk->source,
                         what, disk->target, kt_disk_is_removable(disk) ? "; or it is ejected before" : "");
}

static void
judge_storage(KtMigrationCase *of, const KtDiskDef *disk, Cache cache)
{
    if (is(disk->type, "network"))
        return;
    if (is(disk->type, "nvme"))
        kt_migration_add(of, KT_MIGRATION_STOPS, "disk %s is an NVMe device of this host", disk->target);
    else if (is(disk->type, "vhostuser") || is(disk->type, "vhostvdpa"))
        kt_migration_add(of, KT_MIGRATION_NEEDS, "what serves disk %s (%s)", disk->target, disk->type);
    else if (is(disk->type, "volume"))
        kt_migration_add(of, KT_MIGRATION_NEEDS, "the storage pool of disk %s, with the volume %s",
                         disk->target, disk->source);
    else if (is(disk->type, "block")) {
        kt_migration_add(of, KT_MIGRATION_NEEDS, "the block device %s of disk %s", disk->source,
                         disk->target);
        judge_cache(of, disk, cache);
    } else if (is(disk->type, "dir"))
        kt_migration_add(of, KT_MIGRATION_STOPS, "disk %s is a directory of this host", disk->target);
    else
        judge_file(of, disk, cache);
}

static Cache
cache_of(KtMigrationCase *of, const KtDiskDef *disk, const char *item)
{
    of->planned = false;
    const char *mode = kt_migration_value(of, KT_XML_DISK_CACHE, item, disk->cache);
    Cache cache = {.mode = kt_disk_cache_of(disk, mode), .planned = of->planned};
    of->planned = false;
    return cache;
}

static void
judge_disk(KtMigrationCase *of, const KtDiskDef *disk)
{
    g_autofree char *item = g_strdup_printf("disk %s", disk->target);
    of->planned = false;
    if (is(kt_migration_value(of, KT_XML_DISK_IO, item, disk->io), "io_uring"))
        kt_migration_add(of, KT_MIGRATION_NEEDS,
                         "io_uring in its kernel and QEMU, as disk %s has io='io_uring'", disk->target);
    Cache cache = cache_of(of, disk, item);
    if (disk->transient_disk)
        kt_migration_add(of, KT_MIGRATION_STOPS, "disk %s is transient: what the guest wrote is thrown away",
                         disk->target);
    if (kt_domain_disk_is_busy(of->domain, disk->target))
        kt_migration_add(of, KT_MIGRATION_STOPS, "a block job is at work on disk %s, until it ends",
                         disk->target);
    if (kt_disk_is_removable(disk) || disk->readonly)
        judge_medium(of, disk);
    else
        judge_storage(of, disk, cache);
}

void
kt_migration_judge_disks(KtMigrationCase *of)
{
    for (guint i = 0; i < of->def->disks->len; i++) {
        const KtDiskDef *disk = of->def->disks->pdata[i];
        /* A drive without a medium goes along as it is. */
        if (disk->target != NULL && (disk->source != NULL || is(disk->type, "vhostuser")))
            judge_disk(of, disk);
    }
}
