/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/memory_scene.h"

#define NUMA "memory.numa"
#define CELLS                                                                                                \
    "<cpu><numa><cell id='0' cpus='0' memory='524288' unit='KiB'/>"                                          \
    "<cell id='1' cpus='1' memory='524288' unit='KiB'/></numa></cpu>"
#define APART "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='2'/></cputune>"
#define MEMNODE(cell, mode, node) "<memnode cellid='" cell "' mode='" mode "' nodeset='" node "'/>"

static Scene *
scene_of_cells(const char *rest)
{
    Scene *scene = scene_two_nodes();
    g_autofree char *all = g_strconcat(CELLS, rest, NULL);
    scene_add_memory_guest(scene, "g", all, -1);
    return scene;
}

static const KtAction *
expect_cell(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "g", NUMA, item, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_MEMNODE);
    return action;
}

static void
expect_whole(const Scene *scene, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "g", NUMA, NULL, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->field, ==, KT_XML_NUMATUNE);
}

/* ---- what is staged ---- */

static void
test_follow_cpu(void)
{
    g_autoptr(Scene) scene = scene_of_cells(APART);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    g_assert_cmpint(expect_cell(scene, "cell 0", NULL, "preferred 0")->risk, ==, KT_RISK_NONE);
    expect_cell(scene, "cell 1", NULL, "preferred 1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    g_assert_cmpuint(scene->plan->domains[0].notes->len, ==, 1);
    g_assert_true(scene_has_note(scene, "g", "memory of single guest cells isn't moved now"));
}

static void
test_strict(void)
{
    g_autoptr(Scene) scene = scene_of_cells(APART);

    scene_plan(scene, "[domain *]\nmemory.numa = strict\n");

    expect_whole(scene, NULL, "strict 0-1");
    const KtAction *action = expect_cell(scene, "cell 0", NULL, "strict 0");
    g_assert_cmpint(action->risk, ==, KT_RISK_MEDIUM);
    g_assert_nonnull(strstr(action->reason, "512 MiB come from node 0"));
    expect_cell(scene, "cell 1", NULL, "strict 1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
}

/* What one policy or the other says of the whole guest gives way to the cells' own, and others of the cells
 * too. */
static void
test_others_go(void)
{
    g_autoptr(Scene) scene = scene_of_cells("<numatune><memory mode='interleave' nodeset='0-1'/>" MEMNODE(
        "1", "strict", "0") "</numatune>" APART);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_whole(scene, "interleave 0-1", NULL);
    expect_cell(scene, "cell 0", NULL, "preferred 0");
    expect_cell(scene, "cell 1", "strict 0", "preferred 1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
}

/* One node for all, or one policy that was named, needs no word for single cells. */
static void
test_one_policy(void)
{
    static const struct {
        const char *rest, *wish, *to;
    } cases[] = {
        {ON_NODE_1, "follow-cpu", "preferred 1"},
        {APART, "interleave", "interleave 0-1"},
        {APART, "1", "strict 1"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *rest =
            g_strconcat("<numatune>" MEMNODE("0", "preferred", "0") "</numatune>", cases[i].rest, NULL);
        g_autoptr(Scene) scene = scene_of_cells(rest);
        g_autofree char *profile = g_strconcat("[domain *]\nmemory.numa = ", cases[i].wish, "\n", NULL);
        scene_plan(scene, profile);
        expect_whole(scene, NULL, cases[i].to);
        expect_cell(scene, "cell 0", "preferred 0", NULL);
        g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    }
}

static void
test_as_wanted(void)
{
    static const char *const profiles[] = {"[domain *]\nmemory.numa = follow-cpu\n",
                                           "[domain *]\nmemory.numa = strict\n"};
    for (guint i = 0; i < G_N_ELEMENTS(profiles); i++) {
        g_autoptr(Scene) first =
            scene_of_cells("<numatune><memory mode='preferred' nodeset='1'/></numatune>" APART);
        scene_plan(first, profiles[i]);
        g_autofree char *xml = scene_staged_xml(first, 0);
        g_autoptr(Scene) second = scene_two_nodes();
        scene_add(second, xml, xml);
        scene_plan(second, profiles[i]);
        g_assert_cmpuint(first->plan->actions->len, ==, 3);
        g_assert_cmpuint(second->plan->actions->len, ==, 0);
        g_assert_cmpuint(second->plan->refused->len, ==, 0);
    }
}

/* A cell whose CPUs are on both nodes has nothing to prefer, but can be bound; one without CPUs can be
 * neither. */
static void
test_cells_of_several_nodes(void)
{
    static const char rest[] =
        "<cpu><numa><cell id='0' cpus='0' memory='262144'/>"
        "<cell id='1' cpus='1-2' memory='262144'/><cell id='2' memory='262144'/></numa>"
        "</cpu><cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/>"
        "<vcpupin vcpu='2' cpuset='2'/></cputune>";
    g_autoptr(Scene) follow = scene_two_nodes();
    g_autoptr(Scene) strict = scene_two_nodes();
    scene_add_guest(follow, "g", 3, rest, "");
    scene_add_guest(strict, "g", 3, rest, "");

    scene_plan(follow, "[domain *]\nmemory.numa = follow-cpu\n");
    scene_plan(strict, "[domain *]\nmemory.numa = strict\n");

    expect_cell(follow, "cell 0", NULL, "preferred 0");
    g_assert_cmpuint(follow->plan->actions->len, ==, 1);
    g_assert_true(
        scene_has_note(follow, "g", "nothing to prefer for guest cell 1: its CPUs are on nodes 0-1"));
    expect_whole(strict, NULL, "strict 0-1");
    expect_cell(strict, "cell 0", NULL, "strict 0");
    expect_cell(strict, "cell 1", NULL, "strict 0-1");
    g_assert_cmpuint(strict->plan->actions->len, ==, 3);
}

/* ---- what stands against it ---- */

/* Node 1 is too small for its cell, though both nodes together have room for all. */
static void
test_no_room(void)
{
    g_autoptr(Scene) scene = scene_of_cells(APART);
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).total_kib = 256 * MIB;

    scene_plan(scene, "[domain *]\nmemory.numa = strict\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "g", NUMA, NULL, "512 MiB of node 1 are needed");
}

/* What only prefers needs no pool. */
static void
test_no_pool(void)
{
    g_autoptr(Scene) scene = scene_of_cells(HUGE_2M APART);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_cell(scene, "cell 0", NULL, "preferred 0");
    expect_cell(scene, "cell 1", NULL, "preferred 1");
    g_assert_cmpuint(scene_count_refused(scene, "g", NUMA, NULL), ==, 0);
}

static void
test_numad(void)
{
    static const char xml[] = "<domain type='kvm'><name>g</name><memory unit='KiB'>1048576</memory>"
                              "<vcpu placement='auto'>2</vcpu>" APART CELLS "</domain>";
    g_autoptr(Scene) follow = scene_two_nodes();
    g_autoptr(Scene) strict = scene_two_nodes();
    scene_add(follow, xml, xml);
    scene_add(strict, xml, xml);

    scene_plan(follow, "[domain *]\nmemory.numa = follow-cpu\n");
    scene_plan(strict, "[domain *]\nmemory.numa = strict\n");

    scene_expect_refused(follow, "g", NUMA, NULL, "where numad advises");
    g_assert_cmpuint(follow->plan->actions->len, ==, 0);
    expect_whole(strict, NULL, "strict 0-1");
}

/* ---- what it meets elsewhere ---- */

/* A saved image doesn't fit cells of another making: nothing of it comes with a pause. */
static void
test_ways(void)
{
    static const struct {
        const char *disruption;
        guint n;
    } cases[] = {{"pause", 0}, {"restart", 3}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_of_cells(APART);
        g_autofree char *profile =
            g_strconcat("[domain *]\nmemory.numa = strict\ndisruption = ", cases[i].disruption, "\n", NULL);
        scene_plan(scene, profile);
        guint n = 0;
        for (guint j = 0; j < scene->plan->actions->len; j++)
            n += ((const KtAction *)scene->plan->actions->pdata[j])->when == KT_WHEN_RESTART;
        g_assert_cmpuint(n, ==, cases[i].n);
        g_assert_cmpuint(scene->plan->actions->len, ==, 3 + cases[i].n);
    }
}

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autofree char *live = scene_xml("g", 2, CELLS APART, "");
    g_autofree char *staged =
        scene_xml("g", 2, CELLS APART "<numatune>" MEMNODE("1", "preferred", "1") "</numatune>", "");
    scene_add(scene, live, staged);

    scene_plan(scene, "[domain *]\nmemory.ksm = yes\n");

    g_assert_cmpuint(scene->plan->domains[0].pending->len, ==, 1);
    const KtPending *pending = scene->plan->domains[0].pending->pdata[0];
    g_assert_cmpstr(pending->item, ==, "cell 1");
    g_assert_cmpstr(pending->live, ==, NULL);
    g_assert_cmpstr(pending->staged, ==, "preferred 1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory-cells/follow-cpu", test_follow_cpu);
    g_test_add_func("/memory-cells/strict", test_strict);
    g_test_add_func("/memory-cells/others-go", test_others_go);
    g_test_add_func("/memory-cells/one-policy", test_one_policy);
    g_test_add_func("/memory-cells/as-wanted", test_as_wanted);
    g_test_add_func("/memory-cells/several-nodes", test_cells_of_several_nodes);
    g_test_add_func("/memory-cells/no-room", test_no_room);
    g_test_add_func("/memory-cells/no-pool", test_no_pool);
    g_test_add_func("/memory-cells/numad", test_numad);
    g_test_add_func("/memory-cells/ways", test_ways);
    g_test_add_func("/memory-cells/pending", test_pending);
    return g_test_run();
}
