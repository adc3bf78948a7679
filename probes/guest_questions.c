/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "probes/guest_agent.h"
#include "probes/hypervisor.h"
#include "probes/patience.h"
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

/* The disks of one domain, and what libvirt says of them. */
typedef struct {
    virDomainPtr handle;
    GPtrArray *targets; /* char * */
    GPtrArray *busy;    /* of these, borrowed */
    bool timed_out;
} DiskQuestion;

static void
question_free(gpointer data)
{
    DiskQuestion *question = data;
    virDomainFree(question->handle);
    g_ptr_array_unref(question->targets);
    g_ptr_array_unref(question->busy);
    g_free(question);
}

static DiskQuestion *
question_new(virDomainPtr handle, const KtDomainDef *def)
{
    DiskQuestion *question = g_new0(DiskQuestion, 1);
    /* Its own reference: it may outlive who asked. */
    virDomainRef(handle);
    question->handle = handle;
    question->targets = g_ptr_array_new_with_free_func(g_free);
    question->busy = g_ptr_array_new();
    for (guint i = 0; i < def->disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(def->disks, i);
        if (may_have_hidden_job(disk))
            g_ptr_array_add(question->targets, g_strdup(disk->target));
    }
    return question;
}

/* libvirt waits for QEMU also while somebody else waits for that. */
static void
ask_disks(gpointer data)
{
    DiskQuestion *question = data;
    for (guint i = 0; i < question->targets->len && !question->timed_out; i++) {
        virDomainBlockJobInfo job;
        int found = virDomainGetBlockJobInfo(question->handle, question->targets->pdata[i], &job, 0);
        if (found == 1)
            g_ptr_array_add(question->busy, question->targets->pdata[i]);
        question->timed_out = found < 0 && kt_hypervisor_domain_is_busy();
    }
}

static void
ask_block_jobs(KtDomain *domain, virDomainPtr handle, guint seconds)
{
    DiskQuestion *question = question_new(handle, domain->live);
    if (!kt_patience_run(ask_disks, question, question_free, seconds)) {
        domain->unanswered = true;
        return;
    }
    for (guint i = 0; i < question->busy->len; i++)
        g_hash_table_add(domain->block_jobs, g_strdup(question->busy->pdata[i]));
    domain->unanswered = question->timed_out;
    question_free(question);
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
    /* One outage of a storage may have hung them all: who comes late is waited for less. */
    gint64 end = g_get_monotonic_time() + (gint64)2 * KT_BLOCK_JOBS_SECONDS * G_USEC_PER_SEC;
    g_autoptr(GHashTable) handles = NULL;
    for (guint i = 0; i < domains->len; i++) {
        KtDomain *domain = g_ptr_array_index(snapshot->domains, g_array_index(domains, guint, i));
        if (!has_disk_to_ask(domain))
            continue;
        if (!handles)
            handles = running_handles(connection);
        virDomainPtr handle = g_hash_table_lookup(handles, domain->uuid);
        gint64 left = (end - g_get_monotonic_time()) / G_USEC_PER_SEC;
        if (handle)
            ask_block_jobs(domain, handle, (guint)CLAMP(left, 1, KT_BLOCK_JOBS_SECONDS));
    }
}
