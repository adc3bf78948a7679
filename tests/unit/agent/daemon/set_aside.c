/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/set_aside.h"

#include "tests/unit/tuners/memory_scene.h"

#define NOW (100 * G_TIME_SPAN_SECOND)
#define PROFILE "[host]\nthp.enabled = always\n[domain *]\ncpu.emulator = 1\n"

/** The plan that is made and kept at this time. */
static void
plan_at(Scene *scene, const KtSetAside *aside, gint64 now_usec)
{
    g_autoptr(KtDesired) desired = kt_desired_resolve(scene->profile, scene->snapshot, NULL);
    kt_set_aside_unname(aside, desired, scene->snapshot, now_usec);
    g_clear_pointer(&scene->plan, kt_plan_free);
    scene->plan = kt_plan_make(scene->snapshot, desired);
    kt_set_aside_leave_out(aside, scene->plan, now_usec);
}

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
    plan_at(scene, aside, NOW);
    g_assert_true(has_step(scene, NULL) && has_step(scene, "a") && has_step(scene, "b"));

    kt_set_aside_add(aside, "a", NOW);
    plan_at(scene, aside, NOW + KT_SET_ASIDE_FIRST_USEC - 1);
    g_assert_false(has_step(scene, "a"));
    g_assert_true(has_step(scene, NULL) && has_step(scene, "b"));

    kt_set_aside_add(aside, NULL, NOW);
    plan_at(scene, aside, NOW);
    g_assert_false(has_step(scene, NULL));
    g_assert_true(has_step(scene, "b"));
}

static void
test_longer_each_time(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_add(aside, "a", NOW);
    plan_at(scene, aside, NOW + KT_SET_ASIDE_FIRST_USEC);
    g_assert_true(has_step(scene, "a"));

    kt_set_aside_add(aside, "a", NOW);
    plan_at(scene, aside, NOW + KT_SET_ASIDE_FIRST_USEC);
    g_assert_false(has_step(scene, "a"));
}

static void
test_never_for_good(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    for (guint i = 0; i < 100; i++)
        kt_set_aside_add(aside, "a", NOW);
    plan_at(scene, aside, NOW + KT_SET_ASIDE_MOST_USEC);
    g_assert_true(has_step(scene, "a"));
}

static KtDomain *
guest(Scene *scene, const char *name)
{
    return scene->snapshot->domains->pdata[scene_index(scene, name)];
}

static void
set_process(Scene *scene, const char *name, const char *process)
{
    g_free(guest(scene, name)->process);
    guest(scene, name)->process = g_strdup(process);
}

static void
test_forgiven(void)
{
    /* given two guests that failed, and were looked at since */
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_add(aside, "b", NOW);
    kt_set_aside_forgive(aside, scene->snapshot);

    /* when one of them is started anew */
    set_process(scene, "a", "2:2");
    kt_set_aside_forgive(aside, scene->snapshot);
    plan_at(scene, aside, NOW);

    /* then that one gets another try */
    g_assert_true(has_step(scene, "a"));
    g_assert_false(has_step(scene, "b"));

    /* and the other one too, once it stands still */
    guest(scene, "b")->state = KT_DOMAIN_PAUSED;
    kt_set_aside_forgive(aside, scene->snapshot);
    plan_at(scene, aside, NOW);
    g_assert_true(has_step(scene, "b"));
}

/* The first look after a failure finds what was tried, and its undo: that forgives nothing. */
static void
test_own_changes_forgive_nothing(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_forgive(aside, scene->snapshot);
    kt_set_aside_add(aside, "a", NOW);
    set_process(scene, "a", "3:3");

    kt_set_aside_forgive(aside, scene->snapshot);
    plan_at(scene, aside, NOW + KT_SET_ASIDE_FIRST_USEC);

    g_assert_false(has_step(scene, "a"));
}

/* Who comes back after that is somebody else. */
static void
test_gone_is_forgotten(void)
{
    g_autoptr(Scene) scene = three_to_tune();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    kt_set_aside_add(aside, "of nobody", NOW);
    kt_set_aside_forgive(aside, scene->snapshot);
    g_assert_cmpint(kt_set_aside_due(aside, NOW), ==, 0);
}

/* A guest isn't given pages that its host couldn't get: it would not start. */
static void
test_nobody_counts_on_what_failed(void)
{
    g_autoptr(Scene) scene = scene_two_nodes();
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    scene_add_memory_guest(scene, "g", ON_NODE_1, 1);
    scene_plan(scene, "[host]\nhugepages.2M = auto\n[domain *]\nmemory.backing = hugepages-2M\n");
    g_assert_true(has_step(scene, NULL) && has_step(scene, "g"));

    kt_set_aside_add(aside, NULL, NOW);
    plan_at(scene, aside, NOW);

    g_assert_cmpuint(scene->plan->steps->len, ==, 0);
    scene_expect_refused(scene, "g", "memory.backing", NULL, "the pools of node 0-1 have room for 0");
}

/* Who gave up CPUs for another, and couldn't, still has them. */
static void
test_others_are_placed_around_it(void)
{
    g_autoptr(Scene) scene = scene_new("pack:1 core:2 pu:1");
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    scene_add_guest(scene, "a", 1, "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>", "");
    scene_add_guest(scene, "b", 1, "", "");
    scene_plan(scene, "[domain *]\ncpu.placement = shared-cache\n[domain b]\ncpu.exclusive = yes\n");

    kt_set_aside_add(aside, "a", NOW);
    plan_at(scene, aside, NOW);

    g_assert_false(has_step(scene, "a"));
    scene_expect(scene, "b", "cpu.placement", "vcpu 0", KT_WHEN_NOW, "0-1", "0");
}

static void
test_next_try(void)
{
    g_autoptr(KtSetAside) aside = kt_set_aside_new();
    g_assert_cmpint(kt_set_aside_due(aside, NOW), ==, 0);
    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_add(aside, "a", NOW);
    kt_set_aside_add(aside, "b", NOW);
    g_assert_cmpint(kt_set_aside_due(aside, NOW + 1), ==, KT_SET_ASIDE_FIRST_USEC - 1);
    g_assert_cmpint(kt_set_aside_due(aside, NOW + KT_SET_ASIDE_FIRST_USEC), ==, KT_SET_ASIDE_FIRST_USEC);

    /* What went well since begins at a minute again. */
    kt_set_aside_remove(aside, "a");
    kt_set_aside_add(aside, "a", NOW);
    g_assert_cmpint(kt_set_aside_due(aside, NOW), ==, KT_SET_ASIDE_FIRST_USEC);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/set-aside/left-out", test_left_out);
    g_test_add_func("/set-aside/longer-each-time", test_longer_each_time);
    g_test_add_func("/set-aside/never-for-good", test_never_for_good);
    g_test_add_func("/set-aside/forgiven", test_forgiven);
    g_test_add_func("/set-aside/own-changes-forgive-nothing", test_own_changes_forgive_nothing);
    g_test_add_func("/set-aside/gone-is-forgotten", test_gone_is_forgotten);
    g_test_add_func("/set-aside/nobody-counts-on-what-failed", test_nobody_counts_on_what_failed);
    g_test_add_func("/set-aside/others-are-placed-around-it", test_others_are_placed_around_it);
    g_test_add_func("/set-aside/next-try", test_next_try);
    return g_test_run();
}
