/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/live_cpus.h"

#include "tests/unit/agent/exec/exec_scene.h"

/* The test driver's host has CPUs 0-7, its domain two vCPUs that float. */

static void
assert_affinity(const ExecScene *scene, KtThreadKind kind, guint id, const char *text)
{
    g_autoptr(virDomain) domain = test_domain(scene);
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_PIN);
    g_autoptr(KtLiveCpus) cpus = NULL;
    g_assert_true(kt_live_cpus_read(&scene->target, step, domain, &cpus, NULL));
    g_assert_nonnull(cpus);
    g_autofree char *found = kt_cpuset_format(kt_live_cpus_find(cpus, kind, id));
    g_assert_cmpstr(found, ==, text);
}

/** Somebody else's pin. */
static void
pin(const ExecScene *scene, guint vcpu, const char *text)
{
    g_autoptr(virDomain) domain = test_domain(scene);
    g_autoptr(KtCpuset) cpus = kt_cpuset_parse(text, false, NULL);
    g_assert_true(kt_live_cpus_pin(domain, KT_THREAD_VCPU, vcpu, cpus, NULL));
}

static void
power_cycle(const ExecScene *scene)
{
    g_autoptr(virDomain) domain = test_domain(scene);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);
    g_assert_cmpint(virDomainCreate(domain), ==, 0);
    g_assert_cmpuint(virDomainGetID(domain), !=, 1);
}

static void
test_round_trip(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autofree char *definition = test_definition(scene);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    plan_pin(scene, "vcpu 1", "0-7", "0,4-5");
    plan_pin(scene, "emulator", "0-7", "7");

    g_autoptr(KtReport) report = apply(scene);

    g_assert_cmpuint(report->outcomes->len, ==, 1);
    assert_result(report, 0, KT_RESULT_DONE);
    assert_affinity(scene, KT_THREAD_VCPU, 0, "3");
    assert_affinity(scene, KT_THREAD_VCPU, 1, "0,4-5");
    assert_affinity(scene, KT_THREAD_EMULATOR, 0, "7");
    g_autofree char *staged = test_definition(scene);
    g_assert_cmpstr(staged, ==, definition);

    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_false(undone->partial);
    g_assert_cmpuint(undone->n_done, ==, 3);
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
    assert_affinity(scene, KT_THREAD_VCPU, 1, "0-7");
    assert_affinity(scene, KT_THREAD_EMULATOR, 0, "0-7");
}

static void
test_sets_not_texts(void)
{
    /* given CPU lists in other words than the kernel's, and a host of which only CPUs 0-3 are online */
    g_autoptr(ExecScene) scene =
        exec_scene_with_domain((FakeFile[]){{"sys/devices/system/cpu/online", "0-3\n"}, {NULL, NULL}});
    plan_pin(scene, "vcpu 0", "0,1,2-3", "2,1");
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_DONE);
    assert_affinity(scene, KT_THREAD_VCPU, 0, "1-2");
    g_autoptr(KtReport) again = apply(scene);
    assert_result(again, 0, KT_RESULT_SKIPPED);
}

static void
test_conflict(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    plan_pin(scene, "vcpu 1", "0-7", "4");
    pin(scene, 1, "6");

    g_autoptr(KtReport) report = apply(scene);

    /* then none of the step is done */
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "vcpu 1: expected '0-7', found '6'");
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_failure_in_the_middle(void)
{
    /* given a second thread that can't be pinned: the CPU isn't there */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    plan_pin(scene, "vcpu 1", "0-7", "100");

    g_autoptr(KtReport) report = apply(scene);

    /* then the first goes back */
    g_assert_true(report->failed);
    assert_result(report, 0, KT_RESULT_FAILED);
    assert_message(report, 0, "domain test, vcpu 1");
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
    assert_affinity(scene, KT_THREAD_VCPU, 1, "0-7");
    g_assert_false(report->partial);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_half_done(void)
{
    /* given a program that was killed between two pins */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    plan_pin(scene, "vcpu 1", "0-7", "4");
    kt_plan_group_steps(scene->plan);
    g_autoptr(KtJournalStep) step =
        kt_step_from_plan(scene->plan, g_ptr_array_index(scene->plan->steps, 0), &scene->target);
    gint64 run = 0;
    g_assert_true(kt_journal_begin_run(scene->journal, "apply", NULL, 1, &run, NULL));
    g_assert_true(kt_journal_begin_step(scene->journal, run, step, NULL));
    pin(scene, 0, "3");
    exec_scene_restart(scene);

    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_undo_of_somebodys_change(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    plan_pin(scene, "vcpu 1", "0-7", "4");
    must_apply(scene);
    pin(scene, 1, "6");

    g_autoptr(KtReport) undone = rollback(scene);

    /* then that thread keeps it, the other goes back */
    assert_result(undone, 0, KT_RESULT_CONFLICT);
    assert_message(undone, 0, "vcpu 1: expected '4', found '6'");
    g_assert_true(undone->partial);
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
    assert_affinity(scene, KT_THREAD_VCPU, 1, "6");
}

static void
test_undo_in_a_later_process(void)
{
    /* given a domain that was started anew since, with one thread as we had staged it and one as somebody
     * wants it */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    plan_pin(scene, "vcpu 1", "0-7", "4");
    must_apply(scene);
    power_cycle(scene);
    pin(scene, 0, "3");
    pin(scene, 1, "6");

    g_autoptr(KtReport) undone = rollback(scene);

    /* then ours goes back, the other is none of our business: no conflict, but named and not counted */
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_cmpuint(undone->n_done, ==, 1);
    g_assert_false(kt_journal_action_was_left(outcome(undone, 0)->step->actions->pdata[0]));
    g_assert_true(kt_journal_action_was_left(outcome(undone, 0)->step->actions->pdata[1]));
    g_assert_false(undone->partial);
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
    assert_affinity(scene, KT_THREAD_VCPU, 1, "6");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_shut_off_since(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    must_apply(scene);
    g_autoptr(virDomain) domain = test_domain(scene);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);

    g_autoptr(KtReport) again = apply(scene);
    assert_result(again, 0, KT_RESULT_CONFLICT);
    assert_message(again, 0, "does not run any more");

    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_false(undone->partial);
}

static void
test_started_anew_before_apply(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "3");
    power_cycle(scene);
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "started anew");
    assert_affinity(scene, KT_THREAD_VCPU, 0, "0-7");
}

static void
test_no_such_thread(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 9", "0-7", "3");
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "vcpu 9: is no longer there");
}

static void
test_items(void)
{
    static const char *const wrong[] = {"vcpu",    "vcpu ",    "vcpu -1", "vcpu 99999999",
                                        "vcpu 1x", "thread 1", "",        NULL};
    KtThreadKind kind;
    guint id;
    g_assert_true(kt_thread_parse("iothread 12", &kind, &id, NULL));
    g_assert_cmpint(kind, ==, KT_THREAD_IOTHREAD);
    g_assert_cmpuint(id, ==, 12);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(kt_thread_parse(wrong[i], &kind, &id, &error));
        g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
    }
}

static void
test_no_cpus(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_pin(scene, "vcpu 0", "0-7", "");
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "no CPU");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pin/round-trip", test_round_trip);
    g_test_add_func("/pin/sets-not-texts", test_sets_not_texts);
    g_test_add_func("/pin/conflict", test_conflict);
    g_test_add_func("/pin/failure-in-the-middle", test_failure_in_the_middle);
    g_test_add_func("/pin/half-done", test_half_done);
    g_test_add_func("/pin/undo-of-somebodys-change", test_undo_of_somebodys_change);
    g_test_add_func("/pin/undo-in-a-later-process", test_undo_in_a_later_process);
    g_test_add_func("/pin/shut-off-since", test_shut_off_since);
    g_test_add_func("/pin/started-anew-before-apply", test_started_anew_before_apply);
    g_test_add_func("/pin/no-such-thread", test_no_such_thread);
    g_test_add_func("/pin/items", test_items);
    g_test_add_func("/pin/no-cpus", test_no_cpus);
    return g_test_run();
}
