/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/drawing_parts.h"

#include <string.h>

/* "0,2,…,62" where the whole list is too long: the numbers of a row are mostly evenly spaced. */
char *
kt_drawing_list(const KtStyle *style, const KtCpuset *set, guint columns)
{
    g_autofree char *list = kt_cpuset_format(set);
    if (strlen(list) <= columns)
        return g_steal_pointer(&list);
    int first = hwloc_bitmap_first(set);
    return g_strdup_printf("%d,%d,%s,%d", first, hwloc_bitmap_next(set, first),
                           kt_sign(style, KT_SIGN_ELLIPSIS), hwloc_bitmap_last(set));
}

char *
kt_drawing_memory(const KtDrawing *drawing, const KtNode *node)
{
    const GArray *nodes = drawing->snapshot->memory->nodes;
    for (guint i = 0; i < nodes->len; i++) {
        const KtNodeMemory *memory = &g_array_index(nodes, KtNodeMemory, i);
        if (memory->os != node->os || memory->total_kib == KT_ABSENT || memory->free_kib == KT_ABSENT)
            continue;
        g_autofree char *total = kt_size((guint64)memory->total_kib);
        g_autofree char *free_part = kt_size((guint64)memory->free_kib);
        return g_strdup_printf("%s of %s free", free_part, total);
    }
    return node->memory_bytes ? kt_size(node->memory_bytes / 1024) : g_strdup("");
}

/* "A b": the letters of those whose memory, or devices, are on @node. Owned. */
static char *
letters_tied(const KtDrawing *drawing, const KtNode *node, bool devices)
{
    g_autoptr(GString) letters = g_string_new(NULL);
    for (guint i = 0; i < drawing->seating->sitters->len; i++) {
        const KtSitter *sitter = drawing->seating->sitters->pdata[i];
        if (sitter->letter && hwloc_bitmap_isset(devices ? sitter->devices : sitter->memory, node->os))
            g_string_append_printf(letters, " %c", sitter->letter);
    }
    return g_strdup(letters->str);
}

void
kt_drawing_ties(KtDrawing *drawing, const KtNode *node)
{
    if (drawing->topology->n_nodes < 2 || drawing->seating->n_letters > KT_SEATING_LETTERS)
        return;
    g_autofree char *memory = letters_tied(drawing, node, false);
    g_autofree char *devices = letters_tied(drawing, node, true);
    if (!*memory && !*devices)
        return;
    const char *dot = *memory && *devices ? kt_sign(drawing->style, KT_SIGN_DOT) : "";
    kt_ink(drawing->out, drawing->style, KT_INK_DIM, "%s %s%s%s%s%s%s%s\n",
           kt_sign(drawing->style, KT_SIGN_SIDE), *memory ? "memory of" : "", memory, *dot ? " " : "", dot,
           *dot ? " " : "", *devices ? "devices of" : "", devices);
}

static void
print_elsewhere(KtDrawing *drawing)
{
    const KtTopology *topology = drawing->topology;
    for (guint i = 0; i < topology->n_nodes; i++) {
        const KtNode *node = &topology->nodes[i];
        if (!hwloc_bitmap_iszero(node->cpus) || !node->has_memory)
            continue;
        g_autofree char *memory = kt_drawing_memory(drawing, node);
        g_string_append_printf(drawing->out, "  node %u has no CPUs: %s\n", node->os, memory);
    }
    g_autoptr(KtCpuset) offline = hwloc_bitmap_dup(hwloc_topology_get_complete_cpuset(topology->hwloc));
    hwloc_bitmap_andnot(offline, offline, topology->online);
    if (hwloc_bitmap_iszero(offline))
        return;
    g_autofree char *list = kt_drawing_list(drawing->style, offline, drawing->style->width - 12);
    g_string_append_printf(drawing->out, "  offline: %s\n", list);
}

static void
print_signs(KtDrawing *drawing)
{
    static const struct {
        char sign;
        const char *words;
    } legend[] = {{'.', "free"},
                  {'*', "several domains"},
                  {'h', "housekeeping"},
                  {'i', "isolated"},
                  {'-', "not for guests"}};
    g_autoptr(GString) text = g_string_new(NULL);
    if (drawing->own)
        g_string_append(text, "A own CPUs");
    if (drawing->shared)
        g_string_append_printf(text, "%sa shared CPUs", text->len ? "   " : "");
    for (guint i = 0; i < G_N_ELEMENTS(legend); i++) {
        if (!drawing->marks[(guint)legend[i].sign])
            continue;
        g_string_append(text, text->len ? "   " : "");
        if (legend[i].sign == '.')
            g_string_append_printf(text, "%s %s", kt_sign(drawing->style, KT_SIGN_FREE), legend[i].words);
        else
            g_string_append_printf(text, "%c %s", legend[i].sign, legend[i].words);
    }
    g_string_append(drawing->out, "  ");
    kt_wrap(drawing->out, drawing->style, KT_INK_DIM, 2, 2, text->str);
}

static void
print_floating(KtDrawing *drawing)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < drawing->seating->sitters->len; i++) {
        const KtSitter *sitter = drawing->seating->sitters->pdata[i];
        if (hwloc_bitmap_iszero(sitter->floating))
            continue;
        g_autofree char *ids = kt_cpuset_format(sitter->floating);
        bool floats = hwloc_bitmap_iszero(sitter->seated);
        if (floats && sitter->letter)
            g_ptr_array_add(names, g_strdup_printf("%c %s", sitter->letter, sitter->name));
        else if (floats)
            g_ptr_array_add(names, g_strdup(sitter->name));
        else
            g_ptr_array_add(names, g_strdup_printf("%s (vCPU %s)", sitter->name, ids));
    }
    if (names->len == 0)
        return;
    kt_ink(drawing->out, drawing->style, KT_INK_WARN, "  float over all CPUs:");
    g_string_append_c(drawing->out, ' ');
    kt_wrap_list(drawing->out, drawing->style, 23, 4, names);
}

void
kt_drawing_legend(KtDrawing *drawing)
{
    print_elsewhere(drawing);
    print_signs(drawing);
    print_floating(drawing);
}
