/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define THP "sys/kernel/mm/transparent_hugepage/"

static Scene *
host_with_thp(void)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene->snapshot->memory->thp.defrag = g_strdup("madvise");
    return scene;
}

static void
test_sets_what_differs(void)
{
    g_autoptr(Scene) scene = host_with_thp();

    scene_plan(scene, "[host]\nthp.enabled = madvise\nthp.defrag = madvise\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    const KtAction *action = scene_expect(scene, NULL, "thp.enabled", NULL, KT_WHEN_NOW, "always", "madvise");
    g_assert_cmpint(action->kind, ==, KT_STEP_SYSFS);
    g_assert_cmpstr(action->path, ==, THP "enabled");
    g_assert_null(action->raw_from);
    g_assert_null(action->raw_to);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
}

static void
test_paths(void)
{
    g_autoptr(Scene) scene = host_with_thp();
    scene->snapshot->memory->thp.shmem = g_strdup("never");

    scene_plan(scene, "[host]\nthp.defrag = defer+madvise\nthp.shmem = advise\n");

    g_assert_cmpstr(
        scene_expect(scene, NULL, "thp.defrag", NULL, KT_WHEN_NOW, "madvise", "defer+madvise")->path, ==,
        THP "defrag");
    g_assert_cmpstr(scene_expect(scene, NULL, "thp.shmem", NULL, KT_WHEN_NOW, "never", "advise")->path, ==,
                    THP "shmem_enabled");
}

static void
test_absent(void)
{
    g_autoptr(Scene) scene = host_with_thp();

    scene_plan(scene, "[host]\nthp.shmem = advise\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "thp.shmem", NULL, "this kernel has no");
}

static void
test_remote(void)
{
    g_autoptr(Scene) scene = host_with_thp();
    scene->snapshot->host_is_local = false;

    scene_plan(scene, "[host]\nthp.enabled = madvise\nksm.mode = on\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "thp.enabled", NULL, "another host");
    scene_expect_refused(scene, NULL, "ksm.mode", NULL, "another host");
}

static Scene *
host_with_kernel(const char *release, gint64 numa_balancing, gint64 halt_poll_ns)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    KtKernel *kernel = scene->snapshot->kernel;
    kernel->release = g_strdup(release);
    kernel->numa_balancing = numa_balancing;
    kernel->halt_poll_ns = halt_poll_ns;
    return scene;
}

static void
expect_number(const Scene *scene, const char *key, const char *from, const char *to, const char *raw_from,
              const char *raw_to)
{
    const KtAction *action = scene_expect(scene, NULL, key, NULL, KT_WHEN_NOW, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_SYSFS);
    g_assert_cmpstr(action->raw_from, ==, raw_from);
    g_assert_cmpstr(action->raw_to, ==, raw_to);
}

/* 2 is a finer yes of newer kernels: it is one, and comes back as what it was. */
static void
test_numa_balancing(void)
{
    g_autoptr(Scene) yes = host_with_kernel("6.1.0", 2, KT_ABSENT);
    scene_plan(yes, "[host]\nnuma-balancing = yes\n");
    g_assert_cmpuint(yes->plan->actions->len, ==, 0);

    g_autoptr(Scene) no = host_with_kernel("6.1.0", 2, KT_ABSENT);
    scene_plan(no, "[host]\nnuma-balancing = no\n");
    expect_number(no, "numa-balancing", "yes", "no", "2", "0");

    g_autoptr(Scene) absent = host_with_kernel("6.1.0", KT_ABSENT, KT_ABSENT);
    scene_plan(absent, "[host]\nnuma-balancing = no\n");
    scene_expect_refused(absent, NULL, "numa-balancing", NULL, "this kernel has no NUMA balancing");
}

static void
test_halt_poll(void)
{
    g_autoptr(Scene) scene = host_with_kernel("6.8.0-1-generic", KT_ABSENT, 200000);
    scene_add_guest(scene, "a", 1, "", "");
    scene_plan(scene, "[host]\nhalt-poll = 50us\n");
    expect_number(scene, "halt-poll", "200us", "50us", "200000", "50000");
    g_assert_false(scene_has_note(scene, "a", "halt polling"));

    g_autoptr(Scene) odd = host_with_kernel("6.8.0", KT_ABSENT, 200500);
    scene_plan(odd, "[host]\nhalt-poll = 0us\n");
    expect_number(odd, "halt-poll", "200500ns", "0us", "200500", "0");
}

/* These kernels read it when a VM is created. */
static void
test_halt_poll_of_running_guests(void)
{
    static const struct {
        const char *release;
        bool noted;
    } kernels[] = {{"5.11.9", false}, {"5.12.0", true}, {"6.1.0-56-amd64", true}, {"6.2.0", false}};
    for (guint i = 0; i < G_N_ELEMENTS(kernels); i++) {
        g_autoptr(Scene) scene = host_with_kernel(kernels[i].release, KT_ABSENT, 200000);
        scene_add_guest(scene, "a", 1, "", "");
        scene_plan(scene, "[host]\nhalt-poll = 50us\n");
        g_assert_cmpint(scene_has_note(scene, "a", "halt polling that it was started with"), ==,
                        kernels[i].noted);
    }
}

/* Some kernels let nobody write it: what is so already is no refusal. */
static void
test_halt_poll_fixed(void)
{
    g_autoptr(Scene) scene = host_with_kernel("6.8.0", KT_ABSENT, 200000);
    scene->snapshot->kernel->halt_poll_fixed = true;
    scene_plan(scene, "[host]\nhalt-poll = 50us\n");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "halt-poll", NULL, "kvm.halt_poll_ns=NANOSECONDS");

    g_autoptr(Scene) same = host_with_kernel("6.8.0", KT_ABSENT, 200000);
    same->snapshot->kernel->halt_poll_fixed = true;
    scene_plan(same, "[host]\nhalt-poll = 200us\n");
    g_assert_cmpuint(same->plan->refused->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/numa-balancing", test_numa_balancing);
    g_test_add_func("/host/halt-poll", test_halt_poll);
    g_test_add_func("/host/halt-poll/running", test_halt_poll_of_running_guests);
    g_test_add_func("/host/halt-poll/fixed", test_halt_poll_fixed);
    g_test_add_func("/host/differs", test_sets_what_differs);
    g_test_add_func("/host/paths", test_paths);
    g_test_add_func("/host/absent", test_absent);
    g_test_add_func("/host/remote", test_remote);
    return g_test_run();
}
