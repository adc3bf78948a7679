/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

static const char *const ksm_settings[] = {"ksm.mode", "ksm.sleep", NULL};
static const char *const domain_settings[] = {"disk.cache", "cpu.placement", NULL};

static void
add_tuner(Scene *scene, const char *name, const char *knobs, const char *const *settings)
{
    KtOtherTuner *tuner = g_new0(KtOtherTuner, 1);
    tuner->name = g_strdup(name);
    tuner->pid = 77;
    tuner->knobs = knobs;
    tuner->settings = settings;
    g_ptr_array_add(scene->snapshot->other_tuners, tuner);
}

static Scene *
host_with_ksmtuned(void)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->memory->ksm.run = 0;
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    add_tuner(scene, "ksmtuned", "KSM", ksm_settings);
    return scene;
}

static void
test_left(void)
{
    g_autoptr(Scene) scene = host_with_ksmtuned();

    scene_plan(scene, "[host]\nksm.mode = on\nthp.enabled = madvise\n");

    scene_expect(scene, NULL, "thp.enabled", NULL, KT_WHEN_NOW, "always", "madvise");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "left to ksmtuned, which runs (pid 77)");
    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "stop it, or write 'contested = take'");
    g_assert_cmpuint(scene->plan->refused->len, ==, 1);
}

static void
test_taken(void)
{
    g_autoptr(Scene) scene = host_with_ksmtuned();

    scene_plan(scene, "[host]\nksm.mode = on\nthp.enabled = madvise\ncontested = take\n");

    const KtAction *run = scene_expect(scene, NULL, "ksm.mode", NULL, KT_WHEN_NOW, "off", "on");
    g_assert_nonnull(strstr(run->reason, "taken from ksmtuned, which runs (pid 77)"));
    const KtAction *thp = scene_expect(scene, NULL, "thp.enabled", NULL, KT_WHEN_NOW, "always", "madvise");
    g_assert_null(strstr(thp->reason, "taken"));
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

/* What runs here is no rival of a host that is reached over the net. */
static void
test_remote(void)
{
    g_autoptr(Scene) scene = host_with_ksmtuned();
    scene->snapshot->host_is_local = false;

    scene_plan(scene, "[host]\nksm.mode = on\n");

    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "another host");
}

/* Each domain's own value is refused, named for all its disks or for one; other settings are planned. */
static void
test_domains(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    const char *disk = "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
                       "<source file='/d/a.raw'/><target dev='vda' bus='virtio'/></disk>";
    scene_add_guest(scene, "a", 1, "", disk);
    scene_add_guest(scene, "b", 1, "", disk);
    scene_add_guest(scene, "c", 1, "", disk);
    add_tuner(scene, "nova-compute", "its domains' definitions", domain_settings);

    scene_plan(scene, "[domain a]\ndisk.cache = writeback\n[domain b]\ndisk.cache[vda] = writeback\n"
                      "[domain c]\ncpu.placement = shared-cache\n");

    scene_expect_refused(scene, "a", "disk.cache", NULL, "left to nova-compute");
    scene_expect_refused(scene, "b", "disk.cache", NULL, "left to nova-compute");
    scene_expect_refused(scene, "c", "cpu.placement", NULL, "left to nova-compute");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contested/left", test_left);
    g_test_add_func("/contested/taken", test_taken);
    g_test_add_func("/contested/remote", test_remote);
    g_test_add_func("/contested/domains", test_domains);
    return g_test_run();
}
