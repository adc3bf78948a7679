/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <hwloc.h>

#include "probes/topology.h"
#include "tests/unit/fake_root.h"

/** hwloc's XML of a synthetic topology, with the SLIT of its nodes where that isn't NULL. Owned. */
static inline char *
fake_topology_xml(const char *description, hwloc_uint64_t *slit)
{
    hwloc_topology_t topology;
    g_assert_cmpint(hwloc_topology_init(&topology), ==, 0);
    g_assert_cmpint(hwloc_topology_set_synthetic(topology, description), ==, 0);
    g_assert_cmpint(hwloc_topology_load(topology), ==, 0);
    if (slit) {
        unsigned n = (unsigned)hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
        g_autofree hwloc_obj_t *nodes = g_new(hwloc_obj_t, n);
        for (unsigned i = 0; i < n; i++)
            nodes[i] = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, i);
        hwloc_distances_add_handle_t handle = hwloc_distances_add_create(
            topology, "NUMALatency", HWLOC_DISTANCES_KIND_FROM_OS | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0);
        g_assert_cmpint(hwloc_distances_add_values(topology, handle, n, nodes, slit, 0), ==, 0);
        g_assert_cmpint(hwloc_distances_add_commit(topology, handle, 0), ==, 0);
    }
    char *buffer;
    int length;
    g_assert_cmpint(hwloc_topology_export_xmlbuffer(topology, &buffer, &length, 0), ==, 0);
    char *xml = g_strdup(buffer);
    hwloc_free_xmlbuffer(topology, buffer);
    hwloc_topology_destroy(topology);
    return xml;
}

/** A fake host with this topology and these files. */
static inline FakeHost *
fake_topology_host(const char *description, const FakeFile *files)
{
    g_autofree char *xml = fake_topology_xml(description, NULL);
    FakeHost *host = fake_host_new(files);
    fake_host_write(host, KT_TOPOLOGY_FILE, xml);
    return host;
}

/** Asserts that @set is the kernel list @list. */
#define assert_cpus(set, list)                                                                               \
    do {                                                                                                     \
        g_autofree char *assert_cpus_text = kt_cpuset_format(set);                                           \
        g_assert_cmpstr(assert_cpus_text, ==, list);                                                         \
    } while (0)
