/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/set_aside.h"

#include "tests/unit/tuners/scene.h"

#define NOW (100 * G_TIME_SPAN_SECOND)
#define PROFILE "[host]\nthp.enabled = always\n[domain *]\ncpu.emulator = 1\n"

/** Two guests and a host that differ from the profile: a step each. */
static Scene *
three_to_tune(void)
{
    Scene *scene = scene_new("pack:1 core:4 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("madvise");
    g_autofree char *a = scene_xml("a", 1, "", "");
    g_autofree char *b = scene_xml("b", 1, "", "");
    scene_add(scene, a, NULL);
    scene_add(scene, b, NULL);
    scene_plan(scene, PROFILE);
    return scene;
}

static bool
has_step(const Scene *scene, const char *domain)
{
    for (guint i = 0; i < scene->plan->steps->len; i++) {
        const KtStep *step = scene->plan->steps->pdata[i];
        if (step->domain == scene_index(scene, domain))
            return true;
    }
    return false;
}

static void
test_left_out(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_leave_out(aside, scene->plan, NOW);
    g_assert_true(has_step(scene, NULL) && has_step(scene, "a") && has_step(scene, "b"));

    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_leave_out(aside, scene->plan, NOW + KT_SET_ASIDE_FIRST_USEC - 1);
    g_assert_false(has_step(scene, "a"));
    g_assert_true(has_step(scene, NULL) && has_step(scene, "b"));

    kt_set_aside_add(aside, NULL, NOW);
    kt_set_aside_leave_out(aside, scene->plan, NOW);
    g_assert_false(has_step(scene, NULL));
    g_assert_true(has_step(scene, "b"));
}

static void
test_longer_each_time(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_leave_out(aside, scene->plan, NOW + KT_SET_ASIDE_FIRST_USEC);
    g_assert_true(has_step(scene, "a"));

    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_leave_out(aside, scene->plan, NOW + KT_SET_ASIDE_FIRST_USEC);
    g_assert_false(has_step(scene, "a"));
}

static void
test_never_for_good(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    for (guint i = 0; i < 100; i++)
        kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_leave_out(aside, scene->plan, NOW + KT_SET_ASIDE_MOST_USEC);
    g_assert_true(has_step(scene, "a"));
}

static void
test_forgiven(void)
{
    /* given a guest that failed and has changed since, and one that hasn't */
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_add(aside, "b", NOW);
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, "a", "started", NOW);
    g_autoptr(KtChangeSet) set = kt_changes_take(changes, NOW);

    kt_set_aside_forgive(aside, set);
    kt_set_aside_leave_out(aside, scene->plan, NOW);

    g_assert_true(has_step(scene, "a"));
    g_assert_false(has_step(scene, "b"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/set-aside/left-out", test_left_out);
    g_test_add_func("/set-aside/longer-each-time", test_longer_each_time);
    g_test_add_func("/set-aside/never-for-good", test_never_for_good);
    g_test_add_func("/set-aside/forgiven", test_forgiven);
    return g_test_run();
}
