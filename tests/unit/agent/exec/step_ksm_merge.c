/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/agent/exec/exec_scene.h"

#include <errno.h>
#include <sqlite3.h>

#define KSM "sys/kernel/mm/ksm/"
#define MERGE KSM "merge_across_nodes"

/* 1 MiB is free, @sharing pages are merged; the fake kernel has none shared left as soon as it is asked. */
static ExecScene *
host_with_ksm(const char *run, const char *sharing)
{
    return exec_scene_new((FakeFile[]){{KSM_RUN, run},
                                       {MERGE, "1\n"},
                                       {KSM "pages_sharing", sharing},
                                       {KSM "pages_shared", "0\n"},
                                       {"proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\n"},
                                       {NULL, NULL}});
}

static void
plan_merge(ExecScene *scene)
{
    KtAction action = {.domain = -1,
                       .setting = kt_setting(KT_SETTING_KSM_MERGE_ACROSS_NODES),
                       .from = g_strdup("yes"),
                       .to = g_strdup("no"),
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:1:1"),
                       .kind = KT_STEP_KSM_MERGE,
                       .path = g_strdup(MERGE),
                       .raw_from = g_strdup("1"),
                       .raw_to = g_strdup("0")};
    g_assert_true(kt_plan_add(scene->plan, action));
}

/* Where a program was killed: the parts that the journal has, of which the last is done or not, and what the
 * kernel's files hold. */
typedef struct {
    guint n_parts;
    bool done;
    const char *merge, *run;
} Moment;

/* Records parts as the procedure does when `run` held @run. */
static void
come_to(const ExecScene *scene, const Moment *moment, KtJournalStep *step, const char *run)
{
    static const char *const names[] = {"unmerge", "write", "resume"};
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < moment->n_parts; i++) {
        g_assert_true(kt_journal_begin_part(step, names[i], run, &error));
        if (i + 1 < moment->n_parts || moment->done)
            g_assert_true(kt_journal_end_part(step, &error));
    }
    fake_host_write(scene->host, MERGE, moment->merge);
    fake_host_write(scene->host, KSM_RUN, moment->run);
}

/* As a run that was killed leaves the journal: its step begun, and not all of its parts done. */
static void
begin_and_die(ExecScene *scene, const Moment *moment)
{
    g_autoptr(GError) error = NULL;
    kt_plan_group_steps(scene->plan);
    g_autoptr(KtJournalStep) step =
        kt_step_from_plan(scene->plan, scene->plan->steps->pdata[0], &scene->target);
    g_autofree char *found = NULL;
    KtStepState state;
    gint64 run;
    g_assert_true(kt_step_ops(step->kind)->check(&scene->target, step, &state, &found, &error));
    g_assert_cmpint(state, ==, KT_STEP_IS_BEFORE);
    g_assert_true(kt_journal_begin_run(scene->journal, "apply", "x.conf", 1, &run, &error));
    g_assert_true(kt_journal_begin_step(scene->journal, run, step, &error));
    g_autofree char *held = fake_host_text(scene->host, KSM_RUN);
    come_to(scene, moment, step, g_strchomp(held));
    exec_scene_restart(scene);
}

/* As a rollback that was killed: the undo of the newest run's step begun, and not all of its parts done. */
static void
begin_undo_and_die(ExecScene *scene, const Moment *moment)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, &error);
    g_autoptr(GPtrArray) steps = kt_undo_steps(runs);
    gint64 run;
    g_assert_true(kt_journal_begin_run(scene->journal, "rollback", NULL, 1, &run, &error));
    g_assert_true(kt_journal_begin_step(scene->journal, run, steps->pdata[0], &error));
    g_autofree char *held = fake_host_text(scene->host, KSM_RUN);
    come_to(scene, moment, steps->pdata[0], g_strchomp(held));
    exec_scene_restart(scene);
}

static void
assert_ksm(const ExecScene *scene, const char *merge, const char *run)
{
    g_autofree char *merge_found = fake_host_text(scene->host, MERGE);
    g_autofree char *run_found = fake_host_text(scene->host, KSM_RUN);
    g_assert_cmpstr(g_strchomp(merge_found), ==, merge);
    g_assert_cmpstr(g_strchomp(run_found), ==, run);
}

static void
assert_undone(ExecScene *scene, const char *run)
{
    g_autoptr(KtReport) report = rollback(scene);
    g_assert_false(report->partial);
    assert_result(report, 0, KT_RESULT_UNDONE);
    assert_ksm(scene, "1", run);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* Whatever KSM did it does again after it: stopped, running, unmerged. */
static void
test_round_trip(void)
{
    for (guint run = 0; run <= 2; run++) {
        g_autofree char *text = g_strdup_printf("%u", run);
        g_autoptr(ExecScene) scene = host_with_ksm(text, "256\n");
        plan_merge(scene);
        must_apply(scene);
        assert_ksm(scene, "0", text);
        assert_undone(scene, text);
    }
}

/* 257 pages of 4 KiB are more than the 1 MiB that is free by now. */
static void
test_memory_is_gone(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "257\n");
    plan_merge(scene);
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "unmerging needs 1 MiB for 257 merged pages");
    assert_ksm(scene, "1", "1");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_conflict(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    fake_host_write(scene->host, MERGE, "0\n");
    plan_merge(scene);
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_SKIPPED);
    assert_ksm(scene, "0", "1");
}

static void
test_kernel_refuses(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    kt_root_fail_writes(scene->host->root, MERGE, EBUSY);
    plan_merge(scene);
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, MERGE);
    assert_ksm(scene, "1", "1");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* What stays merged then is out of KSM's own sight. */
static void
test_numa_balancing_is_named(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    fake_host_write(scene->host, "proc/sys/kernel/numa_balancing", "1\n");
    kt_root_fail_writes(scene->host->root, MERGE, EBUSY);
    plan_merge(scene);
    g_autoptr(KtReport) report = apply(scene);
    assert_message(report, 0, "writing '0': Device or resource busy; some kernels");
    assert_message(report, 0, "numa-balancing = no");
}

/* Killed before anything, while pages are taken apart (the kernel may set 0 then), before and after the
 * write, and at the end. */
static void
test_killed(void)
{
    static const Moment moments[] = {
        {0, false, "1", "1"}, {1, false, "1", "1"}, {1, false, "1", "2"}, {1, false, "1", "0"},
        {1, true, "1", "2"},  {2, false, "1", "2"}, {2, false, "0", "2"}, {2, true, "0", "2"},
        {3, false, "0", "2"}, {3, false, "0", "1"}, {3, true, "0", "1"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        begin_and_die(scene, &moments[i]);
        assert_undone(scene, "1");
    }
}

/* The same moments of a rollback: the next one goes on. */
static void
test_rollback_killed(void)
{
    static const Moment moments[] = {
        {0, false, "0", "1"}, {1, false, "0", "1"}, {1, false, "0", "2"}, {1, false, "0", "0"},
        {1, true, "0", "2"},  {2, false, "0", "2"}, {2, false, "1", "2"}, {2, true, "1", "2"},
        {3, false, "1", "2"}, {3, false, "1", "1"}, {3, true, "1", "1"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        must_apply(scene);
        begin_undo_and_die(scene, &moments[i]);
        assert_undone(scene, "1");
    }
}

/* The kernel was stopped by a kill, and so was the rollback, before its first part and in its last. */
static void
test_killed_twice(void)
{
    static const Moment undone_to[] = {{0, false, "1", "0"}, {1, false, "1", "0"}};
    for (guint i = 0; i < G_N_ELEMENTS(undone_to); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        begin_and_die(scene, &(Moment){1, false, "1", "0"});
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, &error);
        g_autoptr(GPtrArray) steps = kt_undo_steps(runs);
        gint64 run;
        g_assert_true(kt_journal_begin_run(scene->journal, "rollback", NULL, 1, &run, &error));
        g_assert_true(kt_journal_begin_step(scene->journal, run, steps->pdata[0], &error));
        if (undone_to[i].n_parts > 0)
            g_assert_true(kt_journal_begin_part(steps->pdata[0], "resume", "1", &error));
        exec_scene_restart(scene);
        assert_undone(scene, "1");
    }
}

/* What the journal proves to be nobody's half done work is somebody's wish: before the first part, after the
 * last, and a stop where no pages are taken apart any more. */
static void
test_their_run_stays_half_done(void)
{
    static const Moment moments[] = {
        {0, false, "1", "0"}, {0, false, "1", "2"}, {1, true, "1", "0"}, {2, false, "0", "0"},
        {2, true, "0", "0"},  {3, true, "0", "0"},  {3, true, "0", "2"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        begin_and_die(scene, &moments[i]);
        assert_undone(scene, moments[i].run);
    }
}

/* Somebody stopped KSM since, and the rollback was killed: their wish is in the journal, not what was before.
 */
static void
test_their_run_stays_over_a_kill(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    plan_merge(scene);
    must_apply(scene);
    fake_host_write(scene->host, KSM_RUN, "0\n");
    begin_undo_and_die(scene, &(Moment){2, false, "0", "2"});
    assert_undone(scene, "0");
}

static void
run_sql(const ExecScene *scene, const char *sql)
{
    g_autofree char *path = g_build_filename(scene->state, "state.db", NULL);
    sqlite3 *db;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

/* Version 1 of the schema recorded no parts, and what `run` held as the step's target: what it left half
 * done, in an apply or in a rollback, is mended by what is there now. */
static void
test_version_1(void)
{
    static const Moment moments[] = {{0, false, "1", "2"}, {0, false, "1", "0"}, {0, false, "0", "2"}};
    for (guint i = 0; i < 2 * G_N_ELEMENTS(moments); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        if (i % 2) {
            must_apply(scene);
            begin_undo_and_die(scene, &moments[i / 2]);
        } else {
            begin_and_die(scene, &moments[i / 2]);
        }
        g_clear_pointer(&scene->journal, kt_journal_close);
        run_sql(
            scene,
            "UPDATE steps SET before = '1', target = '1';"
            "DROP TABLE parts; DROP TABLE samples; DROP TABLE metrics; DROP TABLE benchmarks; DROP TABLE manual;"
            "DROP INDEX steps_left; DROP TABLE pruned; DROP TABLE loads; DROP TABLE failures;"
            "PRAGMA user_version = 1");
        exec_scene_open_journal(scene);
        assert_undone(scene, "1");
    }
}

/* When a run has ended its last part is in the journal as done. */
static void
test_parts(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    plan_merge(scene);
    gint64 run = must_apply(scene);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournalRun) read = kt_journal_run(scene->journal, run, &error);
    const KtJournalStep *step = read->steps->pdata[0];
    g_assert_cmpstr(step->part->name, ==, "resume");
    g_assert_cmpstr(step->part->note, ==, "1");
    g_assert_true(step->part->done);
    g_assert_false(kt_journal_is_half_way(step, "resume"));
}

/* After a step that ended well another `run` is somebody's own, also one that the procedure itself uses. */
static void
test_their_run_stays(void)
{
    static const char *const theirs[] = {"0", "1", "2"};
    for (guint i = 0; i < G_N_ELEMENTS(theirs); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm(i == 1 ? "0\n" : "1\n", "0\n");
        plan_merge(scene);
        must_apply(scene);
        fake_host_write(scene->host, KSM_RUN, theirs[i]);
        assert_undone(scene, theirs[i]);
    }
}

static void
test_gone(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    plan_merge(scene);
    must_apply(scene);
    g_autofree char *file = g_build_filename(scene->host->directory, MERGE, NULL);
    g_assert_cmpint(remove(file), ==, 0);
    g_autoptr(KtReport) report = rollback(scene);
    g_assert_false(report->partial);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static gpointer
finish_unmerging(gpointer data)
{
    g_usleep(200 * 1000);
    fake_host_write(((ExecScene *)data)->host, KSM "pages_shared", "0\n");
    return NULL;
}

/* Pages that were moving while the kernel took the others apart are waited for. */
static void
test_waits(void)
{
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    fake_host_write(scene->host, KSM "pages_shared", "3\n");
    plan_merge(scene);
    GThread *kernel = g_thread_new("kernel", finish_unmerging, scene);
    gint64 start = g_get_monotonic_time();
    must_apply(scene);
    g_thread_join(kernel);
    g_assert_cmpint(g_get_monotonic_time() - start, >=, 150 * 1000);
    assert_ksm(scene, "0", "1");
}

static void
test_waits_in_vain(void)
{
    if (!g_test_slow()) {
        g_test_skip("takes ten seconds: run with -m slow");
        return;
    }
    g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
    fake_host_write(scene->host, KSM "pages_shared", "3\n");
    plan_merge(scene);
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "pages_shared: wanted '0' within 10 s, found '3'");
    assert_ksm(scene, "1", "1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ksm-merge/round-trip", test_round_trip);
    g_test_add_func("/ksm-merge/memory-gone", test_memory_is_gone);
    g_test_add_func("/ksm-merge/conflict", test_conflict);
    g_test_add_func("/ksm-merge/kernel-refuses", test_kernel_refuses);
    g_test_add_func("/ksm-merge/numa-balancing", test_numa_balancing_is_named);
    g_test_add_func("/ksm-merge/killed", test_killed);
    g_test_add_func("/ksm-merge/rollback-killed", test_rollback_killed);
    g_test_add_func("/ksm-merge/killed-twice", test_killed_twice);
    g_test_add_func("/ksm-merge/their-run-stays", test_their_run_stays);
    g_test_add_func("/ksm-merge/their-run-stays-half-done", test_their_run_stays_half_done);
    g_test_add_func("/ksm-merge/their-run-stays-over-a-kill", test_their_run_stays_over_a_kill);
    g_test_add_func("/ksm-merge/parts", test_parts);
    g_test_add_func("/ksm-merge/version-1", test_version_1);
    g_test_add_func("/ksm-merge/gone", test_gone);
    g_test_add_func("/ksm-merge/waits", test_waits);
    g_test_add_func("/ksm-merge/waits-in-vain", test_waits_in_vain);
    return g_test_run();
}
