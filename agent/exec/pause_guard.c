/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/pause_guard.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "agent/exec/disk_jobs.h"
#include "base/error.h"
#include "probes/hypervisor.h"
#include "probes/memory.h"

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
has_room(const char *directory, const KtDomainDef *live, GError **error)
{
    struct statvfs room;
    /* What is swapped out or on huge pages is in no count of resident memory. */
    guint64 need = live->memory_kib + SPARE_KIB;
    if (statvfs(directory, &room) != 0)
        return true;
    guint64 there = (guint64)room.f_bavail * room.f_frsize / 1024;
    if (there >= need)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                "its image needs up to %" G_GUINT64_FORMAT " MiB in %s, where %" G_GUINT64_FORMAT
                " MiB are free",
                need / 1024, directory, there / 1024);
    return false;
}

static guint64
ordinary_kib(const KtDomainDef *def)
{
    return def->hugepages ? 0 : def->memory_kib;
}

/** Huge pages that the guest leaves go back to their pool: its memory comes from elsewhere then. */
static bool
has_memory(const KtTarget *target, const KtDomainDef *live, const KtDomainDef *next, GError **error)
{
    guint64 need = ordinary_kib(next);
    KtMeminfo now;
    if (!kt_meminfo_read(target->root, &now, error))
        return false;
    gint64 there = now.available_kib;
    if (need <= ordinary_kib(live) || there == KT_ABSENT || there >= (gint64)(need + SPARE_KIB))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                "off its huge pages it needs %" G_GUINT64_FORMAT " MiB of ordinary memory, %" G_GINT64_FORMAT
                " MiB are available",
                need / 1024, there / 1024);
    return false;
}

/** What only the host that the guest runs on can tell. */
static KtPageHold *
hold_memory(const KtTarget *target, const char *directory, const KtDomainDef *live, const KtDomainDef *next,
            GError **error)
{
    if (!has_room(directory, live, error) || !has_memory(target, live, next, error))
        return NULL;
    return kt_page_hold_take(target->root, live, next, error);
}

bool
kt_guest_is_idle(virDomain *domain, const KtDomainDef *live, GError **error)
{
    return no_job(domain, error) && no_block_job(domain, live, error);
}

bool
kt_pause_guard(const KtTarget *target, virDomain *domain, const char *directory, const KtDomainDef *live,
               const KtDomainDef *next, KtPageHold **ret_hold, GError **error)
{
    if (!kt_guest_is_idle(domain, live, error) || !no_image(domain, error))
        return false;
    *ret_hold = NULL;
    if (!kt_hypervisor_connection_is_local(target->connection))
        return true;
    *ret_hold = hold_memory(target, directory, live, next, error);
    return *ret_hold != NULL;
}
