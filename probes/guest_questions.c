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

/* Copies and active commits show in the live definition. Pulls and commits work on what is below an image:
 * where nothing is, there is none. Without a job libvirt answers by itself and doesn't ask QEMU. Backups are
 * left to the step that would change the disk, which asks about each. */
static bool
may_have_hidden_job(const KtDiskDef *disk)
{
    return disk->target && disk->source && !disk->mirror && !disk->chain_ends;
}

static bool
has_disk_to_ask(const KtDomain *domain)
{
    for (guint i = 0; domain->live && i < domain->live->disks->len; i++) {
        if (may_have_hidden_job(g_ptr_array_index(domain->live->disks, i)))
            return true;
    }
    return false;
}

static void
ask_block_jobs(KtDomain *domain, virDomainPtr handle)
{
    for (guint i = 0; i < domain->live->disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(domain->live->disks, i);
        virDomainBlockJobInfo job;
        if (may_have_hidden_job(disk) && virDomainGetBlockJobInfo(handle, disk->target, &job, 0) == 1)
            g_hash_table_add(domain->block_jobs, g_strdup(disk->target));
    }
}

static void
free_handle(gpointer handle)
{
    virDomainFree(handle);
}

/* UUID → handle of all running domains, in one call; empty where libvirt doesn't answer. */
static GHashTable *
running_handles(virConnectPtr connection)
{
    GHashTable *handles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_handle);
    virDomainPtr *list = NULL;
    int n = virConnectListAllDomains(connection, &list, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    for (int i = 0; i < n; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        virDomainGetUUIDString(list[i], uuid);
        g_hash_table_insert(handles, g_strdup(uuid), list[i]);
    }
    free(list);
    return handles;
}

void
kt_snapshot_ask_block_jobs(KtSnapshot *snapshot, virConnectPtr connection, const GArray *domains)
{
    g_autoptr(GHashTable) handles = NULL;
    for (guint i = 0; i < domains->len; i++) {
        KtDomain *domain = g_ptr_array_index(snapshot->domains, g_array_index(domains, guint, i));
        if (!has_disk_to_ask(domain))
            continue;
        if (!handles)
            handles = running_handles(connection);
        virDomainPtr handle = g_hash_table_lookup(handles, domain->uuid);
        if (handle)
            ask_block_jobs(domain, handle);
    }
}
