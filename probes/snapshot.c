/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/snapshot.h"

#include "probes/hypervisor.h"
#include "probes/remote_host.h"
#include "probes/snapshot_parts.h"
#include "probes/storage.h"

KtSnapshot *
kt_snapshot_new(void)
{
    KtSnapshot *snapshot = g_new0(KtSnapshot, 1);
    snapshot->o_direct = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    snapshot->virtio_os = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    snapshot->images = kt_images_new();
    snapshot->host_is_local = true;
    return snapshot;
}

void
kt_snapshot_free(KtSnapshot *snapshot)
{
    if (!snapshot)
        return;
    kt_topology_free(snapshot->topology);
    kt_memory_free(snapshot->memory);
    kt_pools_free(snapshot->pools);
    kt_kernel_free(snapshot->kernel);
    kt_cgroup_free(snapshot->cgroup);
    g_clear_pointer(&snapshot->other_tuners, g_ptr_array_unref);
    g_clear_pointer(&snapshot->domains, g_ptr_array_unref);
    g_free(snapshot->uri);
    g_free(snapshot->libvirt);
    g_free(snapshot->qemu);
    g_clear_pointer(&snapshot->o_direct, g_hash_table_unref);
    g_clear_pointer(&snapshot->virtio_os, g_hash_table_unref);
    g_clear_pointer(&snapshot->images, g_hash_table_unref);
    g_free(snapshot->no_io_uring);
    g_free(snapshot->changed);
    g_free(snapshot);
}

bool
kt_snapshot_fill_host(KtSnapshot *snapshot, const KtRoot *root, GError **error)
{
    return (snapshot->cgroup = kt_cgroup_read(root, error)) &&
           (snapshot->topology = kt_topology_read(root, snapshot->cgroup, error)) &&
           (snapshot->memory = kt_memory_read(root, error)) &&
           (snapshot->pools = kt_pools_read(root, error)) &&
           (snapshot->kernel = kt_kernel_read(root, error)) &&
           (snapshot->other_tuners = kt_other_tuners_read(root, error));
}

void
kt_snapshot_add_files(const KtSnapshot *snapshot, const KtRoot *root, GPtrArray *paths)
{
    kt_topology_add_files(snapshot->topology, paths);
    kt_cgroup_add_files(root, paths);
    kt_memory_add_files(snapshot->memory, root, paths);
    kt_domains_add_files(snapshot->domains, paths);
    kt_pools_add_files(root, paths);
    kt_kernel_add_files(root, paths);
    kt_other_tuners_add_files(snapshot->other_tuners, paths);
}

/* Of which hypervisor the snapshot is, and where that runs. */
static void
name_hypervisor(KtSnapshot *snapshot, virConnectPtr connection)
{
    unsigned long version = 0;
    snapshot->uri = virConnectGetURI(connection);
    snapshot->host_is_local = snapshot->uri && kt_hypervisor_is_local(snapshot->uri);
    if (virConnectGetLibVersion(connection, &version) == 0)
        snapshot->libvirt = kt_hypervisor_version(version);
    version = 0;
    if (virConnectGetVersion(connection, &version) == 0)
        snapshot->qemu = kt_hypervisor_version(version);
}

/** How often pools and domains are read until they are of one moment. */
enum { MOST_POOL_LOOKS = 4 };

static bool
have_same_pages(const KtPools *pools, const KtPools *before)
{
    for (guint i = 0; i < pools->pools->len; i++) {
        const KtPool *pool = &g_array_index(pools->pools, KtPool, i);
        const KtPool *old = kt_pools_find(before, pool->node, pool->page_kib);
        if (!old || old->total != pool->total || old->free != pool->free)
            return false;
    }
    return true;
}

/** A guest that starts or ends while pools and domains are read would have its pages counted as somebody
 * else's: then both are read once more. */
static bool
settle_pools(KtSnapshot *snapshot, const KtRoot *root, virConnectPtr connection, GError **error)
{
    g_autoptr(GHashTable) nobody = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint looks = 0; snapshot->host_is_local && looks < MOST_POOL_LOOKS; looks++) {
        g_autoptr(KtPools) before = snapshot->pools;
        snapshot->pools = kt_pools_read(root, error);
        if (!snapshot->pools)
            return false;
        if (have_same_pages(snapshot->pools, before))
            break;
        g_autoptr(GPtrArray) domains = snapshot->domains;
        snapshot->domains = kt_domains_renew(domains, nobody, connection, root, snapshot->topology, error);
        if (!snapshot->domains)
            return false;
    }
    return true;
}

static bool
read_all(KtSnapshot *snapshot, const KtRoot *root, virConnectPtr connection, GError **error)
{
    if (!connection) {
        snapshot->domains = g_ptr_array_new();
        return kt_snapshot_fill_host(snapshot, root, error);
    }
    name_hypervisor(snapshot, connection);
    /* Another host's domains aren't placed on this machine's CPUs. */
    bool filled = kt_remote_host_is(snapshot, root) ? kt_remote_host_fill(snapshot, connection, error)
                                                    : kt_snapshot_fill_host(snapshot, root, error);
    return filled && (snapshot->domains = kt_domains_read(connection, root, snapshot->topology, error)) &&
           settle_pools(snapshot, root, connection, error);
}

KtSnapshot *
kt_snapshot_read(const KtRoot *root, virConnectPtr connection, GError **error)
{
    g_autoptr(KtSnapshot) snapshot = kt_snapshot_new();
    snapshot->taken_usec = g_get_real_time();
    if (!read_all(snapshot, root, connection, error))
        return NULL;
    /* Images are opened where they are: on the running machine. */
    if (snapshot->host_is_local && kt_root_is_live(root)) {
        g_hash_table_unref(snapshot->o_direct);
        snapshot->o_direct = kt_storage_probe_o_direct(snapshot->domains);
        g_hash_table_unref(snapshot->images);
        snapshot->images = kt_images_probe(snapshot->domains);
        kt_storage_probe_chains(snapshot->o_direct, snapshot->images);
    }
    return g_steal_pointer(&snapshot);
}

static bool
has_cpus_of(const KtTopology *topology, const KtTopology *before)
{
    return hwloc_bitmap_isequal(topology->online, before->online) &&
           hwloc_bitmap_isequal(topology->placeable, before->placeable);
}

/* Images of other directories, and of domains that are read anew. What is in @before is taken over. */
static void
renew_images(KtSnapshot *snapshot, KtSnapshot *before)
{
    g_hash_table_unref(snapshot->o_direct);
    g_hash_table_unref(snapshot->images);
    snapshot->o_direct = g_steal_pointer(&before->o_direct);
    snapshot->images = g_steal_pointer(&before->images);
    for (guint i = 0; i < before->domains->len; i++)
        kt_images_forget(snapshot->images, before->domains->pdata[i]);
    kt_storage_add_o_direct(snapshot->o_direct, snapshot->domains);
    kt_images_add(snapshot->images, snapshot->domains);
    kt_storage_probe_chains(snapshot->o_direct, snapshot->images);
}

KtSnapshot *
kt_snapshot_renew(KtSnapshot *before, GHashTable *changed, const KtRoot *root, virConnectPtr connection,
                  GError **error)
{
    g_autoptr(KtSnapshot) old = before;
    g_autoptr(KtSnapshot) snapshot = kt_snapshot_new();
    if (!old->uri || kt_remote_host_is(old, root))
        return kt_snapshot_read(root, connection, error);
    snapshot->taken_usec = g_get_real_time();
    if (!kt_snapshot_fill_host(snapshot, root, error))
        return NULL;
    if (!has_cpus_of(snapshot->topology, old->topology))
        return kt_snapshot_read(root, connection, error);
    snapshot->uri = g_steal_pointer(&old->uri);
    snapshot->libvirt = g_steal_pointer(&old->libvirt);
    snapshot->qemu = g_steal_pointer(&old->qemu);
    snapshot->no_io_uring = g_steal_pointer(&old->no_io_uring);
    snapshot->host_is_local = old->host_is_local;
    snapshot->domains = kt_domains_renew(old->domains, changed, connection, root, snapshot->topology, error);
    if (!snapshot->domains || !settle_pools(snapshot, root, connection, error))
        return NULL;
    if (snapshot->host_is_local && kt_root_is_live(root))
        renew_images(snapshot, old);
    return g_steal_pointer(&snapshot);
}

guint64
kt_snapshot_promised_kib(const KtSnapshot *snapshot)
{
    guint64 promised = 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->active && kt_domain_def(domain))
            promised += kt_domain_def(domain)->memory_kib;
    }
    return promised;
}

const KtDomain *
kt_snapshot_find_domain(const KtSnapshot *snapshot, const char *name_or_uuid)
{
    const KtDomain *by_uuid = NULL;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(snapshot->domains, i);
        if (g_str_equal(domain->name, name_or_uuid))
            return domain;
        if (!by_uuid && g_ascii_strcasecmp(domain->uuid, name_or_uuid) == 0)
            by_uuid = domain;
    }
    return by_uuid;
}
