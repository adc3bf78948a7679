/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "base/error.h"
#include "probes/topology_parts.h"

/* The number of @thing: things get theirs from 0 on, in the order in which they are first asked for. */
static guint
number_of(GHashTable *numbering, gpointer thing)
{
    gpointer number;
    if (g_hash_table_lookup_extended(numbering, thing, NULL, &number))
        return GPOINTER_TO_UINT(number);
    guint next = g_hash_table_size(numbering);
    g_hash_table_insert(numbering, thing, GUINT_TO_POINTER(next));
    return next;
}

static gint
number_of_ancestor(GHashTable *numbering, const KtTopology *topology, hwloc_obj_t pu, hwloc_obj_type_t type)
{
    hwloc_obj_t ancestor = hwloc_get_ancestor_obj_by_type(topology->hwloc, type, pu);
    return ancestor ? (gint)number_of(numbering, ancestor) : -1;
}

static gint
compare_objects(gconstpointer a, gconstpointer b)
{
    guint os_a = (*(const hwloc_obj_t *)a)->os_index, os_b = (*(const hwloc_obj_t *)b)->os_index;
    return os_a < os_b ? -1 : os_a > os_b;
}

/* hwloc's PUs by the kernel's number. */
static hwloc_obj_t *
sorted_pus(const KtTopology *topology, guint *ret_n, GError **error)
{
    int n = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_PU);
    if (n <= 0) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "the topology has no CPU");
        return NULL;
    }
    g_autofree hwloc_obj_t *objects = g_new(hwloc_obj_t, (gsize)n);
    hwloc_obj_t object = NULL;
    for (int i = 0; i < n; i++)
        objects[i] = object = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, object);
    qsort(objects, (gsize)n, sizeof *objects, compare_objects);
    for (int i = 0; i < n; i++) {
        guint os = objects[i]->os_index;
        if (os >= KT_CPUSET_MAX || (i > 0 && os == objects[i - 1]->os_index)) {
            g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "CPU number %u is %s", os,
                        os >= KT_CPUSET_MAX ? "too great" : "there twice");
            return NULL;
        }
    }
    *ret_n = (guint)n;
    return g_steal_pointer(&objects);
}

static guint
node_of(const KtTopology *topology, guint os)
{
    g_autoptr(KtCpuset) local = hwloc_bitmap_alloc();
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, node))) {
        if (hwloc_bitmap_isset(node->cpuset, os))
            hwloc_bitmap_set(local, node->os_index);
    }
    return kt_topology_nearest_node(topology, local);
}

/* hwloc's rank of each kind, or -1 where it can't rank them: its ranks are all known or none. */
static void
fill_kinds(KtTopology *topology)
{
    int n = hwloc_cpukinds_get_nr(topology->hwloc, 0);
    guint64 seen = 0;
    g_autoptr(KtCpuset) set = hwloc_bitmap_alloc();
    for (int i = 0; n > 1 && i < n; i++) {
        int rank;
        if (hwloc_cpukinds_get_info(topology->hwloc, (unsigned)i, set, &rank, NULL, NULL, 0) || rank < 0)
            continue;
        for (guint pu = 0; pu < topology->n_pus; pu++) {
            if (!hwloc_bitmap_isset(set, topology->pus[pu].os))
                continue;
            topology->pus[pu].kind = rank;
            seen |= G_GUINT64_CONSTANT(1) << MIN(rank, 63);
        }
    }
    topology->n_kinds = (guint)MAX(__builtin_popcountll(seen), 1);
}

static guint64
l3_bytes(const KtTopology *topology, guint os)
{
    hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology->hwloc, os);
    hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology->hwloc, HWLOC_OBJ_L3CACHE, pu);
    return cache ? cache->attr->cache.size : 0;
}

/** Objects of hwloc's tree as numbers. */
typedef struct {
    GHashTable *cores, *l2, *l3, *dies, *packages;
} Numbering;

static void
numbering_clear(Numbering *numbering)
{
    g_hash_table_unref(numbering->cores);
    g_hash_table_unref(numbering->l2);
    g_hash_table_unref(numbering->l3);
    g_hash_table_unref(numbering->dies);
    g_hash_table_unref(numbering->packages);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Numbering, numbering_clear)

static void
fill_pu(KtTopology *topology, KtPu *pu, hwloc_obj_t object, const Numbering *numbering)
{
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology->hwloc, HWLOC_OBJ_CORE, object);
    pu->os = object->os_index;
    pu->core = number_of(numbering->cores, core ? core : object);
    pu->l2 = number_of_ancestor(numbering->l2, topology, object, HWLOC_OBJ_L2CACHE);
    pu->l3 = number_of_ancestor(numbering->l3, topology, object, HWLOC_OBJ_L3CACHE);
    pu->die = number_of_ancestor(numbering->dies, topology, object, HWLOC_OBJ_DIE);
    pu->package = number_of_ancestor(numbering->packages, topology, object, HWLOC_OBJ_PACKAGE);
    pu->node = node_of(topology, pu->os);
    pu->kind = -1;
}

static void
fill_counts(KtTopology *topology, const Numbering *numbering)
{
    topology->n_cores = g_hash_table_size(numbering->cores);
    topology->n_l2 = g_hash_table_size(numbering->l2);
    topology->n_l3 = g_hash_table_size(numbering->l3);
    topology->n_dies = g_hash_table_size(numbering->dies);
    topology->n_packages = g_hash_table_size(numbering->packages);
    topology->l3_bytes = g_new0(guint64, topology->n_l3 + 1);
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        if (pu->l3 >= 0)
            topology->l3_bytes[pu->l3] = l3_bytes(topology, pu->os);
    }
}

bool
kt_topology_fill_pus(KtTopology *topology, GError **error)
{
    g_autofree hwloc_obj_t *objects = sorted_pus(topology, &topology->n_pus, error);
    if (!objects)
        return false;
    g_auto(Numbering) numbering = {
        .cores = g_hash_table_new(NULL, NULL),
        .l2 = g_hash_table_new(NULL, NULL),
        .l3 = g_hash_table_new(NULL, NULL),
        .dies = g_hash_table_new(NULL, NULL),
        .packages = g_hash_table_new(NULL, NULL),
    };
    topology->n_os = objects[topology->n_pus - 1]->os_index + 1;
    topology->pu_of_os = g_new(gint, topology->n_os);
    for (guint os = 0; os < topology->n_os; os++)
        topology->pu_of_os[os] = -1;
    topology->pus = g_new0(KtPu, topology->n_pus);
    topology->online = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_pus; i++) {
        KtPu *pu = &topology->pus[i];
        fill_pu(topology, pu, objects[i], &numbering);
        topology->pu_of_os[pu->os] = (gint)i;
        hwloc_bitmap_set(topology->online, pu->os);
        hwloc_bitmap_set(topology->nodes[pu->node].cpus, pu->os);
    }
    fill_counts(topology, &numbering);
    fill_kinds(topology);
    return true;
}

/* Which sharing group a PU belongs to, as a number unique to it. */
static guint
group_key(const KtTopology *topology, const KtPu *pu)
{
    if (topology->n_l3 > 0)
        return pu->l3 >= 0 ? (guint)pu->l3 : topology->n_l3 + 1 + (guint)(pu->package + 1);
    if (topology->n_packages > 0)
        return (guint)(pu->package + 1);
    return pu->node;
}

static void
add_to_group(KtCpuGroup *group, const KtPu *pu)
{
    if (!group->cpus) {
        group->cpus = hwloc_bitmap_alloc();
        group->package = pu->package;
    }
    hwloc_bitmap_set(group->cpus, pu->os);
    if (group->package != pu->package)
        group->package = -1;
}

void
kt_topology_fill_groups(KtTopology *topology)
{
    g_autoptr(GHashTable) groups = g_hash_table_new(NULL, NULL);
    g_autofree guint *threads = g_new0(guint, topology->n_cores);
    topology->cores = g_new0(KtCpuGroup, topology->n_cores);
    for (guint i = 0; i < topology->n_pus; i++) {
        KtPu *pu = &topology->pus[i];
        pu->group = number_of(groups, GUINT_TO_POINTER(group_key(topology, pu)));
        add_to_group(&topology->cores[pu->core], pu);
        if (++threads[pu->core] > 1)
            topology->smt = true;
    }
    topology->n_groups = g_hash_table_size(groups);
    topology->groups = g_new0(KtCpuGroup, topology->n_groups);
    for (guint i = 0; i < topology->n_pus; i++) {
        KtCpuGroup *group = &topology->groups[topology->pus[i].group];
        add_to_group(group, &topology->pus[i]);
        gint l3 = topology->pus[i].l3;
        group->cache_bytes = l3 >= 0 ? topology->l3_bytes[l3] : 0;
    }
}
