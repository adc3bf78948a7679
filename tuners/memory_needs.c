/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/memory_needs.h"

#include "tuners/seats.h"

static void
need_free(gpointer data)
{
    KtMemoryNeed *need = data;
    kt_cpuset_free(need->nodes);
    g_free(need);
}

bool
kt_memory_mode_binds(const char *mode)
{
    return mode == NULL || g_str_equal(mode, "strict") || g_str_equal(mode, "restrictive");
}

KtCpuset *
kt_memory_host_nodes(const KtTopology *topology)
{
    KtCpuset *nodes = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_nodes; i++) {
        if (topology->nodes[i].has_memory)
            hwloc_bitmap_set(nodes, topology->nodes[i].os);
    }
    return nodes;
}

KtCpuset *
kt_memory_cpu_nodes(const KtPlan *plan, guint domain, const KtCpuset *vcpus)
{
    const KtTopology *topology = plan->snapshot->topology;
    KtCpuset *nodes = hwloc_bitmap_alloc();
    g_autoptr(KtCpuset) cpus = hwloc_bitmap_alloc();
    KtSeats seats = {0};
    guint place = 0;
    bool seated = kt_seats_find(plan, domain, &seats, &place);
    for (guint i = 0; seated && i < seats.problem->domains[place].n_vcpus; i++) {
        if (vcpus == NULL || hwloc_bitmap_isset(vcpus, seats.problem->domains[place].vcpus[i].id))
            hwloc_bitmap_or(cpus, cpus, seats.placement->seats[place].vcpus[i]);
    }
    for (guint i = 0; i < topology->n_nodes; i++) {
        if (hwloc_bitmap_intersects(topology->nodes[i].cpus, cpus))
            hwloc_bitmap_set(nodes, topology->nodes[i].os);
    }
    return nodes;
}

guint64
kt_memory_page_kib(const KtDomainDef *def, guint64 default_kib, guint cell)
{
    guint64 page_kib = 0;
    if (!def->hugepages)
        return 0;
    if (def->pages->len == 0)
        return default_kib;
    for (guint i = 0; i < def->pages->len; i++) {
        const KtPageDef *page = def->pages->pdata[i];
        guint64 its = page->page_kib > 0 ? page->page_kib : default_kib;
        if (page->cells != NULL && hwloc_bitmap_isset(page->cells, cell))
            return its;
        if (page->cells == NULL)
            page_kib = its;
    }
    return page_kib;
}

KtCpuset *
kt_memory_nodes(const KtDomainDef *def, guint cell, bool *ret_binds)
{
    const KtMemnodeDef *memnode = def->cells->len > 0 ? kt_domain_def_find_memnode(def, cell) : NULL;
    const char *mode = memnode != NULL ? memnode->mode : def->numatune_mode;
    const char *nodeset = memnode != NULL ? memnode->nodeset : def->numatune_nodeset;
    KtCpuset *nodes = nodeset != NULL ? kt_cpuset_parse(nodeset, true, NULL) : NULL;
    *ret_binds = nodes != NULL && kt_memory_mode_binds(mode);
    return nodes;
}

/* Fills in where it comes from. @cell: its guest cell, NULL = it has none. */
static void
place_need(KtMemoryNeed *need, const KtPlan *plan, guint domain, const KtDomainDef *def,
           const KtCellDef *cell)
{
    g_autoptr(KtCpuset) host = kt_memory_host_nodes(plan->snapshot->topology);
    need->nodes = kt_memory_nodes(def, cell != NULL ? cell->id : 0, &need->binds);
    if (need->nodes == NULL)
        need->nodes = kt_memory_cpu_nodes(plan, domain, cell != NULL ? cell->vcpus : NULL);
    hwloc_bitmap_and(need->nodes, need->nodes, host);
    if (hwloc_bitmap_iszero(need->nodes) && !need->binds)
        hwloc_bitmap_copy(need->nodes, host);
}

static void
add_need(GPtrArray *needs, const KtPlan *plan, guint domain, const KtDomainDef *def, const KtCellDef *cell)
{
    guint number = cell != NULL ? cell->id : 0;
    KtMemoryNeed *need = g_new0(KtMemoryNeed, 1);
    need->kib = cell != NULL ? cell->memory_kib : def->memory_kib;
    need->page_kib = kt_memory_page_kib(def, plan->snapshot->pools->default_kib, number);
    place_need(need, plan, domain, def, cell);
    g_ptr_array_add(needs, need);
}

GPtrArray *
kt_memory_needs(const KtPlan *plan, guint domain, const KtDomainDef *def)
{
    GPtrArray *needs = g_ptr_array_new_with_free_func(need_free);
    if (def->cells->len == 0)
        add_need(needs, plan, domain, def, NULL);
    for (guint i = 0; i < def->cells->len; i++)
        add_need(needs, plan, domain, def, def->cells->pdata[i]);
    return needs;
}
