/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/agent/exec/exec_scene.h"

#include <errno.h>

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

/* As a run that was killed leaves the journal: its step begun, and nothing after it. */
static void
begin_and_die(ExecScene *scene)
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
    exec_scene_restart(scene);
}

/* As a rollback that was killed: the undo of the newest run's step begun, and nothing after it. */
static void
begin_undo_and_die(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, &error);
    g_autoptr(GPtrArray) steps = kt_undo_steps(runs);
    gint64 run;
    g_assert_true(kt_journal_begin_run(scene->journal, "rollback", NULL, 1, &run, &error));
    g_assert_true(kt_journal_begin_step(scene->journal, run, steps->pdata[0], &error));
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

/* Killed before anything, while pages are taken apart, before and after the write, and at the end. */
static void
test_killed(void)
{
    static const struct {
        const char *merge, *run;
    } moments[] = {{"1", "1"}, {"1", "2"}, {"1", "0"}, {"0", "2"}, {"0", "1"}};
    for (guint i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        begin_and_die(scene);
        fake_host_write(scene->host, MERGE, moments[i].merge);
        fake_host_write(scene->host, KSM_RUN, moments[i].run);
        assert_undone(scene, "1");
    }
}

/* The same moments of a rollback: the next one goes on. */
static void
test_rollback_killed(void)
{
    static const struct {
        const char *merge, *run;
    } moments[] = {{"0", "1"}, {"0", "2"}, {"0", "0"}, {"1", "2"}, {"1", "1"}};
    for (guint i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(ExecScene) scene = host_with_ksm("1\n", "0\n");
        plan_merge(scene);
        must_apply(scene);
        begin_undo_and_die(scene);
        fake_host_write(scene->host, MERGE, moments[i].merge);
        fake_host_write(scene->host, KSM_RUN, moments[i].run);
        assert_undone(scene, "1");
    }
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
    g_test_add_func("/ksm-merge/killed", test_killed);
    g_test_add_func("/ksm-merge/rollback-killed", test_rollback_killed);
    g_test_add_func("/ksm-merge/their-run-stays", test_their_run_stays);
    g_test_add_func("/ksm-merge/gone", test_gone);
    g_test_add_func("/ksm-merge/waits", test_waits);
    g_test_add_func("/ksm-merge/waits-in-vain", test_waits_in_vain);
    return g_test_run();
}
