/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/loads.h"

#include "tests/unit/agent/exec/exec_scene.h"

/** The test driver's domain, with two vCPUs that are online and one that isn't. */
static ExecScene *
scene_new(void)
{
    ExecScene *scene = exec_scene_with_domain(NULL);
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    for (guint i = 0; i < 3; i++) {
        KtVcpu *vcpu = g_new0(KtVcpu, 1);
        vcpu->id = i;
        vcpu->online = i < 2;
        g_ptr_array_add(domain->vcpus, vcpu);
    }
    return scene;
}

static void
set_loads(ExecScene *scene, const char *uuid, const char *process, guint vcpus, double load)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) loads = g_ptr_array_new();
    KtMeasuredLoad measured = {(char *)uuid, (char *)process, vcpus, load};
    g_ptr_array_add(loads, &measured);
    g_assert_true(kt_journal_set_loads(scene->journal, loads, &error));
    g_assert_no_error(error);
}

/** What a plan is made with, now. */
static double
recent_load(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(kt_journal_fill_loads(scene->journal, scene->snapshot, &error));
    g_assert_no_error(error);
    return ((const KtDomain *)scene->snapshot->domains->pdata[0])->recent_load;
}

/** Another daemon, and a verb beside it, have them too. */
static void
test_outlives_the_daemon(void)
{
    g_autoptr(ExecScene) scene = scene_new();
    g_assert_cmpfloat(recent_load(scene), ==, 0);
    set_loads(scene, TEST_UUID, "id:1", 2, 0.37);
    exec_scene_restart(scene);
    g_assert_cmpfloat(recent_load(scene), ==, 0.37);

    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournal) reader = kt_journal_open(scene->state, KT_JOURNAL_READ, &error);
    g_assert_no_error(error);
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    domain->recent_load = 0;
    g_assert_true(kt_journal_fill_loads(reader, scene->snapshot, &error));
    g_assert_cmpfloat(domain->recent_load, ==, 0.37);
}

/** Only those that were measured last count. */
static void
test_replaced(void)
{
    g_autoptr(ExecScene) scene = scene_new();
    set_loads(scene, TEST_UUID, "id:1", 2, 0.37);
    set_loads(scene, TEST_UUID, "id:1", 2, 1);
    g_assert_cmpfloat(recent_load(scene), ==, 1);
    set_loads(scene, "another", "id:2", 2, 1);
    g_assert_cmpfloat(recent_load(scene), ==, 0);
}

/** Of a guest that did nothing since, as one that is paused, what was measured before counts on. */
static void
test_nothing_measured(void)
{
    g_autoptr(ExecScene) scene = scene_new();
    set_loads(scene, TEST_UUID, "id:1", 2, 0.37);
    set_loads(scene, TEST_UUID, "id:1", 2, 0);
    g_assert_cmpfloat(recent_load(scene), ==, 0.37);
    set_loads(scene, "another", "id:2", 2, 0);
    g_assert_cmpfloat(recent_load(scene), ==, 0);
}

/** Of a guest that was started anew, or has other vCPUs now, nothing is known. */
static void
test_of_another_life(void)
{
    g_autoptr(ExecScene) scene = scene_new();
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    set_loads(scene, TEST_UUID, "id:0", 2, 0.37);
    g_assert_cmpfloat(recent_load(scene), ==, 0);
    set_loads(scene, TEST_UUID, "id:1", 2, 0.37);
    g_assert_cmpfloat(recent_load(scene), ==, 0.37);
    ((KtVcpu *)domain->vcpus->pdata[2])->online = true;
    g_assert_cmpfloat(recent_load(scene), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/loads/outlives-the-daemon", test_outlives_the_daemon);
    g_test_add_func("/loads/replaced", test_replaced);
    g_test_add_func("/loads/nothing-measured", test_nothing_measured);
    g_test_add_func("/loads/of-another-life", test_of_another_life);
    return g_test_run();
}
