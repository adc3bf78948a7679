/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/pools.h"

#include <string.h>

#include "probes/memory_parts.h"
#include "probes/mounts.h"

#define HUGEPAGES "sys/kernel/mm/hugepages"

/** One of the numbers in hugepages-SkB, and where it goes. */
typedef struct {
    const char *name;
    gsize offset;
} NumberFile;

static const NumberFile size_numbers[] = {
    {"nr_hugepages", offsetof(KtPageSize, total)},
    {"free_hugepages", offsetof(KtPageSize, free)},
    {"resv_hugepages", offsetof(KtPageSize, reserved)},
    {"surplus_hugepages", offsetof(KtPageSize, surplus)},
};

static const NumberFile pool_numbers[] = {
    {"nr_hugepages", offsetof(KtPool, total)},
    {"free_hugepages", offsetof(KtPool, free)},
    {"surplus_hugepages", offsetof(KtPool, surplus)},
};

static void
free_mount(gpointer data)
{
    KtHugetlbMount *mount = data;
    g_free(mount->directory);
    g_free(mount);
}

KtPools *
kt_pools_new(void)
{
    KtPools *pools = g_new0(KtPools, 1);
    pools->sizes = g_array_new(FALSE, FALSE, sizeof(KtPageSize));
    pools->pools = g_array_new(FALSE, FALSE, sizeof(KtPool));
    pools->mounts = g_ptr_array_new_with_free_func(free_mount);
    return pools;
}

void
kt_pools_free(KtPools *pools)
{
    if (!pools)
        return;
    g_array_unref(pools->sizes);
    g_array_unref(pools->pools);
    g_ptr_array_unref(pools->mounts);
    g_free(pools);
}

static char *
node_directory(guint node)
{
    return g_strdup_printf(KT_NODES_DIRECTORY "/node%u/hugepages", node);
}

char *
kt_pools_file(gint node, guint64 page_kib, const char *name)
{
    g_autofree char *parent = node < 0 ? g_strdup(HUGEPAGES) : node_directory((guint)node);
    return g_strdup_printf("%s/hugepages-%" G_GUINT64_FORMAT "kB/%s", parent, page_kib, name);
}

/* @node: the kernel's number, -1 = the host. */
static bool
read_numbers(const KtRoot *root, gint node, guint64 page_kib, const NumberFile *files, gsize n, gpointer into,
             GError **error)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *path = kt_pools_file(node, page_kib, files[i].name);
        if (!kt_root_read_number(root, path, &G_STRUCT_MEMBER(gint64, into, files[i].offset), error))
            return false;
    }
    return true;
}

static bool
read_sizes(KtPools *pools, const KtRoot *root, GError **error)
{
    g_autoptr(GArray) sizes = kt_memory_page_sizes(root, HUGEPAGES, error);
    for (guint i = 0; sizes && i < sizes->len; i++) {
        KtPageSize size = {.page_kib = g_array_index(sizes, guint64, i)};
        if (!read_numbers(root, -1, size.page_kib, size_numbers, G_N_ELEMENTS(size_numbers), &size, error))
            return false;
        g_array_append_val(pools->sizes, size);
    }
    return sizes != NULL;
}

static bool
read_node(KtPools *pools, const KtRoot *root, guint node, GError **error)
{
    g_autofree char *parent = node_directory(node);
    g_autoptr(GArray) sizes = kt_memory_page_sizes(root, parent, error);
    for (guint i = 0; sizes && i < sizes->len; i++) {
        KtPool pool = {.node = node, .page_kib = g_array_index(sizes, guint64, i)};
        if (!read_numbers(root, (gint)node, pool.page_kib, pool_numbers, G_N_ELEMENTS(pool_numbers), &pool,
                          error))
            return false;
        g_array_append_val(pools->pools, pool);
    }
    return sizes != NULL;
}

/* The pools of a kernel without NUMA are those of the host: all of its memory is node 0. */
static void
take_host_as_node(KtPools *pools)
{
    for (guint i = 0; i < pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        KtPool pool = {.page_kib = size->page_kib,
                       .total = size->total,
                       .free = size->free,
                       .surplus = size->surplus,
                       .whole_host = true};
        g_array_append_val(pools->pools, pool);
    }
}

static bool
read_pools(KtPools *pools, const KtRoot *root, GError **error)
{
    g_autoptr(GArray) nodes = kt_memory_node_numbers(root, error);
    if (!nodes)
        return false;
    for (guint i = 0; i < nodes->len; i++) {
        if (!read_node(pools, root, (guint)g_array_index(nodes, guint64, i), error))
            return false;
    }
    if (nodes->len == 0)
        take_host_as_node(pools);
    return true;
}

/* A page size as the mount table has it: "2M", "1024M", "64K"; 0 for anything else. */
static guint64
option_kib(const char *text)
{
    char *unit;
    guint64 number = g_ascii_strtoull(text, &unit, 10);
    guint shift = *unit == 'G' ? 20 : *unit == 'M' ? 10 : 0;
    bool known = unit != text && strchr("KMG", *unit) && *unit && number <= G_MAXUINT32;
    return known ? number << shift : 0;
}

static bool
read_mounts(KtPools *pools, const KtRoot *root, GError **error)
{
    g_autoptr(GPtrArray) mounts = kt_mounts_read(root, "hugetlbfs", error);
    for (guint i = 0; mounts && i < mounts->len; i++) {
        const KtMount *mount = g_ptr_array_index(mounts, i);
        g_autofree char *size = kt_mount_option(mount, "pagesize");
        KtHugetlbMount *huge = g_new0(KtHugetlbMount, 1);
        huge->directory = g_strconcat("/", mount->directory, NULL);
        huge->page_kib = size ? option_kib(size) : 0;
        g_ptr_array_add(pools->mounts, huge);
    }
    return mounts != NULL;
}

static bool
read_default(KtPools *pools, const KtRoot *root, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, KT_MEMINFO_FILE, &text, error))
        return false;
    gint64 kib = text ? kt_meminfo_value(text, "Hugepagesize") : KT_ABSENT;
    pools->default_kib = (guint64)MAX(kib, 0);
    return true;
}

KtPools *
kt_pools_read(const KtRoot *root, GError **error)
{
    g_autoptr(KtPools) pools = kt_pools_new();
    return read_sizes(pools, root, error) && read_pools(pools, root, error) &&
                   read_mounts(pools, root, error) && read_default(pools, root, error)
               ? g_steal_pointer(&pools)
               : NULL;
}

static void
add_pool(GPtrArray *paths, gint node, guint64 page_kib, const NumberFile *files, gsize n)
{
    for (gsize i = 0; i < n; i++)
        g_ptr_array_add(paths, kt_pools_file(node, page_kib, files[i].name));
}

void
kt_pools_add_files(const KtRoot *root, GPtrArray *paths)
{
    g_ptr_array_add(paths, g_strdup(KT_MEMINFO_FILE));
    g_ptr_array_add(paths, g_strdup(KT_MOUNTS_FILE));
    g_autoptr(GArray) sizes = kt_memory_page_sizes(root, HUGEPAGES, NULL);
    g_autoptr(GArray) nodes = kt_memory_node_numbers(root, NULL);
    for (guint i = 0; sizes && i < sizes->len; i++) {
        guint64 page_kib = g_array_index(sizes, guint64, i);
        add_pool(paths, -1, page_kib, size_numbers, G_N_ELEMENTS(size_numbers));
        for (guint j = 0; nodes && j < nodes->len; j++)
            add_pool(paths, (gint)g_array_index(nodes, guint64, j), page_kib, pool_numbers,
                     G_N_ELEMENTS(pool_numbers));
    }
}

bool
kt_pools_is_file(const char *path)
{
    return g_str_has_suffix(path, "/nr_hugepages");
}

bool
kt_pools_read_asked(const KtRoot *root, const char *path, gint64 *ret_pages, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *surplus_path = g_build_filename(directory, "surplus_hugepages", NULL);
    gint64 pages, surplus;
    if (!kt_root_read_number(root, path, &pages, error) ||
        !kt_root_read_number(root, surplus_path, &surplus, error))
        return false;
    *ret_pages = pages == KT_ABSENT ? KT_ABSENT : pages - MAX(surplus, 0);
    return true;
}

const KtPool *
kt_pools_find(const KtPools *pools, guint node, guint64 page_kib)
{
    for (guint i = 0; i < pools->pools->len; i++) {
        const KtPool *pool = &g_array_index(pools->pools, KtPool, i);
        if (pool->node == node && pool->page_kib == page_kib)
            return pool;
    }
    return NULL;
}

const KtPageSize *
kt_pools_size(const KtPools *pools, guint64 page_kib)
{
    for (guint i = 0; i < pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        if (size->page_kib == page_kib)
            return size;
    }
    return NULL;
}
