/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/drawing_parts.h"

static void
row_free(gpointer data)
{
    KtDrawingRow *row = data;
    g_array_unref(row->pus);
    kt_cpuset_free(row->cpus);
    g_free(row);
}

static gint
compare(gint a, gint b)
{
    return a < b ? -1 : a > b;
}

static gint
compare_rows(const KtPu *a, const KtPu *b)
{
    const gint parts[] = {compare(a->package, b->package), compare((gint)a->node, (gint)b->node),
                          compare((gint)a->group, (gint)b->group), compare(b->kind, a->kind)};
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i] != 0)
            return parts[i];
    }
    return 0;
}

static gint
compare_pus(gconstpointer left, gconstpointer right)
{
    const KtPu *a = *(const KtPu *const *)left;
    const KtPu *b = *(const KtPu *const *)right;
    gint row = compare_rows(a, b);
    if (row != 0)
        return row;
    gint core = compare((gint)a->core, (gint)b->core);
    return core != 0 ? core : compare((gint)a->os, (gint)b->os);
}

static bool
is_free(const KtSeating *seating, const KtCpuset *cpus)
{
    for (guint i = 0; i < seating->sitters->len; i++) {
        const KtSitter *sitter = seating->sitters->pdata[i];
        if (hwloc_bitmap_intersects(sitter->seated, cpus))
            return false;
    }
    return seating->housekeeping == NULL || !hwloc_bitmap_intersects(seating->housekeeping, cpus);
}

static GArray *
sorted_pus(const KtTopology *topology)
{
    GArray *pus = g_array_new(FALSE, FALSE, sizeof(const KtPu *));
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        g_array_append_val(pus, pu);
    }
    g_array_sort(pus, compare_pus);
    return pus;
}

static KtDrawingRow *
row_new(void)
{
    KtDrawingRow *row = g_new0(KtDrawingRow, 1);
    row->pus = g_array_new(FALSE, FALSE, sizeof(const KtPu *));
    row->cpus = hwloc_bitmap_alloc();
    return row;
}

GPtrArray *
kt_drawing_rows(const KtTopology *topology, const KtSeating *seating)
{
    g_autoptr(GArray) pus = sorted_pus(topology);
    GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
    KtDrawingRow *row = NULL;
    for (guint i = 0; i < pus->len; i++) {
        const KtPu *pu = g_array_index(pus, const KtPu *, i);
        if (row == NULL || compare_rows(kt_drawing_pu(row, 0), pu) != 0) {
            row = row_new();
            g_ptr_array_add(rows, row);
        }
        g_array_append_val(row->pus, pu);
        hwloc_bitmap_set(row->cpus, pu->os);
    }
    for (guint i = 0; i < rows->len; i++) {
        row = rows->pdata[i];
        row->free = is_free(seating, row->cpus);
    }
    return rows;
}
