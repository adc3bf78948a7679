/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define GUESTS 8

/* Guests that all crowd on the first of two caches. */
static Scene *
crowd(void)
{
    Scene *scene = scene_new("package:1 l3cache:2 core:4 pu:1");
    for (guint i = 0; i < GUESTS; i++) {
        g_autofree char *name = g_strdup_printf("guest-%u", i);
        scene_add_guest(scene, name, 2,
                        "<cputune><vcpupin vcpu='0' cpuset='0-3'/><vcpupin vcpu='1' cpuset='0-3'/></cputune>",
                        "");
    }
    return scene;
}

/* How many of them the plan moves to the other cache. */
static guint
count_moved(const Scene *scene)
{
    guint n = 0;
    for (guint i = 0; i < GUESTS; i++) {
        const KtSeat *seat = &scene->plan->placement->seats[scene->plan->domains[i].seat];
        n += !hwloc_bitmap_isset(seat->vcpus[0], 0);
    }
    return n;
}

/* When all are looked at, all are placed. */
static void
test_everybody(void)
{
    g_autoptr(Scene) scene = crowd();
    scene_plan(scene, "[domain guest-*]\ncpu.placement = shared-cache\n");
    g_assert_cmpuint(count_moved(scene), ==, GUESTS / 2);
}

/* When one has changed, he and at most two others are moved. */
static void
test_one_changed(void)
{
    g_autoptr(Scene) scene = crowd();
    scene->snapshot->changed = g_strdup("guest-3");
    scene_plan(scene, "[domain guest-*]\ncpu.placement = shared-cache\n");
    g_assert_cmpuint(count_moved(scene), >, 0);
    g_assert_cmpuint(count_moved(scene), <=, 3);
}

/* When one has stopped, at most two others are. */
static void
test_one_gone(void)
{
    g_autoptr(Scene) scene = crowd();
    scene->snapshot->changed = g_strdup("guest-99");
    scene_plan(scene, "[domain guest-*]\ncpu.placement = shared-cache\n");
    g_assert_cmpuint(count_moved(scene), <=, 2);
}

/* When none has, nobody is. */
static void
test_none_changed(void)
{
    g_autoptr(Scene) scene = crowd();
    scene->snapshot->changed = g_strdup("");
    scene_plan(scene, "[domain guest-*]\ncpu.placement = shared-cache\n");
    g_assert_cmpuint(count_moved(scene), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seats/everybody", test_everybody);
    g_test_add_func("/seats/one-changed", test_one_changed);
    g_test_add_func("/seats/one-gone", test_one_gone);
    g_test_add_func("/seats/none-changed", test_none_changed);
    return g_test_run();
}
