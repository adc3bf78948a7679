/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "base/error.h"
#include "probes/topology_parts.h"

/* ACPI's own values where the firmware says nothing (design section 10). */
#define SLIT_OWN 10
#define SLIT_OTHER 20
/* ACPI 6.5, 5.2.17: 0 to 9 are reserved; 255 is «unreachable», a good order all the same. */
#define SLIT_LEAST 10
#define SLIT_MOST 255

static gint
compare_nodes(gconstpointer a, gconstpointer b)
{
    guint os_a = ((const KtNode *)a)->os, os_b = ((const KtNode *)b)->os;
    return os_a < os_b ? -1 : os_a > os_b;
}

gint
kt_topology_node_index(const KtTopology *topology, guint os)
{
    for (guint i = 0; i < topology->n_nodes; i++) {
        if (topology->nodes[i].os == os)
            return (gint)i;
    }
    return -1;
}

/* Whether all values are such as firmware gives: as the kernel does, we believe all of a matrix or nothing.
 */
static bool
has_slit_values(const struct hwloc_distances_s *matrix)
{
    for (gsize i = 0; i < (gsize)matrix->nbobjs * matrix->nbobjs; i++) {
        if (matrix->values[i] < SLIT_LEAST || matrix->values[i] > SLIT_MOST)
            return false;
    }
    return true;
}

/* Whether the matrix is one of NUMA nodes that this topology knows. */
static bool
is_of_nodes(const KtTopology *topology, const struct hwloc_distances_s *matrix)
{
    for (unsigned i = 0; i < matrix->nbobjs; i++) {
        hwloc_obj_t object = matrix->objs[i];
        if (!object || object->type != HWLOC_OBJ_NUMANODE ||
            kt_topology_node_index(topology, object->os_index) < 0)
            return false;
    }
    return matrix->nbobjs > 0;
}

/* The matrix may be for some of the nodes only, and in any order. */
static void
take_matrix(KtTopology *topology, const struct hwloc_distances_s *matrix)
{
    for (unsigned i = 0; i < matrix->nbobjs; i++) {
        guint from = (guint)kt_topology_node_index(topology, matrix->objs[i]->os_index);
        for (unsigned j = 0; j < matrix->nbobjs; j++) {
            guint to = (guint)kt_topology_node_index(topology, matrix->objs[j]->os_index);
            topology->slit[(gsize)from * topology->n_nodes + to] =
                (guint)matrix->values[(gsize)i * matrix->nbobjs + j];
        }
    }
}

static void
fill_slit(KtTopology *topology)
{
    guint n = topology->n_nodes;
    topology->slit = g_new(guint, (gsize)n * n);
    for (guint i = 0; i < n; i++) {
        for (guint j = 0; j < n; j++)
            topology->slit[(gsize)i * n + j] = i == j ? SLIT_OWN : SLIT_OTHER;
    }
    struct hwloc_distances_s *matrices[8];
    unsigned n_matrices = G_N_ELEMENTS(matrices);
    if (hwloc_distances_get_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, &n_matrices, matrices,
                                    HWLOC_DISTANCES_KIND_FROM_OS | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0))
        return;
    bool taken = false;
    for (unsigned i = 0; i < MIN(n_matrices, G_N_ELEMENTS(matrices)); i++) {
        if (!taken && is_of_nodes(topology, matrices[i]) && has_slit_values(matrices[i])) {
            take_matrix(topology, matrices[i]);
            taken = true;
        }
        hwloc_distances_release(topology->hwloc, matrices[i]);
    }
}

bool
kt_topology_fill_nodes(KtTopology *topology, GError **error)
{
    int n = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE);
    if (n <= 0) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "the topology has no memory node");
        return false;
    }
    topology->n_nodes = (guint)n;
    topology->nodes = g_new0(KtNode, topology->n_nodes);
    bool any_memory = false;
    hwloc_obj_t object = NULL;
    for (guint i = 0; i < topology->n_nodes; i++) {
        object = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, object);
        if (object->os_index >= KT_CPUSET_MAX) {
            g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "memory node number %u is over %d", object->os_index,
                        KT_CPUSET_MAX - 1);
            return false;
        }
        topology->nodes[i].os = object->os_index;
        topology->nodes[i].memory_bytes = object->attr->numanode.local_memory;
        topology->nodes[i].cpus = hwloc_bitmap_alloc();
        any_memory |= topology->nodes[i].memory_bytes > 0;
    }
    for (guint i = 0; i < topology->n_nodes; i++)
        topology->nodes[i].has_memory = topology->nodes[i].memory_bytes > 0 || !any_memory;
    qsort(topology->nodes, topology->n_nodes, sizeof *topology->nodes, compare_nodes);
    fill_slit(topology);
    return true;
}

guint
kt_topology_nearest_node(const KtTopology *topology, const KtCpuset *local)
{
    gint nearest = -1;
    guint least = G_MAXUINT;
    for (guint to = 0; to < topology->n_nodes; to++) {
        if (!topology->nodes[to].has_memory)
            continue;
        if (hwloc_bitmap_isset(local, topology->nodes[to].os))
            return to; /* nodes are in the order of their numbers */
        guint distance = G_MAXUINT;
        for (guint from = 0; from < topology->n_nodes; from++) {
            if (hwloc_bitmap_isset(local, topology->nodes[from].os))
                distance = MIN(distance, topology->slit[(gsize)from * topology->n_nodes + to]);
        }
        if (nearest < 0 || distance < least) {
            nearest = (gint)to;
            least = distance;
        }
    }
    return (guint)MAX(nearest, 0);
}
