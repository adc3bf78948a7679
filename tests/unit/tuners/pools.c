/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/memory_scene.h"

#define POOL_2M "hugepages.2M"

static const KtAction *
expect_pool(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, NULL, POOL_2M, item, KT_WHEN_NOW, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_SYSFS);
    return action;
}

static KtPool *
pool(Scene *scene, guint node)
{
    for (guint i = 0; i < scene->snapshot->pools->pools->len; i++) {
        KtPool *one = &g_array_index(scene->snapshot->pools->pools, KtPool, i);
        if (one->node == node && one->page_kib == KT_PAGE_2M_KIB)
            return one;
    }
    g_assert_not_reached();
}

static void
fill(Scene *scene, guint node, gint64 total, gint64 free)
{
    *pool(scene, node) = (KtPool){.node = node, .page_kib = KT_PAGE_2M_KIB, .total = total, .free = free};
}

/* ---- counts ---- */

static void
test_count_is_split(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();

    scene_plan(scene, "[host]\nhugepages.2M = 101\n");

    g_assert_cmpstr(expect_pool(scene, "node 0", "0", "51")->path, ==,
                    "sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
    expect_pool(scene, "node 1", "0", "50");
}

/* A node that uses more than its part keeps it, the other gets that much less. */
static void
test_split_above_what_is_used(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 90, 10);

    scene_plan(scene, "[host]\nhugepages.2M = 100\n");

    expect_pool(scene, "node 0", "90", "80");
    expect_pool(scene, "node 1", "0", "20");
}

static void
test_by_node(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 7, 7);

    scene_plan(scene, "[host]\nhugepages.2M = 1:20\n");

    expect_pool(scene, "node 1", "0", "20");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_as_wanted(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 7, 7);

    scene_plan(scene, "[host]\nhugepages.2M = 0:7 1:0\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_unknown_node(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();

    scene_plan(scene, "[host]\nhugepages.2M = 0:10 3:10\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, POOL_2M, NULL,
                         "no memory node 3 with such a pool: its nodes with memory are 0-1");
}

static void
test_fewer_than_used(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 60, 20);

    scene_plan(scene, "[host]\nhugepages.2M = 0:39\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, POOL_2M, NULL,
                         "39 pages on node 0 are fewer than the 40 that are in use");
}

/* Promised pages aren't in use yet, and spoken for all the same. */
static void
test_fewer_than_promised(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 60, 20);
    g_array_index(scene->snapshot->pools->sizes, KtPageSize, 0).reserved = 15;

    scene_plan(scene, "[host]\nhugepages.2M = 50\n");

    scene_expect_refused(scene, NULL, POOL_2M, NULL,
                         "50 pages are fewer than the 55 that are in use or promised");
}

/* 3000 MiB are free, 2900 with the reserve: 1450 pages. */
static void
test_free_memory(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();

    scene_plan(scene, "[host]\nmemory-reserve = 100MiB\nhugepages.2M = 0:1450 1:1451\n");

    expect_pool(scene, "node 0", "0", "1450");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    scene_expect_refused(scene, NULL, POOL_2M, "node 1", "2902 MiB of node 1 are needed, 2900 MiB are free");
}

/* Both sizes take of the same memory. */
static void
test_two_sizes(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();

    scene_plan(scene, "[host]\nhugepages.2M = 0:1000\nhugepages.1G = 0:1\n");

    expect_pool(scene, "node 0", "0", "1000");
    scene_expect_refused(scene, NULL, "hugepages.1G", "node 0",
                         "1024 MiB of node 0 are needed, 1000 MiB are free");
}

/* Memory that guests are bound to is no place for a pool, even while they don't use it. */
static void
test_bound_memory(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 0).free_kib = 4096 * MIB;
    scene_add_memory_guest(scene, "g", "<numatune><memory mode='strict' nodeset='0'/></numatune>", 0);

    scene_plan(scene, "[host]\nhugepages.2M = 0:1537\n");

    scene_expect_refused(scene, NULL, POOL_2M, "node 0",
                         "3074 MiB of node 0 are needed, 3072 MiB are left of its size");
}

/* Pages that go as soon as nobody uses them are none that the pool has. */
static void
test_surplus(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 10, 0);
    pool(scene, 0)->surplus = 3;

    scene_plan(scene, "[host]\nhugepages.2M = 0:10\n");

    expect_pool(scene, "node 0", "7", "10");
}

static void
test_surplus_elsewhere(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 0, 10, 0);
    pool(scene, 0)->surplus = 3;

    scene_plan(scene, "[host]\nhugepages.2M = 1:20\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, POOL_2M, "node 1", "3 pages of node 0 are in use beyond its pool");
}

static void
test_absent_size(void)
{
    g_autoptr(Scene) scene = scene_new("node:2 core:2 pu:1");

    scene_plan(scene, "[host]\nhugepages.2M = 1\nhugepages.1G = auto\n");

    scene_expect_refused(scene, NULL, POOL_2M, NULL, "no huge pages of 2048 KiB");
    scene_expect_refused(scene, NULL, "hugepages.1G", NULL, "no huge pages of 1048576 KiB");
}

static void
test_kernel_without_numa(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:2 pu:1");
    scene_node(scene, 0, 4096, 3000);
    scene_pool(scene, 0, KT_PAGE_2M_KIB, 0, 0);
    pool(scene, 0)->whole_host = true;

    scene_plan(scene, "[host]\nhugepages.2M = 3\n");

    g_assert_cmpstr(expect_pool(scene, "node 0", "0", "3")->path, ==,
                    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
}

static void
test_remote(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene->snapshot->host_is_local = false;

    scene_plan(scene, "[host]\nhugepages.2M = 3\n");

    scene_expect_refused(scene, NULL, POOL_2M, NULL, "another host");
}

/* ---- auto ---- */

/* Who binds its memory gets pages there; whose CPUs are on one node there; else both nodes give half. */
static void
test_auto_by_node(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).free_kib = 4000 * MIB;
    scene_add_memory_guest(scene, "a", HUGE_2M "<numatune><memory mode='strict' nodeset='1'/></numatune>",
                           -1);
    scene_add_memory_guest(scene, "b", HUGE_2M ON_NODE_1, -1);
    scene_add_memory_guest(scene, "c", HUGE_2M, -1);

    scene_plan(scene, "[host]\nhugepages.2M = auto\n");

    expect_pool(scene, "node 0", "0", "256");
    expect_pool(scene, "node 1", "0", "1280");
}

/* Each guest cell where its memnode says, with the pages that are for it. */
static void
test_auto_by_cell(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(
        scene, "g",
        "<memoryBacking><hugepages><page size='2048' nodeset='1'/><page size='1' unit='G' nodeset='0'/></hugepages>"
        "</memoryBacking><cpu><numa><cell id='0' cpus='0' memory='1048576'/><cell id='1' cpus='1' memory='204800'/>"
        "</numa></cpu><numatune><memnode cellid='0' mode='strict' nodeset='1'/><memnode cellid='1' mode='strict' "
        "nodeset='0'/></numatune>",
        -1);

    scene_plan(scene, "[host]\nhugepages.2M = auto\nhugepages.1G = auto\n");

    expect_pool(scene, "node 0", "0", "100");
    scene_expect(scene, NULL, "hugepages.1G", "node 1", KT_WHEN_NOW, "0", "1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
}

/* A guest that has its pages needs the same ones next time. Who else uses pages keeps them. */
static void
test_auto_counts_once(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 1, 700, 88); /* 612 used: 512 by the guest, 100 by others */
    scene_add_memory_guest(scene, "g", HUGE_2M ON_NODE_1, -1);

    scene_plan(scene, "[host]\nhugepages.2M = auto\n");

    expect_pool(scene, "node 1", "700", "612");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

/* What is staged to be without them still has them. */
static void
test_auto_keeps_what_is_used(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 1, 600, 88);
    g_autofree char *live = scene_xml("g", 2, HUGE_2M ON_NODE_1, "");
    g_autofree char *staged = scene_xml("g", 2, ON_NODE_1, "");
    scene_add(scene, live, staged);

    scene_plan(scene, "[host]\nhugepages.2M = auto\n");

    expect_pool(scene, "node 1", "600", "512");
}

static void
test_auto_shut_off(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autofree char *starts = scene_xml("starts", 2, HUGE_2M, "");
    g_autofree char *waits = scene_xml("waits", 2, HUGE_2M, "");
    scene_add(scene, NULL, starts)->autostart = true;
    scene_add(scene, NULL, waits);

    scene_plan(scene, "[host]\nhugepages.2M = auto\n");

    expect_pool(scene, "node 0", "0", "256");
    expect_pool(scene, "node 1", "0", "256");
}

static void
test_auto_has_no_memory(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", HUGE_2M ON_NODE_1, -1);

    scene_plan(scene, "[host]\nhugepages.2M = auto\nmemory-reserve = 2000MiB\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, POOL_2M, "node 1", "1024 MiB of node 1 are needed, 1000 MiB are free");
}

static void
test_auto_second_plan(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    fill(scene, 1, 512, 512);
    scene_add_memory_guest(scene, "g", HUGE_2M ON_NODE_1, -1);
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).free_kib = 0;

    scene_plan(scene, "[host]\nhugepages.2M = auto\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pools/count/split", test_count_is_split);
    g_test_add_func("/pools/count/above-used", test_split_above_what_is_used);
    g_test_add_func("/pools/by-node", test_by_node);
    g_test_add_func("/pools/as-wanted", test_as_wanted);
    g_test_add_func("/pools/unknown-node", test_unknown_node);
    g_test_add_func("/pools/fewer-than-used", test_fewer_than_used);
    g_test_add_func("/pools/fewer-than-promised", test_fewer_than_promised);
    g_test_add_func("/pools/free-memory", test_free_memory);
    g_test_add_func("/pools/two-sizes", test_two_sizes);
    g_test_add_func("/pools/bound-memory", test_bound_memory);
    g_test_add_func("/pools/surplus", test_surplus);
    g_test_add_func("/pools/surplus/elsewhere", test_surplus_elsewhere);
    g_test_add_func("/pools/absent-size", test_absent_size);
    g_test_add_func("/pools/kernel-without-numa", test_kernel_without_numa);
    g_test_add_func("/pools/remote", test_remote);
    g_test_add_func("/pools/auto/by-node", test_auto_by_node);
    g_test_add_func("/pools/auto/by-cell", test_auto_by_cell);
    g_test_add_func("/pools/auto/counts-once", test_auto_counts_once);
    g_test_add_func("/pools/auto/keeps-used", test_auto_keeps_what_is_used);
    g_test_add_func("/pools/auto/shut-off", test_auto_shut_off);
    g_test_add_func("/pools/auto/no-memory", test_auto_has_no_memory);
    g_test_add_func("/pools/auto/second-plan", test_auto_second_plan);
    return g_test_run();
}
