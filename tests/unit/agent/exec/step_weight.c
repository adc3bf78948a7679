/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/agent/exec/exec_scene.h"

/* What it does to a real group only a real hypervisor shows: the test driver has a scheduler, but no
 * cpu_shares. */

static void
plan_weight(ExecScene *scene, const char *from, const char *to)
{
    KtAction action = {.domain = 0,
                       .setting = kt_setting(KT_SETTING_CPU_WEIGHT),
                       .from = g_strdup(from),
                       .to = g_strdup(to),
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:4:1"),
                       .kind = KT_STEP_WEIGHT};
    g_assert_true(kt_plan_add(scene->plan, action));
}

static void
test_no_shares(void)
{
    /* given a hypervisor that doesn't tell them */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    plan_weight(scene, "1024", "2048");

    g_autoptr(KtReport) report = apply(scene);

    assert_result(report, 0, KT_RESULT_FAILED);
    assert_message(report, 0, "domain test: its CPU weight cannot be read");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_shut_off(void)
{
    /* given a domain that was shut off after the plan was made */
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autoptr(virDomain) domain = test_domain(scene);
    plan_weight(scene, "1024", "2048");
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);

    g_autoptr(KtReport) report = apply(scene);

    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "does not run any more");
}

static void
check_fails(ExecScene *scene, const char *from, const char *to)
{
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_WEIGHT);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    g_autofree char *found = NULL;
    g_autoptr(GError) error = NULL;
    KtStepState state;
    step->domain_name = g_strdup("test");
    step->domain_uuid = g_strdup(TEST_UUID);
    action->setting = g_strdup("cpu.weight");
    action->from = g_strdup(from);
    action->to = g_strdup(to);
    g_ptr_array_add(step->actions, action);
    g_assert_false(kt_step_weight.check(&scene->target, step, &state, &found, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
}

static void
test_damaged_journal(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    check_fails(scene, NULL, "2048");
    check_fails(scene, "1024", NULL);
    check_fails(scene, "1024", "");
    check_fails(scene, "1024", "-1");
    check_fails(scene, "1024", "0");
    check_fails(scene, "1024", "much");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/weight/no-shares", test_no_shares);
    g_test_add_func("/weight/shut-off", test_shut_off);
    g_test_add_func("/weight/damaged-journal", test_damaged_journal);
    return g_test_run();
}
