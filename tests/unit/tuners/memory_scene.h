/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/tuners/scene.h"
#include "tuners/memory_needs.h"

#define MIB 1024
#define ON_NODE_0 "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>"
#define ON_NODE_1 "<cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='3'/></cputune>"
#define HUGE_2M "<memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages></memoryBacking>"

/** What a node of the scene has. */
static inline void
scene_node(Scene *scene, guint os, gint64 total_mib, gint64 free_mib)
{
    KtNodeMemory node = {.os = os, .total_kib = total_mib * MIB, .free_kib = free_mib * MIB};
    g_array_append_val(scene->snapshot->memory->nodes, node);
}

/** The pool of one node; the host's sums follow. Give nodes in order. */
static inline void
scene_pool(Scene *scene, guint node, guint64 page_kib, gint64 total, gint64 free)
{
    KtPools *pools = scene->snapshot->pools;
    KtPool pool = {.node = node, .page_kib = page_kib, .total = total, .free = free};
    g_array_append_val(pools->pools, pool);
    if (kt_pools_size(pools, page_kib) == NULL) {
        KtPageSize size = {.page_kib = page_kib};
        g_array_append_val(pools->sizes, size);
    }
    for (guint i = 0; i < pools->sizes->len; i++) {
        KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        size->total += size->page_kib == page_kib ? total : 0;
        size->free += size->page_kib == page_kib ? free : 0;
    }
}

/** A hugetlbfs; 0 = of the default size. */
static inline void
scene_mount(Scene *scene, guint64 page_kib)
{
    KtHugetlbMount *mount = g_new0(KtHugetlbMount, 1);
    mount->directory = g_strdup("/dev/hugepages");
    mount->page_kib = page_kib;
    g_ptr_array_add(scene->snapshot->pools->mounts, mount);
}

/** Two nodes of 4096 MiB with CPUs 0-1 and 2-3, 3000 MiB free on each, empty pools of both sizes. */
static inline Scene *
scene_two_nodes(void)
{
    Scene *scene = scene_new("node:2 core:2 pu:1");
    scene->snapshot->pools->default_kib = KT_PAGE_2M_KIB;
    scene_mount(scene, 0);
    scene_mount(scene, KT_PAGE_1G_KIB);
    for (guint os = 0; os < 2; os++) {
        scene_node(scene, os, 4096, 3000);
        scene_pool(scene, os, KT_PAGE_2M_KIB, 0, 0);
        scene_pool(scene, os, KT_PAGE_1G_KIB, 0, 0);
    }
    return scene;
}

/** A running guest of 1 GiB with two vCPUs, whose memory is on @node (-1 = unknown). */
static inline KtDomain *
scene_add_memory_guest(Scene *scene, const char *name, const char *rest, gint node)
{
    KtDomain *domain = scene_add_guest(scene, name, 2, rest, "");
    if (node >= 0) {
        domain->n_memory = scene->snapshot->topology->n_nodes;
        domain->memory_kib = g_new0(gint64, domain->n_memory);
        domain->memory_kib[node] = 1024 * MIB;
    }
    return domain;
}
