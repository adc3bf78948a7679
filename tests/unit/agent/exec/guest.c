/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/guest.h"

#include "tests/unit/agent/exec/exec_scene.h"

static const FakeFile files[] = {{NULL, NULL}};

static KtJournalStep *
new_step(void)
{
    KtJournalStep *step = kt_journal_step_new(KT_STEP_RESTART);
    step->domain_name = g_strdup("test");
    step->domain_uuid = g_strdup(TEST_UUID);
    return step;
}

static void
test_runs(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) step = new_step();
    g_autoptr(GError) error = NULL;
    g_auto(KtGuest) guest = {0};

    g_assert_true(kt_guest_find_running(&scene->target, step, &guest, &error));

    g_assert_no_error(error);
    g_assert_true(guest.active);
    g_assert_false(guest.transient);
    g_assert_nonnull(strstr(guest.xml, TEST_UUID));
    g_assert_cmpstr(step->after, ==, guest.process);
}

/* What was done can't be read back of a guest that doesn't run; one that was left off half way gets its way
 * back. */
static void
test_shut_off(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) step = new_step();
    g_autoptr(GError) error = NULL;
    g_auto(KtGuest) guest = {0};
    g_autoptr(virDomain) domain = test_domain(scene);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);

    g_assert_false(kt_guest_find_running(&scene->target, step, &guest, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_HYPERVISOR);
    g_autofree char *left = kt_guest_gone_text(step, &guest);
    g_assert_cmpstr(left, ==, "domain test does not run any more");
    step->half_done = true;
    g_autofree char *half_done = kt_guest_gone_text(step, &guest);
    g_assert_cmpstr(half_done, ==, "domain test does not run any more: 'virsh start test' boots it");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, quiet);
    g_test_add_func("/agent/exec/guest/runs", test_runs);
    g_test_add_func("/agent/exec/guest/shut-off", test_shut_off);
    return g_test_run();
}
