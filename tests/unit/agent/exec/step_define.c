/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/agent/exec/exec_scene.h"

static void
test_round_trip(void)
{
    /* given a disk without a cache mode and vCPUs without pins */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autofree char *before = test_definition(scene);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    plan_edit(scene, KT_XML_NIC_MODEL, "nic aa:bb:cc:dd:ee:ff", NULL, "virtio");
    plan_edit(scene, KT_XML_VCPU_PIN, "vcpu 1", NULL, "2-3");

    /* when it is applied, then all is staged by one define */
    g_autoptr(KtReport) report = apply(scene);
    g_assert_cmpuint(report->outcomes->len, ==, 1);
    assert_result(report, 0, KT_RESULT_DONE);
    g_assert_cmpuint(report->n_done, ==, 3);
    g_autofree char *staged = test_definition(scene);
    g_assert_nonnull(strstr(staged, "cache='none'"));
    g_assert_nonnull(strstr(staged, "<model type='virtio'/>"));
    g_assert_nonnull(strstr(staged, "<vcpupin vcpu='1' cpuset='2-3'/>"));
    const KtJournalStep *step = outcome(report, 0)->step;
    g_assert_cmpstr(step->before, ==, before);
    g_assert_cmpstr(step->after, ==, staged);

    /* when it is rolled back, then the definition is byte for byte as it was */
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_false(undone->partial);
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
}

static void
test_secrets(void)
{
    /* given a definition with a password, which libvirt shows only when asked for it */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    edit_definition(scene, "</devices>", "<graphics type='vnc' port='-1' passwd='hush'/></devices>");
    g_autofree char *before = test_definition(scene);
    g_assert_nonnull(strstr(before, "passwd='hush'"));
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");

    /* then neither apply nor rollback loses it */
    must_apply(scene);
    g_autofree char *staged = test_definition(scene);
    g_assert_nonnull(strstr(staged, "passwd='hush'"));
    g_autoptr(KtReport) undone = rollback(scene);
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
    g_assert_cmpuint(undone->n_done, ==, 1);
}

static void
test_edited_since(void)
{
    /* given somebody who edits the definition after us */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    must_apply(scene);
    edit_definition(scene, "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>");

    g_autoptr(KtReport) undone = rollback(scene);

    /* then only our node goes back */
    g_assert_false(undone->partial);
    g_autofree char *after = test_definition(scene);
    g_assert_null(strstr(after, "cache="));
    g_assert_nonnull(strstr(after, "<on_crash>restart</on_crash>"));
}

static void
test_our_node_edited_since(void)
{
    /* given somebody who changed one of our two values */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    plan_edit(scene, KT_XML_VCPU_PIN, "vcpu 0", NULL, "1");
    must_apply(scene);
    edit_definition(scene, "cache='none'", "cache='directsync'");

    g_autoptr(KtReport) undone = rollback(scene);

    /* then that stays and is named, and the other goes back */
    g_assert_true(undone->partial);
    assert_result(undone, 0, KT_RESULT_CONFLICT);
    assert_message(undone, 0, "disk vda: expected 'none', found 'directsync'");
    g_autofree char *after = test_definition(scene);
    g_assert_nonnull(strstr(after, "cache='directsync'"));
    g_assert_null(strstr(after, "vcpupin"));
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
}

static void
plan_iothread(ExecScene *scene)
{
    plan_edit(scene, KT_XML_IOTHREADS, NULL, NULL, "1");
    plan_edit(scene, KT_XML_DISK_IOTHREAD, "disk vda", NULL, "1");
    plan_edit(scene, KT_XML_IOTHREAD_PIN, "iothread 1", NULL, "2");
}

static void
test_made_and_pinned(void)
{
    /* given an IOThread that one action makes and another pins */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autofree char *before = test_definition(scene);
    plan_iothread(scene);

    /* then both are done by one define */
    must_apply(scene);
    g_autofree char *staged = test_definition(scene);
    g_assert_nonnull(strstr(staged, "<iothreads>1</iothreads>"));
    g_assert_nonnull(strstr(staged, "<iothreadpin iothread='1' cpuset='2'/>"));
    g_assert_nonnull(strstr(staged, "iothread='1'/>"));

    /* and undone by one */
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_false(undone->partial);
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
}

static void
test_made_and_pinned_edited_since(void)
{
    /* given the same, and somebody who edits the definition after us: only our nodes can go back */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_iothread(scene);
    must_apply(scene);
    edit_definition(scene, "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>");

    /* then the pin goes before its IOThread does */
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_false(undone->partial);
    g_autofree char *after = test_definition(scene);
    g_assert_null(strstr(after, "iothread"));
    g_assert_nonnull(strstr(after, "<on_crash>restart</on_crash>"));
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_half_done(void)
{
    /* given a program that was killed between the define and its end in the journal: what it left was never
     * read */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autofree char *before = test_definition(scene);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    plan_edit(scene, KT_XML_EMULATOR_PIN, "emulator", NULL, "0");
    kt_plan_group_steps(scene->plan);
    g_autoptr(KtJournalStep) step =
        kt_step_from_plan(scene->plan, g_ptr_array_index(scene->plan->steps, 0), &scene->target);
    g_autofree char *found = NULL;
    KtStepState state;
    gint64 run = 0;
    g_assert_true(kt_journal_begin_run(scene->journal, "apply", NULL, 1, &run, NULL));
    g_assert_true(kt_step_define.check(&scene->target, step, &state, &found, NULL));
    g_assert_cmpint(state, ==, KT_STEP_IS_BEFORE);
    g_assert_true(kt_journal_begin_step(scene->journal, run, step, NULL));
    g_assert_true(kt_step_define.perform(&scene->target, step, NULL));
    exec_scene_restart(scene);

    g_autoptr(KtReport) undone = rollback(scene);

    g_assert_false(undone->partial);
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
}

static void
test_never_defined(void)
{
    /* given a program that was killed before the define */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autofree char *before = test_definition(scene);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    kt_plan_group_steps(scene->plan);
    g_autoptr(KtJournalStep) step =
        kt_step_from_plan(scene->plan, g_ptr_array_index(scene->plan->steps, 0), &scene->target);
    gint64 run = 0;
    g_assert_true(kt_journal_begin_run(scene->journal, "apply", NULL, 1, &run, NULL));
    step->before = g_strdup(before);
    g_assert_true(kt_journal_begin_step(scene->journal, run, step, NULL));

    g_autoptr(KtReport) undone = rollback(scene);

    assert_result(undone, 0, KT_RESULT_UNDONE);
    assert_message(undone, 0, "already");
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
}

static void
test_conflict(void)
{
    /* given a definition that was changed after the plan was made: live pins depend on it */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_VCPU_PIN, "vcpu 0", NULL, "1");
    plan_pin(scene, "vcpu 0", "0-7", "1");
    edit_definition(scene, "<os>", "<cputune><vcpupin vcpu='0' cpuset='5'/></cputune><os>");
    g_autofree char *before = test_definition(scene);

    g_autoptr(KtReport) report = apply(scene);

    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "vcpu 0: expected 'nothing', found '5'");
    assert_result(report, 1, KT_RESULT_SKIPPED);
    g_assert_true(report->partial);
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_disk_gone(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vdz", NULL, "none");
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "disk vdz: is no longer there");
}

static void
test_changed_after_the_check(void)
{
    /* given an edit between the check and the define */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    kt_plan_group_steps(scene->plan);
    g_autoptr(KtJournalStep) step =
        kt_step_from_plan(scene->plan, g_ptr_array_index(scene->plan->steps, 0), &scene->target);
    g_autofree char *found = NULL;
    g_autoptr(GError) error = NULL;
    KtStepState state;
    g_assert_true(kt_step_define.check(&scene->target, step, &state, &found, NULL));
    edit_definition(scene, "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>");

    /* then it isn't overwritten */
    g_assert_false(kt_step_define.perform(&scene->target, step, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
    g_autofree char *after = test_definition(scene);
    g_assert_nonnull(strstr(after, "<on_crash>restart</on_crash>"));
}

static void
test_refused_define(void)
{
    /* given a value that the hypervisor refuses, after a host setting */
    g_autoptr(ExecScene) scene = exec_scene_with_domain((FakeFile[]){{KSM_RUN, "0\n"}, {NULL, NULL}});
    g_autofree char *before = test_definition(scene);
    plan_file(scene, KSM_RUN, "0", "1");
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "no-such-mode");

    g_autoptr(KtReport) report = apply(scene);

    g_assert_true(report->failed);
    g_assert_false(report->partial);
    assert_result(report, 1, KT_RESULT_FAILED);
    g_assert_nonnull(strstr(report->failure, "domain test"));
    assert_file(scene, KSM_RUN, "0");
    g_autofree char *after = test_definition(scene);
    g_assert_cmpstr(after, ==, before);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
undefine(const ExecScene *scene)
{
    g_autoptr(virDomain) domain = test_domain(scene);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);
    g_assert_cmpint(virDomainUndefine(domain), ==, 0);
}

static void
test_domain_gone(void)
{
    /* given a domain that is undefined after the plan, or after the apply */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    must_apply(scene);
    undefine(scene);

    g_autoptr(KtReport) again = apply(scene);
    assert_result(again, 0, KT_RESULT_CONFLICT);
    assert_message(again, 0, "domain test has no persistent definition any more");

    /* then there is nothing left to undo */
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_false(undone->partial);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_other_hypervisor(void)
{
    /* given a step of another hypervisor: that this one doesn't know the domain proves nothing */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    must_apply(scene);
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, NULL);
    KtJournalRun *run = g_ptr_array_index(runs, 0);
    KtJournalStep *step = g_ptr_array_index(run->steps, 0);
    g_assert_cmpstr(step->hypervisor, ==, "test:///default");
    g_free(step->hypervisor);
    step->hypervisor = g_strdup("qemu:///system");
    undefine(scene);

    g_autoptr(KtReport) report = kt_undo(&scene->target, scene->journal, runs, NULL, NULL, NULL);
    assert_result(report, 0, KT_RESULT_FAILED);
    assert_message(report, 0, "changed through qemu:///system");
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
}

static void
test_no_connection(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_edit(scene, KT_XML_DISK_CACHE, "disk vda", NULL, "none");
    scene->target.connection = NULL;
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "no connection");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/define/round-trip", test_round_trip);
    g_test_add_func("/define/secrets", test_secrets);
    g_test_add_func("/define/edited-since", test_edited_since);
    g_test_add_func("/define/our-node-edited-since", test_our_node_edited_since);
    g_test_add_func("/define/made-and-pinned", test_made_and_pinned);
    g_test_add_func("/define/made-and-pinned-edited-since", test_made_and_pinned_edited_since);
    g_test_add_func("/define/half-done", test_half_done);
    g_test_add_func("/define/never-defined", test_never_defined);
    g_test_add_func("/define/conflict", test_conflict);
    g_test_add_func("/define/disk-gone", test_disk_gone);
    g_test_add_func("/define/changed-after-the-check", test_changed_after_the_check);
    g_test_add_func("/define/refused", test_refused_define);
    g_test_add_func("/define/domain-gone", test_domain_gone);
    g_test_add_func("/define/other-hypervisor", test_other_hypervisor);
    g_test_add_func("/define/no-connection", test_no_connection);
    return g_test_run();
}
