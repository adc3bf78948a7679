/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/memory_parts.h"

static void
add_cell(GPtrArray *cells, guint cell, const char *mode, const KtCpuset *nodes)
{
    KtMemnodeDef *memnode = g_new0(KtMemnodeDef, 1);
    memnode->cell = cell;
    memnode->mode = g_strdup(mode);
    memnode->nodeset = kt_cpuset_format(nodes);
    g_ptr_array_add(cells, memnode);
}

/* Whether vCPUs of different cells run on different nodes. */
static bool
differ(const KtMemoryWish *wish)
{
    for (guint i = 0; i < wish->next.cells->len; i++) {
        const KtCellDef *cell = wish->next.cells->pdata[i];
        g_autoptr(KtCpuset) nodes = kt_memory_cpu_nodes(wish->plan, wish->index, cell->vcpus);
        if (!hwloc_bitmap_iszero(nodes) && !hwloc_bitmap_isequal(nodes, wish->cpu_nodes))
            return true;
    }
    return false;
}

GPtrArray *
kt_memory_choose_cells(const KtMemoryWish *wish, bool strict)
{
    GPtrArray *cells = g_ptr_array_new_with_free_func((GDestroyNotify)kt_memnode_def_free);
    for (guint i = 0; differ(wish) && i < wish->next.cells->len; i++) {
        const KtCellDef *cell = wish->next.cells->pdata[i];
        g_autoptr(KtCpuset) nodes = kt_memory_cpu_nodes(wish->plan, wish->index, cell->vcpus);
        int n = hwloc_bitmap_weight(nodes);
        if (n == 1 || (strict && n > 0)) {
            add_cell(cells, cell->id, strict ? "strict" : "preferred", nodes);
        } else if (n > 1) {
            g_autofree char *several = kt_memory_name_nodes(nodes);
            kt_plan_note(wish->plan, (gint)wish->index,
                         "memory.numa = follow-cpu has nothing to prefer for guest cell %u: its CPUs are on "
                         "%s",
                         cell->id, several);
        }
    }
    return cells;
}

static const KtMemnodeDef *
find(const GPtrArray *cells, guint cell)
{
    for (guint i = 0; i < cells->len; i++) {
        const KtMemnodeDef *memnode = cells->pdata[i];
        if (memnode->cell == cell)
            return memnode;
    }
    return NULL;
}

static bool
is_so(const KtMemnodeDef *present, const KtMemnodeDef *wanted)
{
    if (present == NULL || wanted == NULL)
        return present == wanted;
    g_autoptr(KtCpuset) nodes =
        present->nodeset != NULL ? kt_cpuset_parse(present->nodeset, true, NULL) : NULL;
    g_autoptr(KtCpuset) others = kt_cpuset_parse(wanted->nodeset, true, NULL);
    return nodes != NULL && hwloc_bitmap_isequal(nodes, others) &&
           g_str_equal(present->mode != NULL ? present->mode : "strict", wanted->mode);
}

bool
kt_memory_cells_are_so(const KtDomainDef *def, const GPtrArray *cells)
{
    for (guint i = 0; i < def->cells->len; i++) {
        guint cell = ((const KtCellDef *)def->cells->pdata[i])->id;
        if (!is_so(kt_domain_def_find_memnode(def, cell), find(cells, cell)))
            return false;
    }
    return true;
}

static char *
explain(const KtCellDef *cell, const KtMemnodeDef *wanted)
{
    if (wanted == NULL)
        return g_strdup("its memory goes by what is said of the guest as a whole");
    g_autoptr(KtCpuset) set = kt_cpuset_parse(wanted->nodeset, true, NULL);
    g_autofree char *nodes = kt_memory_name_nodes(set);
    if (!kt_memory_mode_binds(wanted->mode))
        return g_strdup_printf("the cell's CPUs are on %s: its memory comes from there while there is any",
                               nodes);
    return g_strdup_printf("%" G_GUINT64_FORMAT
                           " MiB come from %s, where the cell's CPUs are, or not at all: "
                           "without room there the guest doesn't start",
                           cell->memory_kib / 1024, nodes);
}

void
kt_memory_stage_cells(const KtMemoryWish *wish, const KtValue *value, const GPtrArray *cells)
{
    const KtDomainDef *def = kt_domain_next_def(wish->domain);
    for (guint i = 0; i < def->cells->len; i++) {
        const KtCellDef *cell = def->cells->pdata[i];
        const KtMemnodeDef *wanted = find(cells, cell->id);
        if (is_so(kt_domain_def_find_memnode(def, cell->id), wanted))
            continue;
        g_autofree char *item = g_strdup_printf("cell %u", cell->id);
        g_autofree char *to = wanted != NULL ? g_strdup_printf("%s %s", wanted->mode, wanted->nodeset) : NULL;
        bool binds = wanted != NULL && kt_memory_mode_binds(wanted->mode);
        kt_memory_stage(wish, value, KT_XML_MEMNODE, item, to, binds ? KT_RISK_MEDIUM : KT_RISK_NONE,
                        explain(cell, wanted));
    }
}
