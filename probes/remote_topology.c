/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "probes/remote_host.h"
#include "probes/topology_parts.h"

/* hwloc's XML (version 2) made from libvirt's capabilities, so that a remote host's topology goes the way of
 * every other. hwloc's manual, «Importing and exporting topologies from/to XML files» */

/* hwloc has memory nodes beside the tree of CPUs; a group that says nothing more than its parent is dropped.
 */
static const char *const kind_names[] = {
    [KT_PART_MACHINE] = "Machine", [KT_PART_PACKAGE] = "Package", [KT_PART_DIE] = "Die",
    [KT_PART_CELL] = "Group",      [KT_PART_L3] = "L3Cache",      [KT_PART_CORE] = "Core",
    [KT_PART_PU] = "PU",
};

/* ---- the tree ---- */

/* Big ones first, of the same size outer kinds, then in the order of their CPUs. */
static gint
compare_parts(gconstpointer a, gconstpointer b)
{
    const KtPart *one = *(KtPart *const *)a, *other = *(KtPart *const *)b;
    int weight = hwloc_bitmap_weight(other->cpus) - hwloc_bitmap_weight(one->cpus);
    if (weight)
        return weight;
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    return hwloc_bitmap_compare_first(one->cpus, other->cpus);
}

static const KtPart *
part_in(const GNode *node)
{
    return node->data;
}

/* Hangs @part below the smallest part that holds it. One that lies across another has no place in a tree, and
 * the only die of a package tells nothing. */
static void
hang(GNode *tree, KtPart *part)
{
    if (part->kind == KT_PART_DIE && hwloc_bitmap_isequal(part_in(tree)->cpus, part->cpus))
        return;
    GNode *before = NULL;
    for (GNode *child = tree->children; child; child = child->next) {
        const KtCpuset *cpus = part_in(child)->cpus;
        if (hwloc_bitmap_isincluded(part->cpus, cpus)) {
            hang(child, part);
            return;
        }
        if (hwloc_bitmap_intersects(part->cpus, cpus))
            return;
        if (!before && hwloc_bitmap_first(cpus) > hwloc_bitmap_first(part->cpus))
            before = child;
    }
    g_node_insert_data_before(tree, before, part);
}

static GNode *
make_tree(const KtCapabilities *capabilities)
{
    GNode *tree = NULL;
    g_ptr_array_sort(capabilities->parts, compare_parts);
    for (guint i = 0; i < capabilities->parts->len; i++) {
        KtPart *part = g_ptr_array_index(capabilities->parts, i);
        if (hwloc_bitmap_iszero(part->cpus))
            continue;
        if (!tree)
            tree = g_node_new(part); /* the machine: all the others are in it */
        else
            hang(tree, part);
    }
    return tree;
}

/* ---- hwloc's XML ---- */

static char *
format_mask(const KtCpuset *set)
{
    char *mask = NULL;
    int length = hwloc_bitmap_asprintf(&mask, set);
    g_assert(length >= 0);
    char *owned = g_strdup(mask);
    free(mask);
    return owned;
}

static const KtPart *
cell_at(const KtCapabilities *capabilities, guint i)
{
    return g_ptr_array_index(capabilities->cells, i);
}

/* The nodes that any of @cpus belongs to. */
static KtCpuset *
nodes_of(const KtCapabilities *capabilities, const KtCpuset *cpus)
{
    KtCpuset *nodes = hwloc_bitmap_alloc();
    for (guint i = 0; i < capabilities->cells->len; i++) {
        const KtPart *cell = cell_at(capabilities, i);
        if (hwloc_bitmap_intersects(cell->cpus, cpus))
            hwloc_bitmap_set(nodes, cell->os);
    }
    return nodes;
}

/* Opens an object up to its own attributes; each needs a number of its own. */
static void
open_object(GString *xml, guint *number, const char *type, guint os, const KtCpuset *cpus,
            const KtCpuset *nodes)
{
    g_autofree char *mask = format_mask(cpus);
    g_autofree char *node_mask = format_mask(nodes);
    g_string_append_printf(
        xml,
        "<object type=\"%s\" os_index=\"%u\" gp_index=\"%u\" cpuset=\"%s\" complete_cpuset=\"%s\" "
        "nodeset=\"%s\" complete_nodeset=\"%s\"",
        type, os, ++*number, mask, mask, node_mask, node_mask);
}

static void
write_memory(GString *xml, guint *number, const KtPart *cell)
{
    g_autoptr(KtCpuset) self = kt_cpuset_single(cell->os);
    open_object(xml, number, "NUMANode", cell->os, cell->cpus, self);
    g_string_append_printf(xml, " local_memory=\"%" G_GUINT64_FORMAT "\"/>\n", cell->bytes);
}

/* The machine has the nodes that have no CPUs of their own. */
static void
write_machine(GString *xml, guint *number, const KtCapabilities *capabilities, const KtPart *machine)
{
    g_autoptr(KtCpuset) nodes = hwloc_bitmap_alloc();
    for (guint i = 0; i < capabilities->cells->len; i++)
        hwloc_bitmap_set(nodes, cell_at(capabilities, i)->os);
    g_autofree char *cpu_mask = format_mask(machine->cpus);
    g_autofree char *node_mask = format_mask(nodes);
    open_object(xml, number, kind_names[KT_PART_MACHINE], 0, machine->cpus, nodes);
    g_string_append_printf(xml, " allowed_cpuset=\"%s\" allowed_nodeset=\"%s\">\n", cpu_mask, node_mask);
    for (guint i = 0; i < capabilities->cells->len; i++) {
        const KtPart *cell = cell_at(capabilities, i);
        if (hwloc_bitmap_iszero(cell->cpus))
            write_memory(xml, number, cell);
    }
}

static void
write_part(GString *xml, guint *number, const KtCapabilities *capabilities, const KtPart *part)
{
    g_autoptr(KtCpuset) nodes = nodes_of(capabilities, part->cpus);
    open_object(xml, number, kind_names[part->kind], part->os, part->cpus, nodes);
    if (part->kind == KT_PART_L3)
        g_string_append_printf(xml, " cache_size=\"%" G_GUINT64_FORMAT "\" depth=\"3\" cache_type=\"0\"",
                               part->bytes);
    g_string_append(xml, ">\n");
    if (part->kind == KT_PART_CELL)
        write_memory(xml, number, part);
}

static void
write_tree(GString *xml, guint *number, const KtCapabilities *capabilities, const GNode *tree)
{
    if (part_in(tree)->kind == KT_PART_MACHINE)
        write_machine(xml, number, capabilities, part_in(tree));
    else
        write_part(xml, number, capabilities, part_in(tree));
    for (const GNode *child = tree->children; child; child = child->next)
        write_tree(xml, number, capabilities, child);
    g_string_append(xml, "</object>\n");
}

static void
write_distances(GString *xml, const KtCapabilities *capabilities)
{
    guint n = capabilities->cells->len;
    if (capabilities->distances->len == 0 || n < 2)
        return;
    g_autoptr(GString) indexes = g_string_new(NULL);
    for (guint i = 0; i < n; i++)
        g_string_append_printf(indexes, "%u ", cell_at(capabilities, i)->os);
    g_autoptr(GString) values = g_string_new(NULL);
    for (guint i = 0; i < n * n; i++)
        g_string_append_printf(values, "%u ", g_array_index(capabilities->distances, guint, i));
    g_string_append_printf(xml,
                           "<distances2 type=\"NUMANode\" nbobjs=\"%u\" kind=\"%d\" name=\"NUMALatency\" "
                           "indexing=\"os\"><indexes length=\"%zu\">%s</indexes><u64values "
                           "length=\"%zu\">%s</u64values></distances2>\n",
                           n, HWLOC_DISTANCES_KIND_FROM_OS | HWLOC_DISTANCES_KIND_MEANS_LATENCY, indexes->len,
                           indexes->str, values->len, values->str);
}

KtTopology *
kt_topology_from_capabilities(const KtCapabilities *capabilities, GError **error)
{
    GNode *tree = make_tree(capabilities);
    g_autoptr(GString) xml = g_string_new("<topology version=\"2.0\">\n");
    guint number = 0;
    write_tree(xml, &number, capabilities, tree);
    g_node_destroy(tree);
    write_distances(xml, capabilities);
    g_string_append(xml, "</topology>\n");
    return kt_topology_from_xml(xml->str, "the hypervisor's host", error);
}
