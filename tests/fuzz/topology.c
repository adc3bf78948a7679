/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "probes/topology_parts.h"
#include "tests/fuzz/fuzz.h"

/** hwloc's XML, of a capture or from a stranger: what loads is a topology on which placement can rely. */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    return 0;
}

static void
check_pu(const KtTopology *topology, const KtPu *pu)
{
    g_assert_cmpuint(pu->core, <, topology->n_cores);
    g_assert_cmpint(pu->l2, <, (gint)topology->n_l2);
    g_assert_cmpint(pu->l3, <, (gint)topology->n_l3);
    g_assert_cmpint(pu->die, <, (gint)topology->n_dies);
    g_assert_cmpint(pu->package, <, (gint)topology->n_packages);
    g_assert_cmpuint(pu->group, <, topology->n_groups);
    g_assert_cmpuint(pu->node, <, topology->n_nodes);
    g_assert_true(kt_topology_pu(topology, pu->os) == pu);
    g_assert_true(hwloc_bitmap_isset(topology->online, pu->os));
    g_assert_true(hwloc_bitmap_isset(topology->groups[pu->group].cpus, pu->os));
    double distance = kt_topology_distance(topology, pu, &topology->pus[0]);
    g_assert_true(isfinite(distance) && distance >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *xml = fuzz_text(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtTopology) topology = kt_topology_from_xml(xml, "fuzz", &error);
    fuzz_check_error(topology != NULL, error);
    if (!topology)
        return 0;
    g_assert_cmpuint(topology->n_pus, >, 0);
    g_assert_cmpuint(topology->n_nodes, >, 0);
    for (guint i = 0; i < topology->n_pus; i++)
        check_pu(topology, &topology->pus[i]);
    kt_topology_pci_node(topology, "0000:3b:00.0");
    return 0;
}
