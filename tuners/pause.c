/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"
#include "tuners/migration_parts.h"
#include "tuners/ways.h"

/* What QEMU starting twice and libvirt's part take, whatever the size. */
#define FIXED_USEC (1500 * G_TIME_SPAN_MILLISECOND)

/* MiB a second that go out through the page cache and come back, both together: half of what an SSD writes.
 */
#define MIB_A_SECOND 250

static guint64
memory_in_use_kib(const KtDomain *domain)
{
    guint64 most =
        domain->live->current_memory_kib > 0 ? domain->live->current_memory_kib : domain->live->memory_kib;
    guint64 resident = 0;
    for (guint i = 0; domain->memory_kib != NULL && i < domain->n_memory; i++)
        resident += (guint64)MAX(domain->memory_kib[i], 0);
    return resident > 0 ? MIN(resident, most) : most;
}

gint64
kt_pause_estimate(const KtDomain *domain)
{
    return FIXED_USEC + (gint64)(memory_in_use_kib(domain) * G_TIME_SPAN_SECOND / (MIB_A_SECOND * 1024));
}

static char *
disk_obstacle(const KtDomain *domain)
{
    for (guint i = 0; i < domain->live->disks->len; i++) {
        const KtDiskDef *disk = domain->live->disks->pdata[i];
        const char *name = disk->target != NULL ? disk->target : "";
        if (disk->mirror || kt_domain_disk_is_busy(domain, name))
            return g_strdup_printf("a block job is at work on disk %s; plan again when it has ended", name);
        if (disk->transient_disk)
            return g_strdup_printf("disk %s is <transient/>: what the guest wrote to it would be lost", name);
    }
    return NULL;
}

static char *
nic_obstacle(const KtDomain *domain)
{
    for (guint i = 0; i < domain->live->nics->len; i++) {
        const KtNicDef *nic = domain->live->nics->pdata[i];
        if (g_strcmp0(nic->type, "vhostuser") == 0 || g_strcmp0(nic->type, "vdpa") == 0 ||
            g_strcmp0(nic->type, "hostdev") == 0)
            return g_strdup_printf("its NIC %s is of type '%s', whose state is outside QEMU",
                                   nic->mac != NULL ? nic->mac : "without a MAC", nic->type);
    }
    return NULL;
}

/* What can't be taken to another host can't be taken out of QEMU either. */
static char *
tie_obstacle(const KtPlan *plan, guint domain)
{
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func((GDestroyNotify)kt_migration_reason_free);
    const KtDomain *guest = plan->snapshot->domains->pdata[domain];
    KtMigrationCase of = {
        .snapshot = plan->snapshot, .domain = guest, .def = guest->live, .reasons = reasons};
    kt_migration_judge_ties(&of);
    for (guint i = 0; i < reasons->len; i++) {
        const KtMigrationReason *reason = reasons->pdata[i];
        if (reason->weight == KT_MIGRATION_STOPS)
            return g_strdup(reason->reason);
    }
    return NULL;
}

char *
kt_disturbance_obstacle(const KtPlan *plan, guint domain)
{
    const KtDomain *guest = plan->snapshot->domains->pdata[domain];
    if (guest->state != KT_DOMAIN_RUNNING && guest->state != KT_DOMAIN_PAUSED)
        return g_strdup("it neither runs nor is paused just now");
    return disk_obstacle(guest);
}

char *
kt_pause_obstacle(const KtPlan *plan, guint domain)
{
    char *obstacle = tie_obstacle(plan, domain);
    return obstacle != NULL ? obstacle : nic_obstacle(plan->snapshot->domains->pdata[domain]);
}
