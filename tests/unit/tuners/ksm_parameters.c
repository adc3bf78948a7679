/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define KSM "sys/kernel/mm/ksm/"

/* A kernel with an advisor in @mode (NULL: none in it), scanning @pages a round. */
static Scene *
host_with_ksm(const char *mode, gint64 pages)
{
    Scene *scene = scene_new("node:2 core:2 pu:1");
    KtMemory *memory = scene->snapshot->memory;
    memory->ksm.run = 1;
    memory->ksm.pages_to_scan = pages;
    memory->ksm.sleep_millisecs = 20;
    memory->ksm.merge_across_nodes = 1;
    memory->ksm.pages_sharing = 0;
    memory->ksm.advisor_mode = g_strdup(mode);
    if (mode != NULL)
        memory->ksm.advisor_max_cpu = 70;
    KtNodeMemory node = {.os = 0, .total_kib = 1 << 20, .free_kib = 100 * 1024};
    g_array_append_val(memory->nodes, node);
    return scene;
}

static const KtAction *
expect_file(const Scene *scene, const char *key, const char *item, const char *file, const char *from,
            const char *to)
{
    const KtAction *action = scene_expect(scene, NULL, key, item, KT_WHEN_NOW, from, to);
    g_assert_cmpstr(action->path, ==, file);
    g_assert_cmpint(action->kind, ==, KT_STEP_SYSFS);
    return action;
}

static void
test_pages_and_sleep(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);

    scene_plan(scene, "[host]\nksm.pages-to-scan = 400\nksm.sleep = 50ms\n");

    const KtAction *pages = expect_file(scene, "ksm.pages-to-scan", NULL, KSM "pages_to_scan", "100", "400");
    g_assert_cmpstr(pages->raw_to, ==, "400");
    const KtAction *sleep = expect_file(scene, "ksm.sleep", NULL, KSM "sleep_millisecs", "20ms", "50ms");
    g_assert_cmpstr(sleep->raw_from, ==, "20");
    g_assert_cmpstr(sleep->raw_to, ==, "50");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
}

static void
test_sleep_in_whole_milliseconds(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);

    scene_plan(scene, "[host]\nksm.sleep = 1500us\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "ksm.sleep", NULL, "'1500us' is none: 1ms or 2ms");
}

/* It is the advisor that sets it then: no drift, and no knob. */
static void
test_pages_under_advisor(void)
{
    g_autoptr(Scene) scene = host_with_ksm("scan-time", 812);

    scene_plan(scene, "[host]\nksm.pages-to-scan = 400\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "ksm.pages-to-scan", NULL, "'ksm.mode = on' turns the advisor off");
}

/* The advisor goes first, and leaves the kernel's default behind. */
static void
test_pages_instead_of_advisor(void)
{
    g_autoptr(Scene) scene = host_with_ksm("scan-time", 812);

    scene_plan(scene, "[host]\nksm.mode = on\nksm.pages-to-scan = 400\nksm.max-cpu = 20%\n");

    const KtAction *advisor =
        expect_file(scene, "ksm.pages-to-scan", "advisor", KSM "advisor_mode", "scan-time", "none");
    const KtAction *pages = expect_file(scene, "ksm.pages-to-scan", NULL, KSM "pages_to_scan", "100", "400");
    g_assert_cmpuint(advisor->id, <, pages->id);
    scene_expect_refused(scene, NULL, "ksm.max-cpu", NULL, "only the kernel's advisor keeps it");
}

static void
test_pages_and_auto(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);

    scene_plan(scene, "[host]\nksm.mode = auto\nksm.pages-to-scan = 400\n");

    scene_expect_refused(scene, NULL, "ksm.pages-to-scan", NULL, "leaves it to the kernel's advisor");
    expect_file(scene, "ksm.mode", "advisor", KSM "advisor_mode", "none", "scan-time");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

/* Turning the advisor off again would leave 100: rollback needs a step that knows the 400. */
static void
test_auto_remembers_pages(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 400);

    scene_plan(scene, "[host]\nksm.mode = auto\n");

    const KtAction *pages =
        expect_file(scene, "ksm.mode", "pages to scan", KSM "pages_to_scan", "400", "100");
    const KtAction *advisor =
        expect_file(scene, "ksm.mode", "advisor", KSM "advisor_mode", "none", "scan-time");
    g_assert_cmpuint(pages->id, <, advisor->id);
}

static void
test_auto_without_advisor(void)
{
    g_autoptr(Scene) scene = host_with_ksm(NULL, 100);

    scene_plan(scene, "[host]\nksm.mode = auto\nksm.pages-to-scan = 400\nksm.max-cpu = 20%\n");

    expect_file(scene, "ksm.pages-to-scan", NULL, KSM "pages_to_scan", "100", "400");
    scene_expect_refused(scene, NULL, "ksm.max-cpu", NULL, "this kernel has no advisor for KSM");
}

static void
test_max_cpu(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->memory->ksm.run = 0;

    scene_plan(scene, "[host]\nksm.mode = auto\nksm.max-cpu = 20%\n");

    const KtAction *share = expect_file(scene, "ksm.max-cpu", NULL, KSM "advisor_max_cpu", "70%", "20%");
    const KtAction *run = scene_expect(scene, NULL, "ksm.mode", NULL, KT_WHEN_NOW, "off", "on");
    g_assert_cmpstr(share->raw_to, ==, "20");
    g_assert_cmpuint(share->id, <, run->id);
}

static void
test_max_cpu_needs_advisor(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);

    scene_plan(scene, "[host]\nksm.mode = on\nksm.max-cpu = 20%\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "ksm.max-cpu", NULL, "'ksm.mode = auto'");
}

/* Its own step, before KSM is started: 25600 pages are the 100 MiB that are free. */
static void
test_merge(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->memory->ksm.pages_sharing = 25600;

    scene_plan(scene, "[host]\nksm.mode = off\nksm.merge-across-nodes = no\n");

    const KtAction *merge =
        scene_expect(scene, NULL, "ksm.merge-across-nodes", NULL, KT_WHEN_NOW, "yes", "no");
    g_assert_cmpint(merge->kind, ==, KT_STEP_KSM_MERGE);
    g_assert_cmpint(merge->risk, ==, KT_RISK_MEDIUM);
    g_assert_nonnull(strstr(merge->reason, "25600 merged pages"));
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
    const KtStep *first = scene->plan->steps->pdata[0];
    g_assert_cmpint(first->kind, ==, KT_STEP_KSM_MERGE);
}

static void
test_merge_needs_memory(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->memory->ksm.pages_sharing = 25600 + 256;

    scene_plan(scene, "[host]\nksm.merge-across-nodes = no\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "ksm.merge-across-nodes", NULL, "needs 101 MiB");
}

static void
test_merge_as_wanted(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->memory->ksm.pages_sharing = G_GINT64_CONSTANT(1) << 40;

    scene_plan(scene, "[host]\nksm.merge-across-nodes = yes\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_absent(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:2 pu:1");

    scene_plan(scene, "[host]\nksm.pages-to-scan = 4\nksm.sleep = 5ms\nksm.merge-across-nodes = no\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, NULL, "ksm.pages-to-scan", NULL, "this kernel has no KSM");
    scene_expect_refused(scene, NULL, "ksm.sleep", NULL, "this kernel has no KSM");
    scene_expect_refused(scene, NULL, "ksm.merge-across-nodes", NULL,
                         "this kernel has no KSM that knows NUMA");
}

/* A daemon stands ready: the plan tells it what it may do, and leaves KSM's knobs to it; all but how pages of
 * several nodes are merged. */
static void
test_governor(void)
{
    g_autoptr(Scene) scene = host_with_ksm("scan-time", 812);
    scene->snapshot->has_governor = true;

    scene_plan(scene, "[host]\nksm.mode = auto\nksm.max-cpu = 20%\nksm.sleep = 50ms\n"
                      "ksm.merge-across-nodes = no\n");

    g_assert_true(scene->plan->governs_ksm);
    g_assert_cmpint(scene->plan->ksm_wish.max_cpu_percent, ==, 20);
    g_assert_cmpint(scene->plan->ksm_wish.sleep_millisecs, ==, 50);
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    scene_expect(scene, NULL, "ksm.merge-across-nodes", NULL, KT_WHEN_NOW, "yes", "no");
}

static void
test_governor_needs_no_limits(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->has_governor = true;

    scene_plan(scene, "[host]\nksm.mode = auto\n");

    g_assert_true(scene->plan->governs_ksm);
    g_assert_cmpint(scene->plan->ksm_wish.max_cpu_percent, ==, KT_ABSENT);
    g_assert_cmpint(scene->plan->ksm_wish.sleep_millisecs, ==, KT_ABSENT);
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

static void
test_governor_refuses(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->has_governor = true;

    scene_plan(scene, "[host]\nksm.mode = auto\nksm.pages-to-scan = 400\nksm.sleep = 1500us\n");

    scene_expect_refused(scene, NULL, "ksm.pages-to-scan", NULL, "leaves it to the daemon");
    scene_expect_refused(scene, NULL, "ksm.sleep", NULL, "whole milliseconds");
    g_assert_cmpint(scene->plan->ksm_wish.sleep_millisecs, ==, KT_ABSENT);
}

/* Any other mode is no business of the governor's. */
static void
test_governor_only_for_auto(void)
{
    g_autoptr(Scene) scene = host_with_ksm("none", 100);
    scene->snapshot->has_governor = true;

    scene_plan(scene, "[host]\nksm.mode = on\nksm.pages-to-scan = 400\n");

    g_assert_false(scene->plan->governs_ksm);
    expect_file(scene, "ksm.pages-to-scan", NULL, KSM "pages_to_scan", "100", "400");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ksm/pages-and-sleep", test_pages_and_sleep);
    g_test_add_func("/ksm/sleep/whole-milliseconds", test_sleep_in_whole_milliseconds);
    g_test_add_func("/ksm/pages/under-advisor", test_pages_under_advisor);
    g_test_add_func("/ksm/pages/instead-of-advisor", test_pages_instead_of_advisor);
    g_test_add_func("/ksm/pages/auto", test_pages_and_auto);
    g_test_add_func("/ksm/auto/remembers-pages", test_auto_remembers_pages);
    g_test_add_func("/ksm/auto/without-advisor", test_auto_without_advisor);
    g_test_add_func("/ksm/max-cpu", test_max_cpu);
    g_test_add_func("/ksm/max-cpu/needs-advisor", test_max_cpu_needs_advisor);
    g_test_add_func("/ksm/merge", test_merge);
    g_test_add_func("/ksm/merge/needs-memory", test_merge_needs_memory);
    g_test_add_func("/ksm/merge/as-wanted", test_merge_as_wanted);
    g_test_add_func("/ksm/absent", test_absent);
    g_test_add_func("/ksm-parameters/governor/limits", test_governor);
    g_test_add_func("/ksm-parameters/governor/no-limits", test_governor_needs_no_limits);
    g_test_add_func("/ksm-parameters/governor/refuses", test_governor_refuses);
    g_test_add_func("/ksm-parameters/governor/only-for-auto", test_governor_only_for_auto);
    return g_test_run();
}
