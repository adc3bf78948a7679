/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "base/error.h"
#include "probes/domain_parts.h"
#include "probes/hypervisor.h"

/** What is asked once for all domains. */
typedef struct {
    const KtRoot *root;
    const KtTopology *topology;
    KtQemuProcesses *processes; /* NULL where QEMU doesn't run on this host */
    KtDomainStats *stats;
    GHashTable *persistent; /* sets of UUIDs */
    GHashTable *autostart;
    GHashTable *managed_save;
    GHashTable *snapshots;
    GHashTable *checkpoints; /* empty where libvirt is too old to have any */
    GPtrArray *before;   /* KtDomain of an earlier look, which don't own themselves; NULL = there was none */
    GHashTable *changed; /* set of UUIDs: who isn't as he was then */
} Look;

static void
look_clear(Look *look)
{
    g_clear_pointer(&look->processes, kt_qemu_processes_free);
    g_clear_pointer(&look->stats, kt_domain_stats_free);
    g_clear_pointer(&look->persistent, g_hash_table_unref);
    g_clear_pointer(&look->autostart, g_hash_table_unref);
    g_clear_pointer(&look->managed_save, g_hash_table_unref);
    g_clear_pointer(&look->snapshots, g_hash_table_unref);
    g_clear_pointer(&look->checkpoints, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Look, look_clear)

static void
free_handle(gpointer handle)
{
    virDomainFree(handle);
}

/* Handles of the domains that @filter lets through. */
static GPtrArray *
list(virConnectPtr connection, unsigned filter, GError **error)
{
    virDomainPtr *handles = NULL;
    int n = virConnectListAllDomains(connection, &handles, filter);
    if (n < 0) {
        kt_hypervisor_set_error(error, "list of domains");
        return NULL;
    }
    GPtrArray *domains = g_ptr_array_new_full((guint)n, free_handle);
    for (int i = 0; i < n; i++)
        g_ptr_array_add(domains, handles[i]);
    free(handles);
    return domains;
}

static char *
uuid_of(virDomainPtr handle)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    virDomainGetUUIDString(handle, uuid);
    return g_strdup(uuid);
}

/* The UUIDs of the domains that @filter lets through: one call for all instead of one for each. */
static GHashTable *
list_uuids(virConnectPtr connection, unsigned filter, GError **error)
{
    g_autoptr(GPtrArray) handles = list(connection, filter, error);
    if (!handles)
        return NULL;
    GHashTable *uuids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < handles->len; i++)
        g_hash_table_add(uuids, uuid_of(g_ptr_array_index(handles, i)));
    return uuids;
}

/* Checkpoints came with libvirt 5.6: an older one doesn't know the filter. */
static GHashTable *
list_checkpointed(virConnectPtr connection)
{
    GHashTable *uuids = list_uuids(connection, VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, NULL);
    return uuids ? uuids : g_hash_table_new(g_str_hash, g_str_equal);
}

static bool
look_at_all(Look *look, virConnectPtr connection, GError **error)
{
    if (kt_hypervisor_connection_is_local(connection))
        look->processes = kt_qemu_processes_find(look->root);
    return (look->persistent = list_uuids(connection, VIR_CONNECT_LIST_DOMAINS_PERSISTENT, error)) &&
           (look->autostart = list_uuids(connection, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, error)) &&
           (look->managed_save = list_uuids(connection, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, error)) &&
           (look->snapshots = list_uuids(connection, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, error)) &&
           (look->checkpoints = list_checkpointed(connection)) &&
           (look->stats = kt_domain_stats_read(connection, !look->processes, error));
}

static KtDomainState
state_of(const Look *look, const KtDomain *domain, virDomainPtr handle)
{
    int state = kt_domain_stats_state(look->stats, domain->uuid);
    if (state < 0 && virDomainGetState(handle, &state, NULL, 0) < 0)
        return KT_DOMAIN_OTHER;
    switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
        return KT_DOMAIN_RUNNING;
    case VIR_DOMAIN_PAUSED:
        return KT_DOMAIN_PAUSED;
    default:
        return KT_DOMAIN_OTHER;
    }
}

/* The persistent definition; without its secrets where this connection may not see them. */
static char *
inactive_xml(virDomainPtr handle)
{
    char *xml = virDomainGetXMLDesc(handle, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    int code = virGetLastErrorCode();
    if (!xml && (code == VIR_ERR_OPERATION_DENIED || code == VIR_ERR_ACCESS_DENIED))
        xml = virDomainGetXMLDesc(handle, VIR_DOMAIN_XML_INACTIVE);
    return xml;
}

/* Reads both definitions. *@ret_gone: the domain has disappeared; else a failure is an error. */
static bool
read_definitions(KtDomain *domain, virDomainPtr handle, bool *ret_gone, GError **error)
{
    if (domain->active)
        domain->live_xml = virDomainGetXMLDesc(handle, 0);
    if (domain->persistent && (!domain->active || domain->live_xml))
        domain->inactive_xml = inactive_xml(handle);
    if ((domain->active && !domain->live_xml) || (domain->persistent && !domain->inactive_xml)) {
        *ret_gone = kt_hypervisor_domain_is_gone();
        if (!*ret_gone)
            kt_hypervisor_set_error(error, "definition");
        return false;
    }
    if (domain->live_xml && !(domain->live = kt_domain_def_parse(domain->live_xml, error)))
        return false;
    return !domain->inactive_xml || (domain->inactive = kt_domain_def_parse(domain->inactive_xml, error));
}

/* False: the domain has been shut off meanwhile. */
static bool
read_threads(KtDomain *domain, const Look *look, virDomainPtr handle)
{
    kt_domain_fill_threads(domain, look->topology);
    gint64 pid = look->processes ? kt_qemu_processes_pid(look->processes, domain->name, domain->uuid) : 0;
    if ((pid == 0 || !kt_domain_fill_from_process(domain, look->root, pid, look->topology)) &&
        !kt_domain_fill_from_libvirt(domain, handle, look->topology))
        return false;
    kt_domain_stats_fill(look->stats, domain);
    return true;
}

/* What the lists tell. */
static void
fill_flags(const Look *look, KtDomain *domain)
{
    domain->persistent = g_hash_table_contains(look->persistent, domain->uuid);
    domain->autostart = g_hash_table_contains(look->autostart, domain->uuid);
    domain->managed_save = g_hash_table_contains(look->managed_save, domain->uuid);
    domain->has_snapshots = g_hash_table_contains(look->snapshots, domain->uuid);
    domain->has_checkpoints = g_hash_table_contains(look->checkpoints, domain->uuid);
}

static KtDomain *
new_domain(const Look *look, virDomainPtr handle, bool active)
{
    g_autofree char *uuid = uuid_of(handle);
    KtDomain *domain = kt_domain_new(virDomainGetName(handle), uuid);
    fill_flags(look, domain);
    domain->active = active;
    domain->state = active ? state_of(look, domain, handle) : KT_DOMAIN_SHUT_OFF;
    return domain;
}

/* NULL without an error: it is no longer there, or no longer active. */
static KtDomain *
read_domain(const Look *look, virDomainPtr handle, bool active, GError **error)
{
    g_autoptr(KtDomain) domain = new_domain(look, handle, active);
    /* Neither: it was undefined or ended between two of the lists. */
    if (!domain->active && !domain->persistent)
        return NULL;
    bool gone = false;
    if (!read_definitions(domain, handle, &gone, error)) {
        if (!gone)
            g_prefix_error(error, "domain %s: ", domain->name);
        return NULL;
    }
    if (domain->active && !read_threads(domain, look, handle))
        return NULL;
    return g_steal_pointer(&domain);
}

/* Whether nothing but what the lists tell can be other than it was. */
static bool
is_as_before(const Look *look, const KtDomain *domain, const char *name, bool active)
{
    bool persistent = g_hash_table_contains(look->persistent, domain->uuid);
    if (active && look->processes &&
        kt_qemu_processes_pid(look->processes, domain->name, domain->uuid) != domain->pid)
        return false;
    return !g_hash_table_contains(look->changed, domain->uuid) && g_str_equal(domain->name, name) &&
           domain->active == active && domain->persistent == persistent;
}

/* Takes the domain out of those of an earlier look; NULL where it has to be read. */
static KtDomain *
take_from_before(const Look *look, virDomainPtr handle, bool active)
{
    g_autofree char *uuid = look->before ? uuid_of(handle) : NULL;
    for (guint i = 0; look->before && i < look->before->len; i++) {
        KtDomain *domain = g_ptr_array_index(look->before, i);
        if (!g_str_equal(domain->uuid, uuid))
            continue;
        if (!is_as_before(look, domain, virDomainGetName(handle), active))
            return NULL;
        fill_flags(look, domain);
        /* Jobs come and go. */
        g_hash_table_remove_all(domain->block_jobs);
        domain->unanswered = false;
        return g_ptr_array_steal_index(look->before, i);
    }
    return NULL;
}

/* Adds the domain to @domains, if it is still there. */
static bool
add_domain(GPtrArray *domains, const Look *look, virDomainPtr handle, GError **error)
{
    GError *failed = NULL;
    /* An active domain has a number; the handle knows it from the list. */
    bool active = virDomainGetID(handle) != (unsigned)-1;
    KtDomain *domain = take_from_before(look, handle, active);
    if (!domain)
        domain = read_domain(look, handle, active, &failed);
    if (!domain && !failed && active)
        domain = read_domain(look, handle, false, &failed); /* what it is after it has been shut off */
    if (domain)
        g_ptr_array_add(domains, domain);
    if (failed)
        g_propagate_error(error, failed);
    return failed == NULL;
}

static void
free_domain(gpointer domain)
{
    kt_domain_free(domain);
}

static GPtrArray *
read_all(Look *look, virConnectPtr connection, GError **error)
{
    g_autoptr(GPtrArray) handles = list(connection, 0, error);
    if (!handles || !look_at_all(look, connection, error))
        return NULL;
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(free_domain);
    for (guint i = 0; i < handles->len; i++) {
        if (!add_domain(domains, look, g_ptr_array_index(handles, i), error))
            return NULL;
    }
    kt_domains_sort(domains);
    kt_domains_label(domains);
    return g_steal_pointer(&domains);
}

GPtrArray *
kt_domains_read(virConnectPtr connection, const KtRoot *root, const KtTopology *topology, GError **error)
{
    g_auto(Look) look = {.root = root, .topology = topology};
    return read_all(&look, connection, error);
}

GPtrArray *
kt_domains_renew(GPtrArray *before, GHashTable *changed, virConnectPtr connection, const KtRoot *root,
                 const KtTopology *topology, GError **error)
{
    g_auto(Look) look = {.root = root, .topology = topology, .before = before, .changed = changed};
    return read_all(&look, connection, error);
}
