/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

static Scene *
guest_on(KtCgroupLayout layout, const char *live, const char *staged)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->cgroup->layout = layout;
    g_autofree char *live_xml = scene_xml("d", 1, live, "");
    g_autofree char *staged_xml = scene_xml("d", 1, staged, "");
    scene_add(scene, live_xml, staged_xml);
    return scene;
}

static void
expect(const Scene *scene, const char *live_from, const char *live_to, const char *from, const char *to)
{
    const KtAction *live = scene_expect(scene, "d", "cpu.weight", NULL, KT_WHEN_NOW, live_from, live_to);
    g_assert_cmpint(live->kind, ==, KT_STEP_WEIGHT);
    const KtAction *staged = scene_expect(scene, "d", "cpu.weight", NULL, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(staged->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(staged->field, ==, KT_XML_SHARES);
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
}

/* The same percentage is another number on each version. */
static void
test_by_version(void)
{
    g_autoptr(Scene) v1 = guest_on(KT_CGROUP_V1, "", "");
    scene_plan(v1, "[domain d]\ncpu.weight = 200%\n");
    expect(v1, "1024", "2048", NULL, "2048");

    g_autoptr(Scene) hybrid = guest_on(KT_CGROUP_HYBRID, "", "");
    scene_plan(hybrid, "[domain d]\ncpu.weight = 1%\n");
    expect(hybrid, "1024", "10", NULL, "10");

    g_autoptr(Scene) v2 = guest_on(KT_CGROUP_V2, "", "");
    scene_plan(v2, "[domain d]\ncpu.weight = 50%\n");
    expect(v2, "100", "50", NULL, "50");

    /* libvirt takes 2 to 262144 on both, and refuses the whole definition for less. */
    g_autoptr(Scene) least = guest_on(KT_CGROUP_V2, "", "");
    scene_plan(least, "[domain d]\ncpu.weight = 1%\n");
    expect(least, "100", "2", NULL, "2");
}

static void
test_default_is_no_word(void)
{
    static const char shares[] = "<cputune><shares>2048</shares></cputune>";
    g_autoptr(Scene) scene = guest_on(KT_CGROUP_V1, shares, shares);
    scene_plan(scene, "[domain d]\ncpu.weight = 100%\n");
    expect(scene, "2048", "1024", "2048", NULL);
}

static void
test_settled(void)
{
    static const char *const settled[][2] = {
        {"100%", ""},
        {"100%", "<cputune><shares>1024</shares></cputune>"},
        {"50%", "<cputune><shares>512</shares></cputune>"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(settled); i++) {
        g_autoptr(Scene) scene = guest_on(KT_CGROUP_V1, settled[i][1], settled[i][1]);
        g_autofree char *profile = g_strdup_printf("[domain d]\ncpu.weight = %s\n", settled[i][0]);
        scene_plan(scene, profile);
        g_assert_cmpuint(scene->plan->actions->len, ==, 0);
        g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    }
}

/* libvirt leaves an explicit <shares> of the default in the live XML after an undo: it counts as none. */
static void
test_live_default_is_explicit(void)
{
    g_autoptr(Scene) scene = guest_on(KT_CGROUP_V1, "<cputune><shares>1024</shares></cputune>", "");
    scene_plan(scene, "[domain d]\ncpu.weight = 100%\n");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

static void
test_transient(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->cgroup->layout = KT_CGROUP_V2;
    g_autofree char *xml = scene_xml("d", 1, "", "");
    scene_add(scene, xml, NULL);

    scene_plan(scene, "[domain d]\ncpu.weight = 300%\n");

    scene_expect(scene, "d", "cpu.weight", NULL, KT_WHEN_NOW, "100", "300");
    scene_expect_refused(scene, "d", "cpu.weight", NULL, "transient");
}

static void
test_shut_off(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->cgroup->layout = KT_CGROUP_V2;
    g_autofree char *xml = scene_xml("d", 1, "", "");
    scene_add(scene, NULL, xml);

    scene_plan(scene, "[domain d]\ncpu.weight = 300%\n");

    scene_expect(scene, "d", "cpu.weight", NULL, KT_WHEN_NEXT_BOOT, NULL, "300");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_unknown_version(void)
{
    g_autoptr(Scene) none = guest_on(KT_CGROUP_NONE, "", "");
    scene_plan(none, "[domain d]\ncpu.weight = 200%\n");
    scene_expect_refused(none, "d", "cpu.weight", NULL, "cgroup version");

    g_autoptr(Scene) remote = guest_on(KT_CGROUP_V1, "", "");
    remote->snapshot->host_is_local = false;
    scene_plan(remote, "[domain d]\ncpu.weight = 200%\n");
    scene_expect_refused(remote, "d", "cpu.weight", NULL, "on the host itself");
    g_assert_cmpuint(remote->plan->actions->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/weight/by-version", test_by_version);
    g_test_add_func("/weight/default-is-no-word", test_default_is_no_word);
    g_test_add_func("/weight/settled", test_settled);
    g_test_add_func("/weight/live-default-is-explicit", test_live_default_is_explicit);
    g_test_add_func("/weight/transient", test_transient);
    g_test_add_func("/weight/shut-off", test_shut_off);
    g_test_add_func("/weight/unknown-version", test_unknown_version);
    return g_test_run();
}
