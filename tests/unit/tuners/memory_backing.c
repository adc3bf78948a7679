/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/memory_scene.h"

#define BACKING "memory.backing"
#define KSM "memory.ksm"
#define WISH_2M "[domain *]\nmemory.backing = hugepages-2M\n"
#define AUTO_2M "[host]\nhugepages.2M = auto\n"

static const KtAction *
expect_pages(const Scene *scene, const char *domain, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, domain, BACKING, NULL, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_HUGEPAGES);
    return action;
}

/* The pages of both come in one plan, on the node of the guest's CPUs. */
static void
test_staged_with_its_pool(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);

    scene_plan(scene, AUTO_2M WISH_2M);

    expect_pages(scene, "g", NULL, "hugepages-2M");
    scene_expect(scene, NULL, "hugepages.2M", "node 1", KT_WHEN_NOW, "0", "512");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    /* The pool is made first. */
    g_assert_cmpint(((const KtStep *)scene->plan->steps->pdata[0])->kind, ==, KT_STEP_SYSFS);
}

static void
test_as_wanted(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", HUGE_2M, 1);
    scene_add_memory_guest(scene, "h", "<memoryBacking><hugepages/></memoryBacking>", 1);

    scene_plan(scene, WISH_2M);

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_default(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", HUGE_2M, 1);

    scene_plan(scene, "[domain *]\nmemory.backing = default\n");

    expect_pages(scene, "g", "hugepages-2M", NULL);
}

static void
test_other_size(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", HUGE_2M, 1);

    scene_plan(scene, "[host]\nhugepages.1G = 1\n[domain *]\nmemory.backing = hugepages-1G\n");

    expect_pages(scene, "g", "hugepages-2M", "hugepages-1G");
}

/* A pool that isn't auto holds what it holds. */
static void
test_fixed_pool(void)
{
    static const struct {
        const char *host, *words;
    } pools[] = {
        {"", "512 pages are needed, the pools of node 0-1 have room for 0; say hugepages.2M = auto"},
        {"[host]\nhugepages.2M = 511\n", "have room for 511"},
        {"[host]\nhugepages.2M = 512\n", NULL},
        {"[host]\nhugepages.2M = 1:512\n", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(pools); i++) {
        g_autoptr(Scene) scene = scene_two_nodes();
        scene_add_memory_guest(scene, "g", ON_NODE_1, 1);
        g_autofree char *profile = g_strconcat(pools[i].host, WISH_2M, NULL);

        scene_plan(scene, profile);

        if (pools[i].words == NULL)
            expect_pages(scene, "g", NULL, "hugepages-2M");
        else
            scene_expect_refused(scene, "g", BACKING, NULL, pools[i].words);
    }
}

/* A guest that is bound to a node can't take pages of another. */
static void
test_fixed_pool_elsewhere(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "<numatune><memory mode='strict' nodeset='0'/></numatune>", 0);

    scene_plan(scene, "[host]\nhugepages.2M = 1:600\n" WISH_2M);

    scene_expect_refused(scene, "g", BACKING, NULL,
                         "512 pages are needed, the pools of node 0 have room for 0");
}

static void
test_fixed_pool_is_shared(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "a", HUGE_2M, 1);
    scene_add_memory_guest(scene, "b", "", 1);

    scene_plan(scene, "[host]\nhugepages.2M = 1000\n[domain b]\nmemory.backing = hugepages-2M\n");

    scene_expect_refused(scene, "b", BACKING, NULL,
                         "512 pages are needed, the pools of node 0-1 have room for 488");
}

/* Nothing is staged that the pool couldn't be made for. */
static void
test_no_free_memory(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).free_kib = 1500 * MIB;

    scene_plan(scene, "[host]\nhugepages.2M = auto\nmemory-reserve = 500MiB\n" WISH_2M);

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(
        scene, "g", BACKING, NULL,
        "1024 MiB of node 1 are needed, 1000 MiB are free now, less memory-reserve: the pool "
        "can't grow; power the guest off first");
}

static void
test_contradictions(void)
{
    static const struct {
        const char *rest, *words;
    } guests[] = {
        {"<memoryBacking><source type='file'/></memoryBacking>", "<source type='file'/>"},
        {"<memoryBacking><source type='anonymous'/></memoryBacking>", "anonymous"},
        {"<memoryBacking><allocation mode='ondemand'/></memoryBacking>", "ondemand"},
        {"<memoryBacking><access mode='shared'/></memoryBacking>", "NUMA cells"},
        {"<memoryBacking><hugepages><page size='2048' nodeset='0'/></hugepages></memoryBacking>",
         "single guest cells"},
        {"<cpu><numa><cell id='0' cpus='0' memory='1047553'/><cell id='1' cpus='1' memory='1023'/></numa></cpu>",
         "a guest cell's memory, 1047553 KiB"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(guests); i++) {
        g_autoptr(Scene) scene = scene_two_nodes();
        scene_add_memory_guest(scene, "g", guests[i].rest, -1);

        scene_plan(scene, AUTO_2M WISH_2M);

        g_assert_null(scene_action(scene, "g", BACKING, NULL, KT_WHEN_NEXT_BOOT));
        scene_expect_refused(scene, "g", BACKING, NULL, guests[i].words);
    }
}

static void
test_absent_size(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "", 1);
    g_array_set_size(scene->snapshot->pools->sizes, 1); /* 2 MiB only */

    scene_plan(scene, "[domain *]\nmemory.backing = hugepages-1G\n");

    scene_expect_refused(scene, "g", BACKING, NULL, "no huge pages of 1048576 KiB");
}

static void
test_no_mount(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "", 1);
    scene_add_memory_guest(scene, "h", "<memoryBacking><source type='memfd'/></memoryBacking>", 1);
    g_ptr_array_set_size(scene->snapshot->pools->mounts, 1); /* of the default size */

    scene_plan(scene, "[host]\nhugepages.1G = 2\n[domain *]\nmemory.backing = hugepages-1G\n");

    scene_expect_refused(scene, "g", BACKING, NULL, "no hugetlbfs of pages of 1048576 KiB is mounted");
    expect_pages(scene, "h", NULL, "hugepages-1G");
}

/* Nobody sets pages aside for a guest that doesn't start by itself. */
static void
test_shut_off(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autofree char *auto_xml = scene_xml("auto", 2, "", "");
    g_autofree char *other_xml = scene_xml("other", 2, "", "");
    scene_add(scene, NULL, auto_xml)->autostart = true;
    scene_add(scene, NULL, other_xml);

    scene_plan(scene, AUTO_2M WISH_2M);

    expect_pages(scene, "auto", NULL, "hugepages-2M");
    expect_pages(scene, "other", NULL, "hugepages-2M");
    g_assert_true(scene_has_note(scene, "other", "without 512 free ones it won't start"));
    g_assert_false(scene_has_note(scene, "auto", "won't start"));
    scene_expect(scene, NULL, "hugepages.2M", "node 0", KT_WHEN_NOW, "0", "256");
    scene_expect(scene, NULL, "hugepages.2M", "node 1", KT_WHEN_NOW, "0", "256");
}

/* Both settings of one guest: pages are wanted where it will be bound. */
static void
test_with_numa(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "", 1);

    scene_plan(scene, AUTO_2M WISH_2M "memory.numa = 1\n");

    scene_expect(scene, "g", "memory.numa", NULL, KT_WHEN_NEXT_BOOT, NULL, "strict 1");
    scene_expect(scene, NULL, "hugepages.2M", "node 1", KT_WHEN_NOW, "0", "512");
    g_assert_null(scene_action(scene, NULL, "hugepages.2M", "node 0", KT_WHEN_NOW));
}

/* ---- memory.ksm ---- */

static void
test_ksm(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "a", "", 1);
    scene_add_memory_guest(scene, "b", "<memoryBacking><nosharepages/></memoryBacking>", 1);

    scene_plan(scene, "[domain *]\nmemory.ksm = no\n");

    const KtAction *action = scene_expect(scene, "a", KSM, NULL, KT_WHEN_NEXT_BOOT, NULL, "no");
    g_assert_cmpint(action->field, ==, KT_XML_NOSHAREPAGES);
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_ksm_yes(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "a", "", 1);
    scene_add_memory_guest(scene, "b", "<memoryBacking><nosharepages/></memoryBacking>", 1);

    scene_plan(scene, "[domain *]\nmemory.ksm = yes\n");

    g_assert_nonnull(
        strstr(scene_expect(scene, "b", KSM, NULL, KT_WHEN_NEXT_BOOT, "no", NULL)->reason, "side channel"));
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_ksm_never_merges_these(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "a", "", 1);
    scene_add_memory_guest(scene, "b", HUGE_2M, 1);
    scene_add_memory_guest(scene, "c", "<memoryBacking><source type='memfd'/></memoryBacking>", 1);

    scene_plan(scene, "[host]\nksm.mode = on\n[domain *]\nmemory.ksm = yes\n");

    g_assert_false(scene_has_note(scene, "a", "never merge"));
    g_assert_true(scene_has_note(scene, "b", "huge pages never merge"));
    g_assert_true(scene_has_note(scene, "c", "memfd"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory-backing/with-its-pool", test_staged_with_its_pool);
    g_test_add_func("/memory-backing/as-wanted", test_as_wanted);
    g_test_add_func("/memory-backing/default", test_default);
    g_test_add_func("/memory-backing/other-size", test_other_size);
    g_test_add_func("/memory-backing/fixed-pool", test_fixed_pool);
    g_test_add_func("/memory-backing/fixed-pool/elsewhere", test_fixed_pool_elsewhere);
    g_test_add_func("/memory-backing/fixed-pool/shared", test_fixed_pool_is_shared);
    g_test_add_func("/memory-backing/auto-pool/no-free-memory", test_no_free_memory);
    g_test_add_func("/memory-backing/contradictions", test_contradictions);
    g_test_add_func("/memory-backing/absent-size", test_absent_size);
    g_test_add_func("/memory-backing/no-mount", test_no_mount);
    g_test_add_func("/memory-backing/shut-off", test_shut_off);
    g_test_add_func("/memory-backing/with-numa", test_with_numa);
    g_test_add_func("/memory-ksm/no", test_ksm);
    g_test_add_func("/memory-ksm/yes", test_ksm_yes);
    g_test_add_func("/memory-ksm/never-merges", test_ksm_never_merges_these);
    return g_test_run();
}
