/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/memory_scene.h"

#define NUMA "memory.numa"
#define NUMA_1(mode) "<numatune><memory mode='" mode "' nodeset='1'/></numatune>" ON_NODE_1

static const KtAction *
expect_staged(const Scene *scene, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "g", NUMA, NULL, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_NUMATUNE);
    return action;
}

static void
expect_nothing(const Scene *scene)
{
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

/* ---- what is staged ---- */

static void
test_follow_cpu(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_staged(scene, NULL, "preferred 1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

/* CPUs that this very plan gives count, not those of now. */
static void
test_follow_planned_cpu(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "", 1);

    scene_plan(scene, "[domain *]\ncpu.placement = numa\nmemory.numa = follow-cpu\n");

    expect_staged(scene, NULL, "preferred 1");
}

/* Where its CPUs are to bind it there has to be room for it. */
static void
test_strict_chooses_a_node_that_holds_it(void)
{
    /* Given a node of 512 MiB which is idle, and one that is large and busy. */
    g_autoptr(Scene) scene = scene_two_nodes();
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 0).total_kib = 512 * MIB;
    scene_add_memory_guest(scene, "g", "", -1);
    scene_add_guest(scene, "busy", 2, ON_NODE_1, "");

    scene_plan(scene, "[domain g]\ncpu.placement = numa\nmemory.numa = strict\n");

    expect_staged(scene, NULL, "strict 1");
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

/* Huge pages can't move, so CPUs don't leave them either. */
static void
test_huge_pages_keep_the_cpus(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", HUGE_2M, 1);
    scene_add_guest(scene, "busy", 2, ON_NODE_1, "");

    scene_plan(scene, "[domain g]\ncpu.placement = numa\n");

    g_autofree char *cpus = kt_cpuset_format(scene->plan->placement->seats[0].vcpus[0]);
    g_assert_cmpstr(cpus, ==, "2-3");
}

static void
test_follow_several_nodes(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "", 1);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_nothing(scene);
    g_assert_true(scene_has_note(scene, "g", "its CPUs are on nodes 0-1"));
}

static void
test_one_node(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_node(scene, 0, 4096, 3000);
    scene_add_memory_guest(scene, "g", ON_NODE_0, 0);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_nothing(scene);
}

static void
test_as_wanted(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", NUMA_1("preferred"), 1);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_nothing(scene);
}

static void
test_numad_is_replaced(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g",
                           "<numatune><memory mode='strict' placement='auto'/></numatune>" ON_NODE_1, 1);

    scene_plan(scene, "[domain *]\nmemory.numa = 1\n");

    expect_staged(scene, "strict auto", "strict 1");
}

static void
test_strict(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", NUMA_1("preferred"), 1);

    scene_plan(scene, "[domain *]\nmemory.numa = strict\n");

    g_assert_cmpint(expect_staged(scene, "preferred 1", "strict 1")->risk, ==, KT_RISK_MEDIUM);
}

/* 4096 MiB less 3500 are 596, the guest has 1024. */
static void
test_strict_leaves_the_reserve(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 0);

    scene_plan(scene, "[host]\nmemory-reserve = 3500MiB\n[domain *]\nmemory.numa = strict\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "g", NUMA, NULL, "1024 MiB of node 1 are needed, 596 MiB are left");
}

/* Three of 1024 MiB fit beside the reserve, the fourth doesn't: what is bound adds up over guests. */
static void
test_strict_adds_up(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "a", NUMA_1("strict"), 1);
    scene_add_memory_guest(scene, "b", ON_NODE_1, 1);
    scene_add_memory_guest(scene, "c", ON_NODE_1, 1);
    scene_add_memory_guest(scene, "d", ON_NODE_1, 1);

    scene_plan(scene, "[host]\nmemory-reserve = 512MiB\n[domain *]\nmemory.numa = strict\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    scene_expect_refused(scene, "d", NUMA, NULL, "1024 MiB of node 1 are needed, 512 MiB are left");
}

/* A pool isn't memory for ordinary pages. */
static void
test_strict_beside_a_pool(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_array_index(scene->snapshot->pools->pools, KtPool, 3).total = 3; /* node 1, 1 GiB each */
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);
    scene_add_memory_guest(scene, "h", ON_NODE_1, 1);

    scene_plan(scene, "[domain *]\nmemory.numa = strict\n");

    scene_expect(scene, "g", NUMA, NULL, KT_WHEN_NEXT_BOOT, NULL, "strict 1");
    scene_expect_refused(scene, "h", NUMA, NULL, "1024 MiB of node 1 are needed, 0 MiB are left");
}

/* Over two nodes it need not fit on one. */
static void
test_strict_over_two_nodes(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", "", 1);

    scene_plan(scene, "[host]\nmemory-reserve = 3500MiB\n[domain *]\nmemory.numa = strict\n");

    expect_staged(scene, NULL, "strict 0-1");
}

static void
test_unknown_size(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).total_kib = KT_ABSENT;
    scene->snapshot->topology->nodes[1].memory_bytes = 0;

    scene_plan(scene, "[domain *]\nmemory.numa = strict\n");

    scene_expect_refused(scene, "g", NUMA, NULL, "doesn't say how much memory node 1 has");
}

static void
test_node_list(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 0);

    scene_plan(scene, "[domain *]\nmemory.numa = 0\n");

    expect_staged(scene, NULL, "strict 0");
}

static void
test_absent_node(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 0);

    scene_plan(scene, "[domain *]\nmemory.numa = 1,4-5\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "g", NUMA, NULL, "no memory node 4-5: its nodes with memory are 0-1");
}

static void
test_interleave(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);

    scene_plan(scene, "[domain *]\nmemory.numa = interleave\n");

    expect_staged(scene, NULL, "interleave 0-1");
}

static void
test_shut_off(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autofree char *auto_xml = scene_xml("auto", 2, "", "");
    g_autofree char *other_xml = scene_xml("other", 2, "", "");
    scene_add(scene, NULL, auto_xml)->autostart = true;
    scene_add(scene, NULL, other_xml);

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_true(scene_has_note(scene, "auto", "nothing to prefer: its CPUs are on nodes 0-1"));
}

static void
test_transient_and_saved(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autofree char *xml = scene_xml("g", 2, ON_NODE_1, "");
    scene_add(scene, xml, NULL);
    scene_add_memory_guest(scene, "s", ON_NODE_1, 1)->managed_save = true;

    scene_plan(scene,
               "[domain *]\nmemory.numa = follow-cpu\nmemory.ksm = no\nmemory.backing = hugepages-2M\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "g", NUMA, NULL, "transient");
    scene_expect_refused(scene, "g", "memory.ksm", NULL, "transient");
    scene_expect_refused(scene, "g", "memory.backing", NULL, "transient");
    scene_expect_refused(scene, "s", NUMA, NULL, "saved image");
}

/* ---- pages that move now ---- */

static void
test_pages_move(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 0);

    scene_plan(scene, "[domain *]\ncpu.placement = numa\nmemory.numa = 1\n");

    const KtAction *action = scene_expect(scene, "g", NUMA, "pages", KT_WHEN_NOW, "0", "1");
    g_assert_cmpint(action->kind, ==, KT_STEP_PAGES);
    /* The plan's cost counts it: memory is where it goes, and 1 GiB moves. */
    const KtSeat *seat = &scene->plan->placement->seats[0];
    g_assert_nonnull(seat->memory_nodes);
    g_autofree char *nodes = kt_cpuset_format(seat->memory_nodes);
    g_assert_cmpstr(nodes, ==, "1");
    g_assert_cmpfloat(scene->plan->cost.moved_gib, ==, 1.0);
    g_assert_cmpfloat(scene->plan->cost_before.moved_gib, ==, 0.0);
    /* It is the last step: the definition may be refused without having disturbed the guest. */
    const KtStep *last = scene->plan->steps->pdata[scene->plan->steps->len - 1];
    g_assert_cmpint(last->kind, ==, KT_STEP_PAGES);
}

/* A few pages elsewhere are no reason. */
static void
test_few_pages_stay(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", NUMA_1("preferred"), 1)->memory_kib[0] = 20 * MIB;

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    expect_nothing(scene);
}

static void
test_pages_that_can_not_move(void)
{
    static const struct {
        const char *rest, *devices, *words;
    } guests[] = {
        {ON_NODE_1 "<numatune><memory mode='strict' nodeset='0'/></numatune>", "", "binds it elsewhere"},
        {ON_NODE_1 "<numatune><memory mode='interleave' nodeset='0-1'/></numatune>", "",
         "binds it elsewhere"},
        {ON_NODE_1 HUGE_2M, "", "huge pages"},
        {ON_NODE_1 "<memoryBacking><locked/></memoryBacking>", "", "locked"},
        {ON_NODE_1,
         "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x3b' slot='0' function='0'/>"
         "</source></hostdev>",
         "passed-through"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(guests); i++) {
        g_autoptr(Scene) scene = scene_two_nodes();
        KtDomain *domain = scene_add_guest(scene, "g", 2, guests[i].rest, guests[i].devices);
        domain->n_memory = 2;
        domain->memory_kib = g_new0(gint64, 2);
        domain->memory_kib[0] = 1024 * MIB;

        scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

        g_assert_nonnull(scene_action(scene, "g", NUMA, NULL, KT_WHEN_NEXT_BOOT));
        g_assert_null(scene_action(scene, "g", NUMA, "pages", KT_WHEN_NOW));
        g_assert_true(scene_has_note(scene, "g", guests[i].words));
        g_assert_null(scene->plan->placement->seats[0].memory_nodes);
    }
}

static void
test_pages_need_free_memory(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 0);
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).free_kib = 1500 * MIB;

    scene_plan(scene, "[host]\nmemory-reserve = 500MiB\n[domain *]\nmemory.numa = follow-cpu\n");

    expect_staged(scene, NULL, "preferred 1");
    scene_expect_refused(scene, "g", NUMA, "pages", "1024 MiB of node 1 are needed, 1000 MiB are free");
}

/* Free memory is taken once. */
static void
test_pages_of_two_guests(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "a", ON_NODE_1, 0);
    scene_add_memory_guest(scene, "b", ON_NODE_1, 0);
    g_array_index(scene->snapshot->memory->nodes, KtNodeMemory, 1).free_kib = 1500 * MIB;

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    scene_expect(scene, "a", NUMA, "pages", KT_WHEN_NOW, "0", "1");
    scene_expect_refused(scene, "b", NUMA, "pages", "476 MiB are free");
}

static void
test_remote_pages_stay(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 0);
    scene->snapshot->host_is_local = false;

    scene_plan(scene, "[domain *]\nmemory.numa = follow-cpu\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    expect_staged(scene, NULL, "preferred 1");
}

/* ---- pending ---- */

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autofree char *live = scene_xml("g", 2, "", "");
    g_autofree char *staged =
        scene_xml("g", 2,
                  "<memoryBacking><hugepages><page size='2048'/></hugepages><nosharepages/></memoryBacking>"
                  "<numatune><memory mode='strict' nodeset='1'/></numatune>",
                  "");
    scene_add(scene, live, staged);

    scene_plan(scene, "[host]\nmemory-reserve = 0KiB\n");

    const GPtrArray *pending = scene->plan->domains[0].pending;
    static const struct {
        const char *key, *staged;
    } wanted[] = {{NUMA, "strict 1"}, {"memory.backing", "hugepages-2M"}, {"memory.ksm", "no"}};
    g_assert_cmpuint(pending->len, ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < pending->len; i++) {
        const KtPending *one = pending->pdata[i];
        g_assert_cmpstr(one->setting->key, ==, wanted[i].key);
        g_assert_null(one->live);
        g_assert_cmpstr(one->staged, ==, wanted[i].staged);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/follow-cpu", test_follow_cpu);
    g_test_add_func("/memory/follow-planned-cpu", test_follow_planned_cpu);
    g_test_add_func("/memory/strict-where-it-fits", test_strict_chooses_a_node_that_holds_it);
    g_test_add_func("/memory/huge-pages-keep-cpus", test_huge_pages_keep_the_cpus);
    g_test_add_func("/memory/follow-several-nodes", test_follow_several_nodes);
    g_test_add_func("/memory/one-node", test_one_node);
    g_test_add_func("/memory/as-wanted", test_as_wanted);
    g_test_add_func("/memory/numad-is-replaced", test_numad_is_replaced);
    g_test_add_func("/memory/strict", test_strict);
    g_test_add_func("/memory/strict/reserve", test_strict_leaves_the_reserve);
    g_test_add_func("/memory/strict/adds-up", test_strict_adds_up);
    g_test_add_func("/memory/strict/beside-a-pool", test_strict_beside_a_pool);
    g_test_add_func("/memory/strict/two-nodes", test_strict_over_two_nodes);
    g_test_add_func("/memory/strict/unknown-size", test_unknown_size);
    g_test_add_func("/memory/node-list", test_node_list);
    g_test_add_func("/memory/absent-node", test_absent_node);
    g_test_add_func("/memory/interleave", test_interleave);
    g_test_add_func("/memory/shut-off", test_shut_off);
    g_test_add_func("/memory/transient-and-saved", test_transient_and_saved);
    g_test_add_func("/memory/pages/move", test_pages_move);
    g_test_add_func("/memory/pages/few", test_few_pages_stay);
    g_test_add_func("/memory/pages/obstacles", test_pages_that_can_not_move);
    g_test_add_func("/memory/pages/free", test_pages_need_free_memory);
    g_test_add_func("/memory/pages/two-guests", test_pages_of_two_guests);
    g_test_add_func("/memory/pages/remote", test_remote_pages_stay);
    g_test_add_func("/memory/pending", test_pending);
    return g_test_run();
}
