/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "probes/guest_agent.h"
#include "probes/hypervisor.h"
#include "probes/snapshot.h"

/* What is asked of single domains, and only when a plan hangs on it. */

static const char *
text(virTypedParameterPtr params, int n, const char *name)
{
    const char *value = NULL;
    return virTypedParamsGetString(params, n, name, &value) == 1 && *value ? value : NULL;
}

/* Marks the domain as one whose agent was spoken to by others than libvirt ("tainted: custom-ga-command"), so
 * only where libvirt itself has no question for it: Windows doesn't tell its drivers in any other way. */
static char *
ask_devices(virDomainPtr handle)
{
    char *answer =
        virDomainQemuAgentCommand(handle, "{\"execute\":\"guest-get-devices\"}", KT_AGENT_SECONDS, 0);
    char *evidence = kt_agent_devices_evidence(answer);
    free(answer);
    return evidence;
}

static void
ask_agent(KtDomain *domain, virDomainPtr handle)
{
    virTypedParameterPtr params = NULL;
    int n = 0;
    if (virDomainGetGuestInfo(handle, VIR_DOMAIN_GUEST_INFO_OS, &params, &n, 0) < 0) {
        g_debug("agent of %s: %s", domain->name, virGetLastErrorMessage());
        return;
    }
    const KtAgentOs os = {
        .id = text(params, n, "os.id"),
        .pretty_name = text(params, n, "os.pretty-name"),
        .kernel_release = text(params, n, "os.kernel-release"),
        .kernel_version = text(params, n, "os.kernel-version"),
    };
    g_free(domain->agent_os);
    g_free(domain->agent_virtio);
    domain->agent_os = kt_agent_os_text(&os);
    domain->agent_virtio = kt_agent_os_is_windows(&os) ? ask_devices(handle) : kt_agent_os_evidence(&os);
    virTypedParamsFree(params, n);
}

void
kt_snapshot_ask_agents(KtSnapshot *snapshot, virConnectPtr connection, const GArray *domains)
{
    for (guint i = 0; i < domains->len; i++) {
        KtDomain *domain = g_ptr_array_index(snapshot->domains, g_array_index(domains, guint, i));
        /* A paused guest can't answer. */
        if (!domain->live || !domain->live->agent_connected || domain->state != KT_DOMAIN_RUNNING)
            continue;
        g_autoptr(virDomain) handle = virDomainLookupByUUIDString(connection, domain->uuid);
        if (handle)
            ask_agent(domain, handle);
    }
}

/* Copies and active commits show in the live definition; pulls, commits and backups only here. Without a job
 * libvirt answers by itself and doesn't ask QEMU. */
static void
ask_block_jobs(KtDomain *domain, virDomainPtr handle)
{
    for (guint i = 0; i < domain->live->disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(domain->live->disks, i);
        virDomainBlockJobInfo job;
        if (disk->target && disk->source && virDomainGetBlockJobInfo(handle, disk->target, &job, 0) == 1)
            g_hash_table_add(domain->block_jobs, g_strdup(disk->target));
    }
}

void
kt_snapshot_ask_block_jobs(KtSnapshot *snapshot, virConnectPtr connection, const GArray *domains)
{
    for (guint i = 0; i < domains->len; i++) {
        KtDomain *domain = g_ptr_array_index(snapshot->domains, g_array_index(domains, guint, i));
        g_autoptr(virDomain) handle =
            domain->live ? virDomainLookupByUUIDString(connection, domain->uuid) : NULL;
        if (handle)
            ask_block_jobs(domain, handle);
    }
}
