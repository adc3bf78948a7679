/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/memory.h"

#include <string.h>
#include <unistd.h>

#include "base/cpuset.h"
#include "base/error.h"
#include "probes/memory_parts.h"

#define THP "sys/kernel/mm/transparent_hugepage"

/** A file with a choice of words, and where it goes. */
typedef struct {
    const char *path;
    gsize offset; /* in KtMemory */
} ChoiceFile;

static const ChoiceFile choices[] = {
    {THP "/enabled", offsetof(KtMemory, thp.enabled)},
    {THP "/defrag", offsetof(KtMemory, thp.defrag)},
    {THP "/shmem_enabled", offsetof(KtMemory, thp.shmem)},
};

static void
free_thp_size(gpointer data)
{
    KtThpSize *size = data;
    g_free(size->enabled);
    g_free(size);
}

KtMemory *
kt_memory_new(void)
{
    KtMemory *memory = g_new0(KtMemory, 1);
    memory->nodes = g_array_new(FALSE, FALSE, sizeof(KtNodeMemory));
    memory->thp.sizes = g_ptr_array_new_with_free_func(free_thp_size);
    memory->page_kib = 4;
    memory->available_kib = KT_ABSENT;
    kt_ksm_init(&memory->ksm);
    return memory;
}

void
kt_memory_free(KtMemory *memory)
{
    if (!memory)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(choices); i++)
        g_free(G_STRUCT_MEMBER(char *, memory, choices[i].offset));
    kt_ksm_clear(&memory->ksm);
    g_array_unref(memory->nodes);
    g_clear_pointer(&memory->thp.sizes, g_ptr_array_unref);
    g_free(memory);
}

gint64
kt_meminfo_value(const char *text, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *at = *line;
        if (g_str_has_prefix(at, "Node ")) {
            at += strlen("Node ");
            at += strspn(at, "0123456789 ");
        }
        if (!g_str_has_prefix(at, key) || at[strlen(key)] != ':')
            continue;
        gint64 kib;
        g_autofree char *number = g_strstrip(g_strdup(at + strlen(key) + 1));
        char *unit = strstr(number, " kB");
        if (unit)
            *unit = '\0';
        return g_ascii_string_to_signed(number, 10, 0, G_MAXINT64, &kib, NULL) ? kib : KT_ABSENT;
    }
    return KT_ABSENT;
}

/* *@ret_exists: the file is there. */
static bool
read_node_file(const KtRoot *root, guint os, const char *path, bool *ret_exists, KtNodeMemory *ret,
               GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    *ret_exists = text != NULL;
    *ret = (KtNodeMemory){
        .os = os,
        .total_kib = text ? kt_meminfo_value(text, "MemTotal") : KT_ABSENT,
        .free_kib = text ? kt_meminfo_value(text, "MemFree") : KT_ABSENT,
    };
    if (text && ret->total_kib == KT_ABSENT && *text) {
        g_autofree char *shown = kt_root_describe(root, path);
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: no number of kB after 'MemTotal:'", shown);
        return false;
    }
    return true;
}

static bool
read_node(KtMemory *memory, const KtRoot *root, guint os, const char *path, GError **error)
{
    KtNodeMemory node;
    bool exists;
    if (!read_node_file(root, os, path, &exists, &node, error))
        return false;
    if (exists)
        g_array_append_val(memory->nodes, node);
    return true;
}

static char *
node_file(guint64 os)
{
    return g_strdup_printf(KT_NODES_DIRECTORY "/node%" G_GUINT64_FORMAT "/meminfo", os);
}

bool
kt_node_memory_read(const KtRoot *root, guint os, KtNodeMemory *ret, GError **error)
{
    g_autofree char *path = node_file(os);
    bool exists;
    return read_node_file(root, os, path, &exists, ret, error);
}

static gint
compare_numbers(gconstpointer a, gconstpointer b)
{
    guint64 one = *(const guint64 *)a, other = *(const guint64 *)b;
    return one < other ? -1 : one > other;
}

/* The names in a directory that are @before, a number below @limit and @after, as these numbers, sorted:
 * guint64. */
static GArray *
numbered_names(const KtRoot *root, const char *path, const char *before, const char *after, guint64 limit,
               GError **error)
{
    g_auto(GStrv) names = NULL;
    if (!kt_root_list(root, path, &names, error))
        return NULL;
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    for (char **name = names; name && *name; name++) {
        guint64 number;
        if (!g_str_has_prefix(*name, before) || !g_str_has_suffix(*name, after))
            continue;
        g_autofree char *digits = g_strdup(*name + strlen(before));
        digits[strlen(digits) - strlen(after)] = '\0';
        if (g_ascii_string_to_unsigned(digits, 10, 0, limit - 1, &number, NULL))
            g_array_append_val(numbers, number);
    }
    g_array_sort(numbers, compare_numbers);
    return numbers;
}

GArray *
kt_memory_node_numbers(const KtRoot *root, GError **error)
{
    return numbered_names(root, KT_NODES_DIRECTORY, "node", "", KT_CPUSET_MAX, error);
}

GArray *
kt_memory_page_sizes(const KtRoot *root, const char *path, GError **error)
{
    return numbered_names(root, path, "hugepages-", "kB", G_MAXINT32, error);
}

static bool
read_nodes(KtMemory *memory, const KtRoot *root, GError **error)
{
    g_autoptr(GArray) nodes = kt_memory_node_numbers(root, error);
    if (!nodes)
        return false;
    /* A kernel without NUMA: all of the memory is node 0. */
    if (nodes->len == 0)
        return read_node(memory, root, 0, KT_MEMINFO_FILE, error);
    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *path = node_file(g_array_index(nodes, guint64, i));
        if (!read_node(memory, root, (guint)g_array_index(nodes, guint64, i), path, error))
            return false;
    }
    return true;
}

static char *
thp_size_file(guint64 size_kib)
{
    return g_strdup_printf(THP "/hugepages-%" G_GUINT64_FORMAT "kB/enabled", size_kib);
}

/* Sizes that only shared memory may have lack the file. */
static bool
read_thp_sizes(KtThp *thp, const KtRoot *root, GError **error)
{
    g_autoptr(GArray) sizes = kt_memory_page_sizes(root, THP, error);
    for (guint i = 0; sizes && i < sizes->len; i++) {
        guint64 size_kib = g_array_index(sizes, guint64, i);
        g_autofree char *path = thp_size_file(size_kib);
        g_autofree char *enabled = NULL;
        if (!kt_root_read_choice(root, path, &enabled, error))
            return false;
        if (!enabled)
            continue;
        KtThpSize *size = g_new0(KtThpSize, 1);
        size->size_kib = size_kib;
        size->enabled = g_steal_pointer(&enabled);
        g_ptr_array_add(thp->sizes, size);
    }
    return sizes != NULL;
}

bool
kt_meminfo_read(const KtRoot *root, KtMeminfo *ret, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, KT_MEMINFO_FILE, &text, error))
        return false;
    const char *told = text ? text : "";
    *ret = (KtMeminfo){
        .total_kib = kt_meminfo_value(told, "MemTotal"),
        .available_kib = kt_meminfo_value(told, "MemAvailable"),
        .swap_kib = kt_meminfo_value(told, "SwapTotal"),
        .swap_free_kib = kt_meminfo_value(told, "SwapFree"),
    };
    return true;
}

KtMemory *
kt_memory_read(const KtRoot *root, GError **error)
{
    g_autoptr(KtMemory) memory = kt_memory_new();
    if (kt_root_is_live(root))
        memory->page_kib = (guint64)sysconf(_SC_PAGESIZE) / 1024;
    for (gsize i = 0; i < G_N_ELEMENTS(choices); i++) {
        char **word = &G_STRUCT_MEMBER(char *, memory, choices[i].offset);
        if (!kt_root_read_choice(root, choices[i].path, word, error))
            return NULL;
    }
    KtMeminfo all;
    if (!kt_ksm_read(root, &memory->ksm, error) || !read_thp_sizes(&memory->thp, root, error) ||
        !read_nodes(memory, root, error) || !kt_meminfo_read(root, &all, error))
        return NULL;
    memory->available_kib = all.available_kib;
    return g_steal_pointer(&memory);
}

/* The sum of one field of the nodes, as far as they tell it. */
static gint64
sum_kib(const KtMemory *memory, gsize field)
{
    gint64 sum = KT_ABSENT;
    for (guint i = 0; i < memory->nodes->len; i++) {
        gint64 kib = G_STRUCT_MEMBER(gint64, &g_array_index(memory->nodes, KtNodeMemory, i), field);
        if (kib != KT_ABSENT)
            sum = (sum == KT_ABSENT ? 0 : sum) + kib;
    }
    return sum;
}

gint64
kt_memory_total_kib(const KtMemory *memory)
{
    return sum_kib(memory, G_STRUCT_OFFSET(KtNodeMemory, total_kib));
}

gint64
kt_memory_free_kib(const KtMemory *memory)
{
    return sum_kib(memory, G_STRUCT_OFFSET(KtNodeMemory, free_kib));
}

void
kt_memory_add_files(const KtMemory *memory, const KtRoot *root, GPtrArray *paths)
{
    for (gsize i = 0; i < G_N_ELEMENTS(choices); i++)
        g_ptr_array_add(paths, g_strdup(choices[i].path));
    kt_ksm_add_files(&memory->ksm, paths);
    g_ptr_array_add(paths, g_strdup(KT_MEMINFO_FILE));
    g_autoptr(GArray) nodes = kt_memory_node_numbers(root, NULL);
    for (guint i = 0; nodes && i < nodes->len; i++)
        g_ptr_array_add(paths, node_file(g_array_index(nodes, guint64, i)));
    g_autoptr(GArray) sizes = kt_memory_page_sizes(root, THP, NULL);
    for (guint i = 0; sizes && i < sizes->len; i++)
        g_ptr_array_add(paths, thp_size_file(g_array_index(sizes, guint64, i)));
}
