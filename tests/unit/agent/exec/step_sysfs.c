/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "tests/unit/agent/exec/exec_scene.h"

#define POOL "sys/devices/system/node/node0/hugepages/hugepages-2048kB/"

static void
assert_state(const ExecScene *scene, const char *before, const char *target, KtStepState wanted)
{
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_SYSFS);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    g_autoptr(GError) error = NULL;
    g_autofree char *found = NULL;
    KtStepState state;
    action->setting = g_strdup("hugepages.2M");
    g_ptr_array_add(step->actions, action);
    step->path = g_strdup(POOL "nr_hugepages");
    step->before = g_strdup(before);
    step->target = g_strdup(target);
    g_assert_true(kt_step_sysfs.check(&scene->target, step, &state, &found, &error));
    g_assert_no_error(error);
    g_assert_cmpint(state, ==, wanted);
}

/* The kernel counts pages in nr_hugepages that are used and that nobody asks for any more: a pool that was
 * made smaller under a running guest is as it is to be. */
static void
test_pool_with_surplus(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(
        (FakeFile[]){{POOL "nr_hugepages", "64\n"}, {POOL "surplus_hugepages", "60\n"}, {NULL, NULL}});

    assert_state(scene, "64", "4", KT_STEP_IS_AFTER);
    assert_state(scene, "4", "64", KT_STEP_IS_BEFORE);
    assert_state(scene, "64", "60", KT_STEP_IS_OTHER);
}

static void
test_pool(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(
        (FakeFile[]){{POOL "nr_hugepages", "0\n"}, {POOL "surplus_hugepages", "0\n"}, {NULL, NULL}});
    plan_file(scene, POOL "nr_hugepages", "0", "512");

    must_apply(scene);
    assert_file(scene, POOL "nr_hugepages", "512");

    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_cmpuint(undone->n_done, ==, 1);
    assert_file(scene, POOL "nr_hugepages", "0");
}

/* A kernel without the files of surplus pages, and one that lost the pool. */
static void
test_pool_without_surplus(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{POOL "nr_hugepages", "3\n"}, {NULL, NULL}});
    g_autoptr(ExecScene) without = exec_scene_new(NULL);

    assert_state(scene, "3", "5", KT_STEP_IS_BEFORE);
    assert_state(without, "3", "5", KT_STEP_IS_GONE);
}

/* A kernel that finds fewer pages than asked is given its memory compacted, of that node alone, and then it
 * fails. */
static void
test_pool_falls_short(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{POOL "nr_hugepages", "10\n"},
                                                             {POOL "surplus_hugepages", "2\n"},
                                                             {"sys/devices/system/node/node0/compact", ""},
                                                             {"sys/devices/system/node/node1/compact", ""},
                                                             {NULL, NULL}});
    plan_file(scene, POOL "nr_hugepages", "8", "512");

    g_autoptr(KtReport) report = apply(scene);

    g_assert_true(report->failed);
    g_assert_nonnull(strstr(report->failure, "wanted '512', found '510'"));
    assert_file(scene, "sys/devices/system/node/node0/compact", "1");
    assert_file(scene, "sys/devices/system/node/node1/compact", "");
}

/* One that gets what it asks for, or shrinks, makes nobody wait for that. */
static void
test_pool_has_room(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{POOL "nr_hugepages", "0\n"},
                                                             {POOL "surplus_hugepages", "0\n"},
                                                             {"sys/devices/system/node/node0/compact", ""},
                                                             {NULL, NULL}});
    plan_file(scene, POOL "nr_hugepages", "0", "512");
    must_apply(scene);
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_cmpuint(undone->n_done, ==, 1);
    assert_file(scene, "sys/devices/system/node/node0/compact", "");
}

/* Without nodes all memory is compacted. */
static void
test_pool_of_the_host_falls_short(void)
{
    static const char path[] = "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    g_autoptr(ExecScene) scene =
        exec_scene_new((FakeFile[]){{path, "10\n"},
                                    {"sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages", "2\n"},
                                    {"proc/sys/vm/compact_memory", ""},
                                    {NULL, NULL}});
    plan_file(scene, path, "8", "512");
    G_GNUC_UNUSED g_autoptr(KtReport) report = apply(scene);
    assert_file(scene, "proc/sys/vm/compact_memory", "1");
}

/* Whatever the kernel says: it is named with the file and the value, and the write before it goes back. */
static void
test_refused(void)
{
    static const int errnums[] = {EINVAL, EBUSY, ENOMEM, EROFS, EPERM};
    for (guint i = 0; i < G_N_ELEMENTS(errnums); i++) {
        g_autoptr(ExecScene) scene =
            exec_scene_new((FakeFile[]){{KSM_RUN, "0"}, {THP_ENABLED, "madvise"}, {NULL, NULL}});
        plan_file(scene, KSM_RUN, "0", "1");
        plan_file(scene, THP_ENABLED, "madvise", "never");
        kt_root_fail_writes(scene->host->root, THP_ENABLED, errnums[i]);

        g_autoptr(KtReport) report = apply(scene);

        g_assert_true(report->failed);
        g_assert_false(report->partial);
        assert_message(report, 1, THP_ENABLED);
        assert_message(report, 1, "'never'");
        assert_message(report, 1, g_strerror(errnums[i]));
        assert_file(scene, KSM_RUN, "0");
        g_assert_cmpuint(runs_to_undo(scene), ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/step-sysfs/pool", test_pool);
    g_test_add_func("/step-sysfs/pool/falls-short", test_pool_falls_short);
    g_test_add_func("/step-sysfs/pool/has-room", test_pool_has_room);
    g_test_add_func("/step-sysfs/pool/of-the-host-falls-short", test_pool_of_the_host_falls_short);
    g_test_add_func("/step-sysfs/pool/surplus", test_pool_with_surplus);
    g_test_add_func("/step-sysfs/pool/no-surplus", test_pool_without_surplus);
    g_test_add_func("/step-sysfs/refused", test_refused);
    return g_test_run();
}
