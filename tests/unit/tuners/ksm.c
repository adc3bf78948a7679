/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define KSM "sys/kernel/mm/ksm/"

/* A host with KSM at @run, @merged pages saved and @free_mib on each of two nodes. */
static Scene *
host_with_ksm(gint64 run, gint64 merged, gint64 free_mib)
{
    Scene *scene = scene_new("node:2 core:2 pu:1");
    KtMemory *memory = scene->snapshot->memory;
    memory->ksm.run = run;
    memory->ksm.pages_sharing = merged;
    for (guint os = 0; os < 2; os++) {
        KtNodeMemory node = {.os = os, .total_kib = 1 << 20, .free_kib = free_mib * 1024};
        g_array_append_val(memory->nodes, node);
    }
    return scene;
}

static const KtAction *
expect_run(const Scene *scene, const char *from, const char *to, const char *raw_from, const char *raw_to)
{
    const KtAction *action = scene_expect(scene, NULL, "ksm.mode", NULL, KT_WHEN_NOW, from, to);
    g_assert_cmpstr(action->path, ==, KSM "run");
    g_assert_cmpstr(action->raw_from, ==, raw_from);
    g_assert_cmpstr(action->raw_to, ==, raw_to);
    g_assert_cmpint(action->kind, ==, KT_STEP_SYSFS);
    return action;
}

static void
test_on(void)
{
    g_autoptr(Scene) scene = host_with_ksm(0, 0, 100);

    scene_plan(scene, "[host]\nksm.mode = on\n");

    const KtAction *action = expect_run(scene, "off", "on", "0", "1");
    g_assert_nonnull(strstr(action->reason, "side channel"));
}

static void
test_off(void)
{
    g_autoptr(Scene) scene = host_with_ksm(2, 0, 100);

    scene_plan(scene, "[host]\nksm.mode = off\n");

    g_assert_cmpint(expect_run(scene, "unmerge", "off", "2", "0")->risk, ==, KT_RISK_NONE);
}

static void
test_as_wanted(void)
{
    g_autoptr(Scene) scene = host_with_ksm(2, 1 << 30, 0);

    scene_plan(scene, "[host]\nksm.mode = unmerge\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

/* 51200 pages of 4 KiB are 200 MiB: just what two nodes have free together. */
static void
test_unmerge_fits(void)
{
    g_autoptr(Scene) scene = host_with_ksm(1, 51200, 100);

    scene_plan(scene, "[host]\nksm.mode = unmerge\n");

    g_assert_cmpint(expect_run(scene, "on", "unmerge", "1", "2")->risk, ==, KT_RISK_MEDIUM);
}

static void
test_unmerge_needs_memory(void)
{
    g_autoptr(Scene) scene = host_with_ksm(1, 51200 + 256, 100);

    scene_plan(scene, "[host]\nksm.mode = unmerge\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "201 MiB");
    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "200 MiB");
}

static void
test_unmerge_unknown_memory(void)
{
    g_autoptr(Scene) scene = host_with_ksm(1, 256, 100);
    g_array_set_size(scene->snapshot->memory->nodes, 0);

    scene_plan(scene, "[host]\nksm.mode = unmerge\n");

    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "doesn't say how much memory is free");
}

/* The advisor comes before the run, and is no step of the same file. */
static void
test_auto_with_advisor(void)
{
    g_autoptr(Scene) scene = host_with_ksm(0, 0, 100);
    scene->snapshot->memory->ksm.advisor_mode = g_strdup("none");

    scene_plan(scene, "[host]\nksm.mode = auto\n");

    const KtAction *advisor =
        scene_expect(scene, NULL, "ksm.mode", "advisor", KT_WHEN_NOW, "none", "scan-time");
    const KtAction *run = expect_run(scene, "off", "on", "0", "1");
    g_assert_cmpstr(advisor->path, ==, KSM "advisor_mode");
    g_assert_null(advisor->raw_to);
    g_assert_cmpuint(advisor->id, <, run->id);
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
}

static void
test_auto_without_advisor(void)
{
    g_autoptr(Scene) scene = host_with_ksm(0, 0, 100);

    scene_plan(scene, "[host]\nksm.mode = auto\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_nonnull(strstr(expect_run(scene, "off", "on", "0", "1")->reason, "no daemon"));
}

static void
test_absent(void)
{
    g_autoptr(Scene) scene = host_with_ksm(KT_ABSENT, KT_ABSENT, 100);

    scene_plan(scene, "[host]\nksm.mode = off\n");

    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "this kernel has no KSM");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ksm/on", test_on);
    g_test_add_func("/ksm/off", test_off);
    g_test_add_func("/ksm/as-wanted", test_as_wanted);
    g_test_add_func("/ksm/unmerge/fits", test_unmerge_fits);
    g_test_add_func("/ksm/unmerge/needs-memory", test_unmerge_needs_memory);
    g_test_add_func("/ksm/unmerge/unknown-memory", test_unmerge_unknown_memory);
    g_test_add_func("/ksm/auto/advisor", test_auto_with_advisor);
    g_test_add_func("/ksm/auto/no-advisor", test_auto_without_advisor);
    g_test_add_func("/ksm/absent", test_absent);
    return g_test_run();
}
