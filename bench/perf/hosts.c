/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/hosts.h"

#include <string.h>

#include "tests/unit/tuners/shared_topologies.h"

typedef struct {
    const char *name;
    const char *synthetic;
    guint n_fast; /* cores of the faster kind, the first ones; 0 = all are alike */
} Described;

static const Described small[] = {
    {"4c", "core:4 pu:1", 0},
    {"2c2t", "core:2 pu:2", 0},
    {"8c", "core:8 pu:1", 0},
    {"4c2t", "core:4 pu:2", 0},
    {"2l3-2c2t", "pack:1 l3:2 core:2 pu:2", 0},
    {"2l3-4c", "l3:2 core:4 pu:1", 0},
    {"4l3-2c", "l3:4 core:2 pu:1", 0},
    {"2n2c2t", "pack:2 [numa] l3:1 core:2 pu:2", 0},
    {"2n2l3-2c", "pack:2 [numa] l3:2 core:2 pu:1", 0},
    {"4n2c", "node:4 core:2 pu:1", 0},
    {"2l2-2c", "pack:1 l3:2 l2:1 core:3 pu:1", 0},
    {"4l2-2c", "pack:2 l2:2 core:2 pu:1", 0},
    {"hybrid-8c", "l3:1 core:8 pu:1", 4},
    {"hybrid-4c2t", "l3:1 core:4 pu:2", 2},
};

static const Described own[] = {
    {"own-hybrid-24c", "pack:1 l3:1 l2:12 core:2 pu:1", 8},
    {"own-4n8c2t-no-l3", "pack:4 [numa] core:8 pu:2", 0},
    {"own-2n4l3-4c2t", "pack:2 [numa] l3:4 core:4 pu:2", 0},
};

void
host_free(Host *host)
{
    if (!host)
        return;
    ground_free(host->ground);
    kt_topology_free(host->topology);
    g_free(host->name);
    g_free(host);
}

static Host *
host_new(const char *name, KtTopology *topology, bool is_small)
{
    Host *host = g_new0(Host, 1);
    host->name = g_strdup(name);
    host->topology = topology;
    host->ground = ground_new(topology);
    host->small = is_small;
    return host;
}

static Host *
host_describe(const Described *described, bool is_small)
{
    g_autoptr(GError) error = NULL;
    KtTopology *topology = kt_topology_from_synthetic(described->synthetic, &error);
    g_assert_no_error(error);
    for (guint i = 0; described->n_fast > 0 && i < topology->n_pus; i++)
        topology->pus[i].kind = topology->pus[i].core < described->n_fast;
    topology->n_kinds = described->n_fast > 0 ? 2 : 1;
    return host_new(described->name, topology, is_small);
}

GPtrArray *
hosts_small(void)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
    for (guint i = 0; i < G_N_ELEMENTS(small); i++)
        g_ptr_array_add(hosts, host_describe(&small[i], true));
    return hosts;
}

static int
compare_sizes(gconstpointer a, gconstpointer b)
{
    const Host *host_a = *(Host *const *)a, *host_b = *(Host *const *)b;
    if (host_a->topology->n_pus != host_b->topology->n_pus)
        return host_a->topology->n_pus < host_b->topology->n_pus ? -1 : 1;
    return strcmp(host_a->name, host_b->name);
}

static void
add_samples(GPtrArray *hosts)
{
    g_autofree char *folder = shared_topologies_folder();
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    if (!directory) {
        g_printerr("%s isn't there (KT_SHARED): its hosts are left out\n", folder);
        return;
    }
    for (const char *file; (file = g_dir_read_name(directory));) {
        if (!g_str_has_suffix(file, ".xml"))
            continue;
        g_autofree char *path = g_build_filename(folder, file, NULL);
        g_autofree char *name = g_strndup(file, strlen(file) - strlen(".xml"));
        g_ptr_array_add(hosts, host_new(name, shared_topology_read(path), false));
    }
}

GPtrArray *
hosts_large(void)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
    add_samples(hosts);
    for (guint i = 0; i < G_N_ELEMENTS(own); i++)
        g_ptr_array_add(hosts, host_describe(&own[i], false));
    g_ptr_array_sort(hosts, compare_sizes);
    return hosts;
}

Mix *
host_mix(const Host *host, guint number)
{
    return mix_new(host->topology, host->small ? mix_small : mix_large, number);
}
