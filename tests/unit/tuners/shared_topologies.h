/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>

#include "probes/cgroup.h"
#include "probes/topology.h"

/** The sample topologies that lie beside the source, found by KT_SHARED. */

static inline KtTopology *
shared_topology_read(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_dir_make_tmp("kt-topology-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *copy = g_build_filename(directory, "topology.xml", NULL);
    g_autofree char *text = NULL;
    gsize length;
    g_file_get_contents(path, &text, &length, &error);
    g_assert_no_error(error);
    g_file_set_contents(copy, text, (gssize)length, &error);
    g_assert_no_error(error);
    g_autoptr(KtRoot) root = kt_root_open(directory, &error);
    g_assert_no_error(error);
    g_autoptr(KtCgroup) cgroup = kt_cgroup_read(root, &error);
    g_assert_no_error(error);
    KtTopology *topology = kt_topology_read(root, cgroup, &error);
    g_assert_no_error(error);
    g_remove(copy);
    g_rmdir(directory);
    return topology;
}

/** Where they are, or would be. Owned. */
static inline char *
shared_topologies_folder(void)
{
    const char *shared = g_getenv("KT_SHARED");
    return shared ? g_build_filename(shared, "topologies", NULL)
                  : g_build_filename(KT_SOURCE_DIR, "..", "shared", "topologies", NULL);
}

/** Calls @check with each of them, which takes it over; without any the test is skipped. */
static inline void
shared_topologies_each(void (*check)(KtTopology *topology, gconstpointer data), gconstpointer data)
{
    g_autofree char *folder = shared_topologies_folder();
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    if (!directory) {
        g_test_skip("no sample topologies (KT_SHARED)");
        return;
    }
    for (const char *name; (name = g_dir_read_name(directory));) {
        if (!g_str_has_suffix(name, ".xml"))
            continue;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_test_message("%s", name);
        check(shared_topology_read(path), data);
    }
}
