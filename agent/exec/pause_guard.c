/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/pause_guard.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "agent/exec/disk_jobs.h"
#include "base/error.h"
#include "probes/hypervisor.h"
#include "probes/pools.h"

/* What is left on the file system of the image beside it: others live there too. */
#define SPARE_KIB G_GUINT64_CONSTANT(262144)

static bool
no_block_job(virDomain *domain, const KtDomainDef *live, GError **error)
{
    g_autoptr(GPtrArray) disks = g_ptr_array_new();
    for (guint i = 0; i < live->disks->len; i++) {
        const KtDiskDef *disk = live->disks->pdata[i];
        if (disk->target && disk->source)
            g_ptr_array_add(disks, disk->target);
    }
    g_autoptr(GHashTable) obstacles = kt_disk_jobs_ask(domain, disks);
    for (guint i = 0; i < disks->len; i++) {
        const char *obstacle = g_hash_table_lookup(obstacles, g_ptr_array_index(disks, i));
        if (obstacle) {
            g_set_error_literal(error, KT_ERROR, KT_ERROR_CONFLICT, obstacle);
            return false;
        }
    }
    return true;
}

static bool
no_job(virDomain *domain, GError **error)
{
    virDomainJobInfo info = {0};
    if (virDomainGetJobInfo(domain, &info) == 0 && info.type != VIR_DOMAIN_JOB_NONE) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                    "it is being migrated, saved or dumped just now; try again when that has ended");
        return false;
    }
    return true;
}

static bool
no_image(virDomain *domain, GError **error)
{
    int has_image = virDomainHasManagedSaveImage(domain, 0);
    if (has_image < 0)
        kt_hypervisor_set_error(error, "it cannot be asked for a saved image");
    else if (has_image > 0)
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                    "it has a saved image; remove that ('virsh managedsave-remove') and try again");
    return has_image == 0;
}

/** Where the directory isn't seen, libvirt finds out itself, and the guest goes on. */
static bool
has_room(const KtDomainDef *live, GError **error)
{
    struct statvfs room;
    /* What is swapped out or on huge pages is in no count of resident memory. */
    guint64 need = live->memory_kib + SPARE_KIB;
    if (statvfs(KT_SAVE_DIRECTORY, &room) != 0)
        return true;
    guint64 there = (guint64)room.f_bavail * room.f_frsize / 1024;
    if (there >= need)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                "its image needs up to %" G_GUINT64_FORMAT " MiB in " KT_SAVE_DIRECTORY
                ", where %" G_GUINT64_FORMAT " MiB are free",
                need / 1024, there / 1024);
    return false;
}

static guint64
huge_kib(const KtDomainDef *def, guint64 page_kib, guint64 default_kib)
{
    guint64 own = def->hugepage_kib > 0 ? def->hugepage_kib : default_kib;
    return def->hugepages && own == page_kib ? def->memory_kib : 0;
}

/** The pages must be free before the guest is stopped; those that it has itself come free with it. */
static bool
has_pages(const KtTarget *target, const KtDomainDef *live, const KtDomainDef *next, GError **error)
{
    g_autoptr(KtPools) pools = next->hugepages ? kt_pools_read(target->root, NULL) : NULL;
    for (guint i = 0; pools && i < pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        guint64 need = huge_kib(next, size->page_kib, pools->default_kib);
        guint64 own = huge_kib(live, size->page_kib, pools->default_kib);
        gint64 unpromised = size->free - MAX(size->reserved, 0);
        if (need > own && (gint64)((need - own) / size->page_kib) > unpromised) {
            g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                        "it needs %" G_GUINT64_FORMAT " huge pages of %" G_GUINT64_FORMAT
                        " KiB, %" G_GINT64_FORMAT " are free",
                        (need - own) / size->page_kib, size->page_kib, unpromised);
            return false;
        }
    }
    return true;
}

bool
kt_guest_is_idle(virDomain *domain, const KtDomainDef *live, GError **error)
{
    return no_job(domain, error) && no_block_job(domain, live, error);
}

bool
kt_pause_guard(const KtTarget *target, virDomain *domain, const KtDomainDef *live, const KtDomainDef *next,
               GError **error)
{
    return kt_guest_is_idle(domain, live, error) && no_image(domain, error) && has_room(live, error) &&
           has_pages(target, live, next, error);
}
