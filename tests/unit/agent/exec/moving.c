/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/moving.h"

#include <errno.h>

#include "tests/unit/agent/exec/exec_scene.h"

#define PAGES "sys/kernel/mm/ksm/pages_to_scan"

static const FakeFile files[] = {{KSM_RUN, "0"}, {PAGES, "100"}, {NULL, NULL}};

static KtJournalRun *
begin(ExecScene *scene)
{
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    g_autoptr(GError) error = NULL;
    KtJournalRun *run = NULL;
    g_ptr_array_add(steps, kt_moving_step(PAGES, "100", "ksm.mode", "pages to scan", "why"));
    g_ptr_array_add(steps, kt_moving_step(KSM_RUN, "0", "ksm.mode", "run", "why"));
    g_assert_true(kt_moving_begin(scene->journal, "govern", "x.conf", steps, &error));
    g_assert_no_error(error);
    g_assert_true(kt_moving_find(scene->journal, "govern", 0, &run, &error));
    g_assert_nonnull(run);
    return run;
}

static bool
move_to(ExecScene *scene, const KtJournalRun *run, const char *pages, const char *running, GError **error)
{
    const KtMove moves[] = {{g_ptr_array_index(run->steps, 0), pages},
                            {g_ptr_array_index(run->steps, 1), running}};
    return kt_moving_write(scene->host->root, scene->journal, moves, G_N_ELEMENTS(moves), error);
}

static void
must_move(ExecScene *scene, const KtJournalRun *run, const char *pages, const char *running)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(move_to(scene, run, pages, running, &error));
    g_assert_no_error(error);
}

static void
assert_undone(ExecScene *scene)
{
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_false(undone->partial);
    assert_file(scene, PAGES, "100");
    assert_file(scene, KSM_RUN, "0");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* However often a value was moved: one run, and rollback gives back the first. */
static void
test_moved_often(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(KtJournalRun) run = begin(scene);

    must_move(scene, run, "500", "1");
    must_move(scene, run, "1250", "1");
    must_move(scene, run, "64", "1");

    assert_file(scene, PAGES, "64");
    assert_file(scene, KSM_RUN, "1");
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
    g_autoptr(KtJournalRun) read = kt_journal_run(scene->journal, run->id, NULL);
    const KtJournalStep *step = g_ptr_array_index(read->steps, 0);
    const KtJournalAction *action = g_ptr_array_index(step->actions, 0);
    g_assert_cmpstr(action->from, ==, "100");
    g_assert_cmpstr(action->to, ==, "64");
    assert_undone(scene);
}

static void
test_begun_and_not_moved(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    kt_journal_run_free(begin(scene));
    assert_undone(scene);
}

/* As if it had been killed after a value was recorded, before or after it was written. */
static void
test_killed(void)
{
    static const char *const left[] = {"500", "1250"};
    for (gsize i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autoptr(ExecScene) scene = exec_scene_new(files);
        g_autoptr(KtJournalRun) run = begin(scene);
        g_autoptr(GError) error = NULL;
        must_move(scene, run, "500", "1");
        kt_root_fail_writes(scene->host->root, PAGES, EIO);
        g_assert_false(move_to(scene, run, "1250", "1", &error));
        g_assert_error(error, KT_ERROR, KT_ERROR_IO);

        fake_host_write(scene->host, PAGES, left[i]);
        kt_root_fail_writes(scene->host->root, PAGES, 0);
        exec_scene_restart(scene);

        g_autoptr(KtJournalRun) found = NULL;
        g_assert_true(kt_moving_find(scene->journal, "govern", 0, &found, NULL));
        g_assert_true(kt_moving_is_ours(g_ptr_array_index(found->steps, 0), left[i]));
        g_assert_false(kt_moving_is_ours(g_ptr_array_index(found->steps, 0), "77"));
        assert_undone(scene);
    }
}

/* The file that fails keeps its value; what was written before it is known. */
static void
test_fails_half_way(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(KtJournalRun) run = begin(scene);
    g_autoptr(GError) error = NULL;
    kt_root_fail_writes(scene->host->root, KSM_RUN, EBUSY);

    g_assert_false(move_to(scene, run, "500", "1", &error));

    g_assert_nonnull(strstr(error->message, KSM_RUN));
    assert_file(scene, PAGES, "500");
    assert_file(scene, KSM_RUN, "0");
    kt_root_fail_writes(scene->host->root, KSM_RUN, 0);
    assert_undone(scene);
}

/* Somebody's own value stays, the others go back. */
static void
test_somebody_elses_value(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(KtJournalRun) run = begin(scene);
    must_move(scene, run, "500", "1");
    must_move(scene, run, "1250", "1");
    fake_host_write(scene->host, PAGES, "500");

    g_autoptr(KtReport) undone = rollback(scene);

    g_assert_true(undone->partial);
    assert_file(scene, PAGES, "500");
    assert_file(scene, KSM_RUN, "0");
}

/* After a rollback nothing is moved any more. */
static void
test_rolled_back(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(KtJournalRun) run = begin(scene);
    g_autoptr(KtJournalRun) found = NULL;
    g_autoptr(GError) error = NULL;
    must_move(scene, run, "500", "1");
    assert_undone(scene);

    g_assert_false(move_to(scene, run, "1250", "1", &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
    assert_file(scene, PAGES, "100");
    g_assert_true(kt_moving_find(scene->journal, "govern", 0, &found, NULL));
    g_assert_null(found);
}

/* A run from before the host was started, of another verb, or whose files a later run has changed, isn't
 * taken up.
 */
static void
test_find(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    kt_journal_run_free(begin(scene));
    KtJournalRun *found = NULL;

    g_assert_true(kt_moving_find(scene->journal, "govern", G_MAXINT64, &found, NULL));
    g_assert_null(found);
    g_assert_true(kt_moving_find(scene->journal, "apply", 0, &found, NULL));
    g_assert_null(found);
    plan_file(scene, KSM_RUN, "0", "1");
    must_apply(scene);
    g_assert_true(kt_moving_find(scene->journal, "govern", 0, &found, NULL));
    g_assert_null(found);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/moving/often", test_moved_often);
    g_test_add_func("/moving/begun-and-not-moved", test_begun_and_not_moved);
    g_test_add_func("/moving/killed", test_killed);
    g_test_add_func("/moving/fails-half-way", test_fails_half_way);
    g_test_add_func("/moving/somebody-elses-value", test_somebody_elses_value);
    g_test_add_func("/moving/rolled-back", test_rolled_back);
    g_test_add_func("/moving/find", test_find);
    return g_test_run();
}
