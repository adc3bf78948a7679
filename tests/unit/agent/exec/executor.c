/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sqlite3.h>

#include "tests/unit/agent/exec/exec_scene.h"

static const FakeFile files[] = {{KSM_RUN, "0\n"}, {THP_ENABLED, "always [madvise] never\n"}, {NULL, NULL}};

static void
test_nothing_to_do(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(KtReport) report = apply(scene);
    g_assert_cmpint(report->run, ==, 0);
    g_assert_cmpuint(report->outcomes->len, ==, 0);
    g_autoptr(GPtrArray) runs = kt_journal_runs(scene->journal, NULL);
    g_assert_cmpuint(runs->len, ==, 0);
}

static void
test_done(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");

    g_autoptr(KtReport) report = apply(scene);

    g_assert_false(report->failed);
    g_assert_false(report->partial);
    g_assert_cmpuint(report->n_done, ==, 2);
    assert_result(report, 0, KT_RESULT_DONE);
    assert_file(scene, KSM_RUN, "1");
    assert_file(scene, THP_ENABLED, "never");
    g_autoptr(KtJournalRun) run = kt_journal_run(scene->journal, report->run, NULL);
    g_assert_cmpint(run->finished_usec, >, 0);
    g_assert_cmpuint(run->n_to_undo, ==, 2);
    const KtJournalStep *step = g_ptr_array_index(run->steps, 1);
    g_assert_cmpstr(step->before, ==, "madvise");
    g_assert_cmpstr(step->after, ==, "never");
}

static void
test_conflict_is_skipped(void)
{
    /* given a value that somebody changed after the plan was made */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");
    fake_host_write(scene->host, KSM_RUN, "2\n");

    g_autoptr(KtReport) report = apply(scene);

    /* then it stays, both values are named, and the rest is done */
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "expected '0', found '2'");
    assert_result(report, 1, KT_RESULT_DONE);
    assert_file(scene, KSM_RUN, "2\n");
    g_assert_true(report->partial);
    g_assert_false(report->failed);
    g_assert_cmpuint(report->n_done, ==, 1);
    g_autoptr(KtJournalRun) run = kt_journal_run(scene->journal, report->run, NULL);
    g_assert_cmpuint(run->n_to_undo, ==, 1);
}

/* A guest that counts on pages which aren't there would not start. */
static void
test_no_pages_no_guest_on_them(void)
{
    static const char pool[] = "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    const FakeFile pools[] = {{pool, "0"}, {NULL, NULL}};
    g_autoptr(ExecScene) scene = exec_scene_with_domain(pools);
    plan_file(scene, pool, "0", "8");
    KtAction *action = scene->plan->actions->pdata[0];
    action->setting = kt_setting(KT_SETTING_HUGEPAGES_2M);
    plan_edit(scene, KT_XML_HUGEPAGES, NULL, NULL, "hugepages-2M");
    fake_host_write(scene->host, pool, "1");

    g_autoptr(KtReport) report = apply(scene);

    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_result(report, 1, KT_RESULT_SKIPPED);
    assert_message(report, 1, "a pool of huge pages isn't what it was to be");
    g_assert_true(report->partial);
}

static void
test_already_so(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    fake_host_write(scene->host, KSM_RUN, "1\n");

    g_autoptr(KtReport) report = apply(scene);

    /* then it isn't ours to undo */
    assert_result(report, 0, KT_RESULT_SKIPPED);
    assert_message(report, 0, "already");
    g_assert_false(report->partial);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_absent_file(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, "sys/kernel/gone", "0", "1");
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "/sys/kernel/gone is not there any more");
    g_assert_true(report->partial);
}

static void
test_failure_undoes_the_run(void)
{
    /* given a second write that the kernel refuses, and a third one */
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){
        {KSM_RUN, "0\n"}, {THP_ENABLED, "always [madvise] never\n"}, {"sys/third", "a\n"}, {NULL, NULL}});
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");
    plan_file(scene, "sys/third", "a", "b");
    kt_root_fail_writes(scene->host->root, THP_ENABLED, EBUSY);

    g_autoptr(KtReport) report = apply(scene);

    /* then the first is put back, the third never begun */
    g_assert_true(report->failed);
    g_assert_false(report->partial);
    g_assert_cmpuint(report->n_done, ==, 0);
    g_assert_nonnull(strstr(report->failure, THP_ENABLED));
    g_assert_nonnull(strstr(report->failure, g_strerror(EBUSY)));
    assert_result(report, 0, KT_RESULT_UNDONE);
    assert_result(report, 1, KT_RESULT_FAILED);
    assert_result(report, 2, KT_RESULT_SKIPPED);
    assert_file(scene, KSM_RUN, "0");
    assert_file(scene, "sys/third", "a\n");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
    g_autoptr(KtJournalRun) run = kt_journal_run(scene->journal, report->run, NULL);
    g_assert_true(run->undone);
    g_assert_cmpint(run->finished_usec, >, 0);
}

/** Somebody wants the program to end before the second step. */
static void
stop_at_second(const KtJournalStep *step, guint index, guint total, gpointer user_data)
{
    (void)step, (void)total;
    const ExecScene *scene = user_data;
    if (index == 2)
        g_cancellable_cancel(scene->target.stop);
}

static void
test_told_to_end(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(GCancellable) stop = g_cancellable_new();
    scene->target.stop = stop;
    scene->target.verb = "daemon";
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");
    kt_plan_group_steps(scene->plan);
    g_autoptr(GError) error = NULL;

    g_autoptr(KtReport) report =
        kt_execute(&scene->target, scene->journal, scene->plan, NULL, stop_at_second, scene, &error);

    /* then nothing more is begun, what was done stays, and the run has an end */
    g_assert_no_error(error);
    assert_result(report, 0, KT_RESULT_DONE);
    assert_result(report, 1, KT_RESULT_SKIPPED);
    assert_file(scene, KSM_RUN, "1");
    assert_file(scene, THP_ENABLED, "always [madvise] never\n");
    g_assert_true(report->partial);
    g_assert_false(report->failed);
    g_autoptr(KtJournalRun) run = kt_journal_run(scene->journal, report->run, NULL);
    g_assert_cmpstr(run->verb, ==, "daemon");
    g_assert_cmpint(run->finished_usec, >, 0);
}

static void
test_undo_after_failure_fails_too(void)
{
    /* given a file that takes one write, and then no other: what is there to undo can't be undone now */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    must_apply(scene);
    kt_root_fail_writes(scene->host->root, KSM_RUN, EPERM);

    g_autoptr(KtReport) report = rollback(scene);

    /* then it is left in the journal, and the next rollback does it */
    g_assert_true(report->partial);
    assert_result(report, 0, KT_RESULT_FAILED);
    g_assert_cmpuint(report->n_done, ==, 0);
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
    assert_file(scene, KSM_RUN, "1");
    kt_root_fail_writes(scene->host->root, KSM_RUN, 0);
    g_autoptr(KtReport) again = rollback(scene);
    g_assert_false(again->partial);
    assert_file(scene, KSM_RUN, "0");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/** Makes the file unwritable for the test's other hand. */
static void
fail_second_file(const KtJournalStep *step, guint index, guint total, gpointer user_data)
{
    ExecScene *scene = user_data;
    g_assert_cmpuint(total, ==, 2);
    if (index == 2) {
        g_assert_cmpstr(step->path, ==, THP_ENABLED);
        kt_root_fail_writes(scene->host->root, THP_ENABLED, ENOMEM);
        kt_root_fail_writes(scene->host->root, KSM_RUN, EROFS);
    }
}

static void
test_failure_that_cannot_be_undone(void)
{
    /* given a second step that fails, when the first can't be put back either */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(GError) error = NULL;
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");
    kt_plan_group_steps(scene->plan);
    g_autoptr(KtReport) report =
        kt_execute(&scene->target, scene->journal, scene->plan, NULL, fail_second_file, scene, &error);
    g_assert_no_error(error);

    /* then the report says which is left, and so does the journal */
    g_assert_true(report->failed);
    g_assert_true(report->partial);
    assert_result(report, 0, KT_RESULT_DONE);
    assert_message(report, 0, "could not be undone");
    g_assert_cmpuint(report->n_done, ==, 1);
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
}

/** Takes the journal away behind the executor's back: a trigger stands for a full disk. */
static void
break_journal(const KtJournalStep *step, guint index, guint total, gpointer user_data)
{
    ExecScene *scene = user_data;
    g_autofree char *database = g_build_filename(scene->state, "state.db", NULL);
    sqlite3 *db;
    (void)step, (void)total;
    if (index != 2)
        return;
    g_assert_cmpint(sqlite3_open(database, &db), ==, SQLITE_OK);
    g_assert_cmpint(
        sqlite3_exec(db, "CREATE TRIGGER full BEFORE INSERT ON steps BEGIN SELECT RAISE(FAIL, 'full'); END",
                     NULL, NULL, NULL),
        ==, SQLITE_OK);
    sqlite3_close(db);
}

static void
test_journal_breaks(void)
{
    /* given a journal that can't be written from the second step on */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    g_autoptr(GError) error = NULL;
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");
    kt_plan_group_steps(scene->plan);

    g_autoptr(KtReport) report =
        kt_execute(&scene->target, scene->journal, scene->plan, NULL, break_journal, scene, &error);

    /* then the second step isn't done, since it isn't recorded, and the first is put back all the same */
    g_assert_null(report);
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "was undone"));
    assert_file(scene, KSM_RUN, "0");
    assert_file(scene, THP_ENABLED, "always [madvise] never\n");
}

static void
test_partial_effect_goes_back(void)
{
    /* given a write after which the file reads as something that is neither before nor after */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "all [some]");

    g_autoptr(KtReport) report = apply(scene);

    /* then the step has failed, with both values named, and what it left goes back */
    g_assert_true(report->failed);
    g_assert_false(report->partial);
    assert_result(report, 0, KT_RESULT_FAILED);
    g_assert_nonnull(strstr(report->failure, "wanted 'all [some]', found 'some'"));
    assert_file(scene, KSM_RUN, "0");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_half_done_is_undone(void)
{
    /* given a program that was killed after the write and before it could say so */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    gint64 run = 0;
    g_assert_true(kt_journal_begin_run(scene->journal, "apply", NULL, 1, &run, NULL));
    for (int i = 0; i < 2; i++) {
        g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_SYSFS);
        step->path = g_strdup(i == 0 ? KSM_RUN : THP_ENABLED);
        step->before = g_strdup(i == 0 ? "0" : "madvise");
        step->target = g_strdup(i == 0 ? "1" : "never");
        KtJournalAction *action = g_new0(KtJournalAction, 1);
        action->setting = g_strdup("x");
        g_ptr_array_add(step->actions, action);
        g_assert_true(kt_journal_begin_step(scene->journal, run, step, NULL));
    }
    fake_host_write(scene->host, KSM_RUN, "1\n");
    exec_scene_restart(scene);
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, NULL);
    g_autoptr(GPtrArray) planned = kt_undo_steps(runs);
    g_assert_cmpuint(planned->len, ==, 2);

    /* when it is rolled back, then the one that was done goes back, the other was never done */
    g_autoptr(KtReport) report = rollback(scene);
    g_assert_false(report->partial);
    assert_result(report, 0, KT_RESULT_UNDONE);
    assert_message(report, 0, "already");
    assert_result(report, 1, KT_RESULT_UNDONE);
    assert_file(scene, KSM_RUN, "0");
    assert_file(scene, THP_ENABLED, "always [madvise] never\n");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_undo_twice(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    gint64 run = must_apply(scene);
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_cmpuint(undone->n_done, ==, 1);
    assert_file(scene, KSM_RUN, "0");
    g_assert_cmpint(undone->run, ==, run + 1);

    /* then a second rollback has nothing, and is no run */
    g_autoptr(KtReport) nothing = rollback(scene);
    g_assert_cmpint(nothing->run, ==, 0);
    g_assert_cmpuint(nothing->n_done, ==, 0);
    g_autoptr(GPtrArray) runs = kt_journal_runs(scene->journal, NULL);
    g_assert_cmpuint(runs->len, ==, 2);
}

static void
test_undo_of_somebodys_change(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    plan_file(scene, THP_ENABLED, "madvise", "never");
    must_apply(scene);
    fake_host_write(scene->host, KSM_RUN, "2\n");

    g_autoptr(KtReport) report = rollback(scene);

    /* then that one stays, in the journal too; the other goes back */
    g_assert_true(report->partial);
    assert_result(report, 0, KT_RESULT_UNDONE);
    assert_result(report, 1, KT_RESULT_CONFLICT);
    assert_message(report, 1, "expected '1', found '2'");
    assert_file(scene, KSM_RUN, "2\n");
    assert_file(scene, THP_ENABLED, "madvise");
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
}

static void
test_undo_of_several_runs(void)
{
    /* given two runs that changed the same value */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    gint64 first = must_apply(scene);
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    plan_file(scene, KSM_RUN, "1", "2");
    gint64 second = must_apply(scene);

    /* when all is undone, newest first, then it is as before the first */
    g_autoptr(KtReport) report = rollback(scene);
    g_assert_cmpuint(report->n_done, ==, 2);
    g_assert_cmpint(outcome(report, 0)->step->undoes_run, ==, second);
    g_assert_cmpint(outcome(report, 1)->step->undoes_run, ==, first);
    assert_file(scene, KSM_RUN, "0");
}

static void
test_killed_rollback_goes_on(void)
{
    /* given a rollback that was killed after it had put the value back, before it could say so */
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    plan_file(scene, KSM_RUN, "0", "1");
    must_apply(scene);
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, NULL);
    g_autoptr(GPtrArray) steps = kt_undo_steps(runs);
    gint64 run = 0;
    g_assert_true(kt_journal_begin_run(scene->journal, "rollback", NULL, 1, &run, NULL));
    g_assert_true(kt_journal_begin_step(scene->journal, run, g_ptr_array_index(steps, 0), NULL));
    fake_host_write(scene->host, KSM_RUN, "0\n");
    exec_scene_restart(scene);

    /* then it is told as one that has something left, and the next one finds it so */
    g_autoptr(KtJournalRun) killed = kt_journal_run(scene->journal, run, NULL);
    g_assert_cmpuint(killed->n_to_undo, ==, 1);
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
    g_autoptr(KtReport) report = rollback(scene);
    assert_result(report, 0, KT_RESULT_UNDONE);
    g_assert_false(report->partial);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
    g_autoptr(KtJournalRun) settled = kt_journal_run(scene->journal, run, NULL);
    g_assert_cmpuint(settled->n_to_undo, ==, 0);
}

static void
test_names_agree(void)
{
    for (guint kind = 0; kind < KT_N_STEP_KINDS; kind++)
        g_assert_cmpstr(kt_step_ops(kind)->name, ==, kt_step_kind_name(kind));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/executor/nothing-to-do", test_nothing_to_do);
    g_test_add_func("/executor/done", test_done);
    g_test_add_func("/executor/conflict-is-skipped", test_conflict_is_skipped);
    g_test_add_func("/executor/no-pages-no-guest-on-them", test_no_pages_no_guest_on_them);
    g_test_add_func("/executor/already-so", test_already_so);
    g_test_add_func("/executor/told-to-end", test_told_to_end);
    g_test_add_func("/executor/absent-file", test_absent_file);
    g_test_add_func("/executor/failure-undoes-the-run", test_failure_undoes_the_run);
    g_test_add_func("/executor/failure-that-cannot-be-undone", test_failure_that_cannot_be_undone);
    g_test_add_func("/executor/journal-breaks", test_journal_breaks);
    g_test_add_func("/executor/names-agree", test_names_agree);
    g_test_add_func("/executor/partial-effect-goes-back", test_partial_effect_goes_back);
    g_test_add_func("/undo/fails", test_undo_after_failure_fails_too);
    g_test_add_func("/undo/half-done", test_half_done_is_undone);
    g_test_add_func("/undo/twice", test_undo_twice);
    g_test_add_func("/undo/somebodys-change", test_undo_of_somebodys_change);
    g_test_add_func("/undo/several-runs", test_undo_of_several_runs);
    g_test_add_func("/undo/killed-rollback", test_killed_rollback_goes_on);
    return g_test_run();
}
