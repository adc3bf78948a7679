/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/remote_host.h"

#include <stdlib.h>

#include "probes/hypervisor.h"
#include "probes/memory_parts.h"

/* Where the hypervisor doesn't tell it is not known: no error. */
static gint64
free_kib(virConnectPtr connection, guint node)
{
    unsigned long long bytes = 0;
    int n = virNodeGetCellsFreeMemory(connection, &bytes, (int)node, 1);
    return n == 1 ? (gint64)(bytes / 1024) : KT_ABSENT;
}

static gint64
free_pages(virConnectPtr connection, const KtPool *pool)
{
    unsigned size = (unsigned)pool->page_kib;
    unsigned long long count = 0;
    int n = virNodeGetFreePages(connection, 1, &size, (int)pool->node, 1, &count, 0);
    return n == 1 ? (gint64)count : KT_ABSENT;
}

static void
fill_memory(KtSnapshot *snapshot, virConnectPtr connection)
{
    snapshot->memory = kt_memory_new();
    for (guint i = 0; i < snapshot->topology->n_nodes; i++) {
        const KtNode *node = &snapshot->topology->nodes[i];
        KtNodeMemory memory = {
            .os = node->os,
            .total_kib = (gint64)(node->memory_bytes / 1024),
            .free_kib = free_kib(connection, node->os),
        };
        g_array_append_val(snapshot->memory->nodes, memory);
    }
}

static KtPageSize *
size_of(KtPools *pools, guint64 page_kib)
{
    for (guint i = 0; i < pools->sizes->len; i++) {
        KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        if (size->page_kib == page_kib)
            return size;
    }
    KtPageSize size = {.page_kib = page_kib, .reserved = KT_ABSENT, .surplus = KT_ABSENT};
    g_array_append_val(pools->sizes, size);
    return &g_array_index(pools->sizes, KtPageSize, pools->sizes->len - 1);
}

static gint
compare_sizes(gconstpointer a, gconstpointer b)
{
    guint64 one = ((const KtPageSize *)a)->page_kib, other = ((const KtPageSize *)b)->page_kib;
    return one < other ? -1 : one > other;
}

/* libvirt lists the base pages beside the huge ones: they are the smallest. */
static guint64
base_page_kib(const KtCapabilities *capabilities)
{
    guint64 least = G_MAXUINT64;
    for (guint i = 0; i < capabilities->pools->len; i++)
        least = MIN(least, g_array_index(capabilities->pools, KtPool, i).page_kib);
    return least;
}

static void
fill_pools(KtSnapshot *snapshot, const KtCapabilities *capabilities, virConnectPtr connection)
{
    KtPools *pools = snapshot->pools = kt_pools_new();
    guint64 base_kib = base_page_kib(capabilities);
    for (guint i = 0; i < capabilities->pools->len; i++) {
        KtPool pool = g_array_index(capabilities->pools, KtPool, i);
        if (pool.page_kib == base_kib)
            continue;
        pool.free = free_pages(connection, &pool);
        g_array_append_val(pools->pools, pool);
        KtPageSize *size = size_of(pools, pool.page_kib);
        size->total += pool.total;
        size->free = size->free == KT_ABSENT || pool.free == KT_ABSENT ? KT_ABSENT : size->free + pool.free;
    }
    g_array_sort(pools->sizes, compare_sizes);
    if (base_kib != G_MAXUINT64)
        snapshot->memory->page_kib = base_kib;
}

static KtCapabilities *
read_capabilities(virConnectPtr connection, GError **error)
{
    char *xml = virConnectGetCapabilities(connection);
    if (!xml) {
        kt_hypervisor_set_error(error, "virConnectGetCapabilities");
        return NULL;
    }
    KtCapabilities *capabilities = kt_capabilities_parse(xml, error);
    free(xml);
    return capabilities;
}

bool
kt_remote_host_fill(KtSnapshot *snapshot, virConnectPtr connection, GError **error)
{
    g_autoptr(KtCapabilities) capabilities = read_capabilities(connection, error);
    if (!capabilities || !(snapshot->topology = kt_topology_from_capabilities(capabilities, error))) {
        g_prefix_error(error, "%s: ", snapshot->uri);
        return false;
    }
    fill_memory(snapshot, connection);
    fill_pools(snapshot, capabilities, connection);
    snapshot->kernel = kt_kernel_new();
    snapshot->cgroup = kt_cgroup_new();
    snapshot->other_tuners = kt_other_tuners_new();
    return true;
}

bool
kt_remote_host_is(const KtSnapshot *snapshot, const KtRoot *root)
{
    return !snapshot->host_is_local && kt_root_is_live(root);
}

/* ---- as files ---- */

static void
add_number(GHashTable *files, char *path, gint64 number)
{
    if (number == KT_ABSENT)
        g_free(path);
    else
        g_hash_table_replace(files, path, g_strdup_printf("%" G_GINT64_FORMAT, number));
}

static void
add_memory(GHashTable *files, const KtNodeMemory *node)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "Node %u MemTotal: %" G_GINT64_FORMAT " kB", node->os, node->total_kib);
    if (node->free_kib != KT_ABSENT)
        g_string_append_printf(text, "\nNode %u MemFree: %" G_GINT64_FORMAT " kB", node->os, node->free_kib);
    g_hash_table_replace(files, g_strdup_printf(KT_NODES_DIRECTORY "/node%u/meminfo", node->os),
                         g_string_free(g_steal_pointer(&text), FALSE));
}

GHashTable *
kt_remote_host_files(const KtSnapshot *snapshot)
{
    GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < snapshot->memory->nodes->len; i++)
        add_memory(files, &g_array_index(snapshot->memory->nodes, KtNodeMemory, i));
    for (guint i = 0; i < snapshot->pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(snapshot->pools->sizes, KtPageSize, i);
        add_number(files, kt_pools_file(-1, size->page_kib, "nr_hugepages"), size->total);
        add_number(files, kt_pools_file(-1, size->page_kib, "free_hugepages"), size->free);
    }
    for (guint i = 0; i < snapshot->pools->pools->len; i++) {
        const KtPool *pool = &g_array_index(snapshot->pools->pools, KtPool, i);
        add_number(files, kt_pools_file((gint)pool->node, pool->page_kib, "nr_hugepages"), pool->total);
        add_number(files, kt_pools_file((gint)pool->node, pool->page_kib, "free_hugepages"), pool->free);
    }
    return files;
}
