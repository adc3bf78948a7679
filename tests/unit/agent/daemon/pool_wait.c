/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/pool_wait.h"

#include "tests/unit/tuners/memory_scene.h"

#define NOW (100 * G_TIME_SPAN_MINUTE)
#define AUTO "[host]\nhugepages.2M = auto\n"

/** The plan that is made and kept at this time. */
static void
plan_at(Scene *scene, KtPoolWait *wait, gint64 now_usec)
{
    g_autoptr(KtDesired) desired = kt_desired_resolve(scene->profile, scene->snapshot, NULL);
    g_clear_pointer(&scene->plan, kt_plan_free);
    scene->plan = kt_plan_make(scene->snapshot, desired);
    kt_pool_wait_leave_out(wait, scene->plan, desired, now_usec);
}

static KtPool *
pool(Scene *scene, guint i)
{
    return &g_array_index(scene->snapshot->pools->pools, KtPool, i);
}

/** Pages of 2 MiB on node 0 that nobody uses. */
static Scene *
unused_pages(const char *profile)
{
    Scene *scene = scene_two_nodes();
    pool(scene, 0)->total = pool(scene, 0)->free = 64;
    scene_plan(scene, profile);
    return scene;
}

static void
test_shrinks_late(void)
{
    g_autoptr(Scene) scene = unused_pages(AUTO);
    g_autoptr(KtPoolWait) wait = kt_pool_wait_new();
    plan_at(scene, wait, NOW);
    g_assert_cmpuint(scene->plan->steps->len, ==, 0);
    g_assert_cmpint(kt_pool_wait_due(wait, NOW), ==, KT_POOL_WAIT_USEC);
    plan_at(scene, wait, NOW + KT_POOL_WAIT_USEC - 1);
    g_assert_cmpuint(scene->plan->steps->len, ==, 0);
    g_assert_cmpint(kt_pool_wait_due(wait, NOW + KT_POOL_WAIT_USEC - 1), ==, 1);

    plan_at(scene, wait, NOW + KT_POOL_WAIT_USEC);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
    g_assert_cmpint(kt_pool_wait_due(wait, NOW + KT_POOL_WAIT_USEC), ==, 0);
}

/** A guest that came back takes its pages, and the next time counts anew. */
static void
test_wanted_again(void)
{
    g_autoptr(Scene) scene = unused_pages(AUTO);
    g_autoptr(KtPoolWait) wait = kt_pool_wait_new();
    plan_at(scene, wait, NOW);
    pool(scene, 0)->free = 0;
    plan_at(scene, wait, NOW + G_TIME_SPAN_MINUTE);
    g_assert_cmpint(kt_pool_wait_due(wait, NOW + G_TIME_SPAN_MINUTE), ==, 0);

    pool(scene, 0)->free = 64;
    plan_at(scene, wait, NOW + KT_POOL_WAIT_USEC);
    g_assert_cmpuint(scene->plan->steps->len, ==, 0);
}

/** What the profile counts is what somebody wants now. */
static void
test_counted(void)
{
    g_autoptr(Scene) scene = unused_pages("[host]\nhugepages.2M = 0:10\n");
    g_autoptr(KtPoolWait) wait = kt_pool_wait_new();
    plan_at(scene, wait, NOW);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
}

static void
test_memory_is_short(void)
{
    g_autoptr(Scene) scene = unused_pages(AUTO);
    g_autoptr(KtPoolWait) wait = kt_pool_wait_new();
    scene->snapshot->memory->available_kib = 2 * 4096 * MIB / KT_POOL_WAIT_SHARE - 1;
    plan_at(scene, wait, NOW);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
}

/** Another pool that grows counts on the memory. */
static void
test_needed_for_another(void)
{
    g_autoptr(Scene) scene = unused_pages(AUTO "hugepages.1G = 1:1\n");
    g_autoptr(KtPoolWait) wait = kt_pool_wait_new();
    plan_at(scene, wait, NOW);
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool-wait/shrinks-late", test_shrinks_late);
    g_test_add_func("/pool-wait/wanted-again", test_wanted_again);
    g_test_add_func("/pool-wait/counted", test_counted);
    g_test_add_func("/pool-wait/memory-is-short", test_memory_is_short);
    g_test_add_func("/pool-wait/needed-for-another", test_needed_for_another);
    return g_test_run();
}
