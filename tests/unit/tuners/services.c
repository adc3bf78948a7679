/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define PROFILE "[host]\nhousekeeping = 0-1\nservices = housekeeping\n"

static Scene *
host_with_groups(KtCgroupLayout layout, bool systemd)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->cgroup->layout = layout;
    scene->snapshot->cgroup->systemd = systemd;
    scene->snapshot->cgroup->cpuset_mount = g_strdup("sys/fs/cgroup");
    return scene;
}

static void
add_group(Scene *scene, const char *name, const char *cpus, const char *effective)
{
    KtServiceGroup *group = g_new0(KtServiceGroup, 1);
    group->name = g_strdup(name);
    group->path = g_strconcat("sys/fs/cgroup/", name, NULL);
    group->cpus = g_strdup(cpus);
    group->effective = g_strdup(effective);
    g_ptr_array_add(scene->snapshot->cgroup->services, group);
}

static const KtAction *
expect_confined(const Scene *scene, const char *group, const char *from, const char *path)
{
    const KtAction *action = scene_expect(scene, NULL, "services", group, KT_WHEN_NOW, from, "0-1");
    g_assert_cmpint(action->kind, ==, KT_STEP_SERVICES);
    g_assert_cmpstr(action->path, ==, path);
    return action;
}

static void
test_files(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_V1, false);
    add_group(scene, "system.slice", "0-3", "0-3");
    add_group(scene, "user.slice", "0,1", "0-1");

    scene_plan(scene, PROFILE);

    expect_confined(scene, "system.slice", "0-3", "sys/fs/cgroup/system.slice/cpuset.cpus");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_systemd(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_V2, true);
    add_group(scene, "system.slice", "", "0-3");
    add_group(scene, "user.slice", "", NULL);

    scene_plan(scene, PROFILE);

    expect_confined(scene, "system.slice", NULL, "systemd:system.slice");
    expect_confined(scene, "user.slice", NULL, "systemd:user.slice");
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
}

/* systemd knows no CPUs of groups on cgroup version 1: nobody owns these. */
static void
test_systemd_v1(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_HYBRID, true);
    add_group(scene, "system.slice", "0-3", "0-3");

    scene_plan(scene, PROFILE);

    expect_confined(scene, "system.slice", "0-3", "sys/fs/cgroup/system.slice/cpuset.cpus");
}

static void
test_nothing_there(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_V1, false);

    scene_plan(scene, PROFILE);

    scene_expect_refused(scene, NULL, "services", NULL, "no group of services");
}

static void
test_unusable_groups(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_V2, false);
    add_group(scene, "system.slice", "", NULL);
    scene_plan(scene, PROFILE);
    scene_expect_refused(scene, NULL, "services", "system.slice", "cgroup.subtree_control");

    g_autoptr(Scene) empty = host_with_groups(KT_CGROUP_V1, false);
    add_group(empty, "system.slice", "", NULL);
    scene_plan(empty, PROFILE);
    scene_expect_refused(empty, NULL, "services", "system.slice", "nothing can run in it");
}

/* Guests of a libvirtd without machined may be below its own service. */
static void
test_guests_below(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_V2, true);
    add_group(scene, "system.slice", "", "0-3");
    scene->snapshot->cgroup->machine_group = g_strdup("system.slice/libvirtd.service");

    scene_plan(scene, PROFILE);

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "services", "system.slice", "guests run below it");
}

static void
test_no_housekeeping(void)
{
    g_autoptr(Scene) scene = host_with_groups(KT_CGROUP_V2, true);
    add_group(scene, "system.slice", "", "0-3");

    scene_plan(scene, "[host]\nservices = housekeeping\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "services", NULL, "no housekeeping CPUs");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/services/files", test_files);
    g_test_add_func("/services/systemd", test_systemd);
    g_test_add_func("/services/systemd-v1", test_systemd_v1);
    g_test_add_func("/services/nothing-there", test_nothing_there);
    g_test_add_func("/services/unusable", test_unusable_groups);
    g_test_add_func("/services/guests-below", test_guests_below);
    g_test_add_func("/services/no-housekeeping", test_no_housekeeping);
    return g_test_run();
}
