/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/topology.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "probes/cpu_list.h"
#include "probes/topology_parts.h"

#define ISOLATED_FILE "sys/devices/system/cpu/isolated"

void
kt_topology_add_files(const KtTopology *topology, GPtrArray *paths)
{
    for (guint i = 0; i < topology->files->len; i++)
        g_ptr_array_add(paths, g_strdup(g_ptr_array_index(topology->files, i)));
}

void
kt_topology_free(KtTopology *topology)
{
    if (!topology)
        return;
    if (topology->hwloc)
        hwloc_topology_destroy(topology->hwloc);
    for (guint i = 0; topology->cores && i < topology->n_cores; i++)
        kt_cpuset_free(topology->cores[i].cpus);
    for (guint i = 0; topology->groups && i < topology->n_groups; i++)
        kt_cpuset_free(topology->groups[i].cpus);
    for (guint i = 0; topology->nodes && i < topology->n_nodes; i++)
        kt_cpuset_free(topology->nodes[i].cpus);
    g_free(topology->pus);
    g_free(topology->pu_of_os);
    g_free(topology->cores);
    g_free(topology->groups);
    g_free(topology->nodes);
    g_free(topology->slit);
    g_free(topology->l3_bytes);
    g_free(topology->note);
    g_ptr_array_unref(topology->files);
    kt_cpuset_free(topology->online);
    kt_cpuset_free(topology->placeable);
    kt_cpuset_free(topology->isolated);
    g_free(topology);
}

/* An hwloc topology that isn't loaded yet. */
static KtTopology *
new_topology(void)
{
    KtTopology *topology = g_new0(KtTopology, 1);
    topology->files = g_ptr_array_new_with_free_func(g_free);
    int failed = hwloc_topology_init(&topology->hwloc);
    g_assert(!failed); /* out of memory only */
    /* Else the caller's own cpuset would be taken for the machine (safety rule 9). */
    hwloc_topology_set_flags(topology->hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    /* All devices, not only those that hwloc finds important: any may be passed through to a guest. */
    hwloc_topology_set_type_filter(topology->hwloc, HWLOC_OBJ_PCI_DEVICE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology->hwloc, HWLOC_OBJ_BRIDGE, HWLOC_TYPE_FILTER_KEEP_ALL);
    return topology;
}

/* Loads what was set as the source and fills the arrays; all online CPUs are placeable. @root: whose sysfs
 * tells of caches too, or NULL. @origin: for messages. */
static bool
load(KtTopology *topology, const KtRoot *root, const char *origin, GError **error)
{
    if (hwloc_topology_load(topology->hwloc)) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: hwloc can't read this topology", origin);
        return false;
    }
    if (!kt_topology_fill_nodes(topology, error) || !kt_topology_fill_pus(topology, error)) {
        g_prefix_error(error, "%s: ", origin);
        return false;
    }
    if (root && !kt_topology_check_l3(topology, root, error))
        return false;
    kt_topology_fill_groups(topology);
    topology->placeable = hwloc_bitmap_dup(topology->online);
    topology->isolated = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_pus; i++)
        topology->pus[i].placeable = true;
    return true;
}

/* Safety rule 9. */
static void
take_placeable(KtTopology *topology, const KtCgroup *cgroup)
{
    if (cgroup && cgroup->machine_cpus && hwloc_bitmap_intersects(cgroup->machine_cpus, topology->online))
        hwloc_bitmap_and(topology->placeable, topology->online, cgroup->machine_cpus);
    for (guint i = 0; i < topology->n_pus; i++)
        topology->pus[i].placeable = hwloc_bitmap_isset(topology->placeable, topology->pus[i].os);
}

static bool
read_isolated(KtTopology *topology, const KtRoot *root, GError **error)
{
    g_autoptr(KtCpuset) set = NULL;
    g_ptr_array_add(topology->files, g_strdup(ISOLATED_FILE));
    if (!kt_cpu_list_read(root, ISOLATED_FILE, &set, error))
        return false;
    if (set)
        hwloc_bitmap_and(topology->isolated, topology->online, set);
    for (guint i = 0; i < topology->n_pus; i++)
        topology->pus[i].isolated = hwloc_bitmap_isset(topology->isolated, topology->pus[i].os);
    return true;
}

static bool
set_xml(KtTopology *topology, const char *text, const char *origin, GError **error)
{
    g_autofree char *xml = kt_topology_xml_check(text, error);
    if (!xml) {
        g_prefix_error(error, "%s: ", origin);
        return false;
    }
    /* The size counts the final NUL. */
    if (hwloc_topology_set_xmlbuffer(topology->hwloc, xml, (int)strlen(xml) + 1)) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: this is no topology in hwloc's XML", origin);
        return false;
    }
    return true;
}

/* Makes @root's topology.xml the source. */
static bool
set_file(KtTopology *topology, const KtRoot *root, const char *shown, GError **error)
{
    g_autofree char *xml = NULL;
    if (!kt_root_read(root, KT_TOPOLOGY_FILE, &xml, error))
        return false;
    if (!xml) {
        kt_set_error_errno(error, ENOENT, "%s", shown);
        return false;
    }
    return set_xml(topology, xml, shown, error);
}

KtTopology *
kt_topology_read(const KtRoot *root, const KtCgroup *cgroup, GError **error)
{
    g_autoptr(KtTopology) topology = new_topology();
    g_autofree char *origin =
        kt_root_is_live(root) ? g_strdup("this machine") : kt_root_describe(root, KT_TOPOLOGY_FILE);
    if (!kt_root_is_live(root) && !set_file(topology, root, origin, error))
        return NULL;
    if (!load(topology, root, origin, error) || !read_isolated(topology, root, error))
        return NULL;
    take_placeable(topology, cgroup);
    return g_steal_pointer(&topology);
}

KtTopology *
kt_topology_from_xml(const char *xml, const char *origin, GError **error)
{
    g_autoptr(KtTopology) topology = new_topology();
    if (!set_xml(topology, xml, origin, error) || !load(topology, NULL, origin, error))
        return NULL;
    return g_steal_pointer(&topology);
}

KtTopology *
kt_topology_from_synthetic(const char *description, GError **error)
{
    g_autoptr(KtTopology) topology = new_topology();
    if (hwloc_topology_set_synthetic(topology->hwloc, description)) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' is no synthetic topology", description);
        return NULL;
    }
    return load(topology, NULL, description, error) ? g_steal_pointer(&topology) : NULL;
}

gint
kt_topology_pci_node(const KtTopology *topology, const char *address)
{
    hwloc_obj_t device = hwloc_get_pcidev_by_busidstring(topology->hwloc, address);
    hwloc_obj_t place = device ? hwloc_get_non_io_ancestor_obj(topology->hwloc, device) : NULL;
    if (!place || !place->nodeset)
        return -1;
    /* Near to everything: hwloc hangs a device there whose place the firmware doesn't tell. */
    if (topology->n_nodes > 1 && (guint)hwloc_bitmap_weight(place->nodeset) >= topology->n_nodes)
        return -1;
    return (gint)kt_topology_nearest_node(topology, place->nodeset);
}

/* What stands for "the same L3" on this host. */
static bool
share_l3(const KtTopology *topology, const KtPu *a, const KtPu *b)
{
    if (topology->n_l3 > 0)
        return a->l3 >= 0 && a->l3 == b->l3;
    if (topology->n_packages > 0)
        return a->package >= 0 && a->package == b->package;
    return a->node == b->node;
}

double
kt_topology_distance(const KtTopology *topology, const KtPu *a, const KtPu *b)
{
    if (a->os == b->os)
        return 0;
    if (a->core == b->core)
        return 0.5;
    if (a->l2 >= 0 && a->l2 == b->l2)
        return 1;
    if (share_l3(topology, a, b))
        return 2;
    if (a->node == b->node)
        return 5;
    return 5.0 * topology->slit[(gsize)a->node * topology->n_nodes + b->node] / 10;
}
