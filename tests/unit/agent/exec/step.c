/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step.h"

#include "tuners/services.h"

/** A step on domain db-1 with one action, which is also its file's. */
static KtJournalStep *
step_of(KtStepKind kind, const char *path, const char *from, const char *to)
{
    KtJournalStep *step = kt_journal_step_new(kind);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    step->domain_name = g_strdup("db-1");
    step->path = g_strdup(path);
    step->before = g_strdup(from);
    step->target = g_strdup(to);
    action->from = g_strdup(from);
    action->to = g_strdup(to);
    g_ptr_array_add(step->actions, action);
    return step;
}

static void
test_describes(void)
{
    static const struct {
        KtStepKind kind;
        const char *path, *from, *to, *text;
    } cases[] = {
        {KT_STEP_SYSFS, "sys/x", "0", "1", "write '1' to /sys/x"},
        {KT_STEP_DEFINE, NULL, NULL, "none", "define domain db-1 with 1 changed value"},
        {KT_STEP_PIN, NULL, "0-3", "1", "pin 1 thread of domain db-1"},
        {KT_STEP_WEIGHT, NULL, "1024", "2048", "set the CPU weight of domain db-1 to 2048"},
        {KT_STEP_PAGES, NULL, "0", "1", "move memory of domain db-1 from node 0 to node 1"},
        {KT_STEP_KSM_MERGE, "sys/m", "yes", "no",
         "take apart what KSM has merged, set merge across nodes to 'no', let KSM go on as before"},
        {KT_STEP_SERVICES, "sys/g", "0-3", "0", "confine /sys/g to CPUs 0"},
        {KT_STEP_SERVICES, "sys/g", "0", "", "confine /sys/g to all CPUs"},
        {KT_STEP_SERVICES, KT_SERVICES_SYSTEMD "system.slice", "0-3", "0",
         "have systemd confine system.slice to CPUs 0"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(KtJournalStep) step = step_of(cases[i].kind, cases[i].path, cases[i].from, cases[i].to);
        g_autofree char *text = kt_step_describe(step);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_describes_several(void)
{
    g_autoptr(KtJournalStep) step = step_of(KT_STEP_PIN, NULL, "0-3", "1");
    g_ptr_array_add(step->actions, g_new0(KtJournalAction, 1));
    g_autofree char *text = kt_step_describe(step);
    g_assert_cmpstr(text, ==, "pin 2 threads of domain db-1");
}

/* As a damaged journal may have them. */
static void
test_describes_nothing(void)
{
    for (guint kind = 0; kind < KT_N_STEP_KINDS; kind++) {
        g_autoptr(KtJournalStep) empty = kt_journal_step_new(kind);
        g_autofree char *of_empty = kt_step_describe(empty);
        g_autofree char *expected = g_strdup_printf("%s without a change", kt_step_kind_name(kind));
        g_assert_cmpstr(of_empty, ==, expected);

        g_autoptr(KtJournalStep) bare = step_of(kind, NULL, NULL, NULL);
        g_autofree char *of_bare = kt_step_describe(bare);
        g_assert_cmpstr(of_bare, !=, "");
    }
}

/* The inverse of a step goes from what it left, or was to leave, to what was before. */
static void
test_inverse(void)
{
    g_autoptr(KtJournalStep) step = step_of(KT_STEP_KSM_MERGE, "sys/m", "yes", "no");
    step->run = 3;
    step->seq = 2;
    step->result = KT_RESULT_DONE;
    g_autoptr(KtJournalStep) inverse = kt_step_inverse(step);
    const KtJournalAction *action = inverse->actions->pdata[0];
    g_assert_cmpstr(action->from, ==, "no");
    g_assert_cmpstr(action->to, ==, "yes");
    g_assert_cmpstr(inverse->target, ==, "yes");
    g_assert_cmpint(inverse->undoes_run, ==, 3);
    g_assert_cmpuint(inverse->undoes_seq, ==, 2);
    g_assert_false(inverse->half_done);
    g_assert_null(inverse->part);

    step->result = KT_RESULT_BEGUN;
    step->after = g_strdup("read back");
    g_assert_true(kt_journal_begin_part(step, "write", "1", NULL));
    g_autoptr(KtJournalStep) of_begun = kt_step_inverse(step);
    g_assert_true(of_begun->half_done);
    g_assert_cmpstr(of_begun->before, ==, "read back");
    g_assert_cmpstr(of_begun->part->name, ==, "write");
    g_assert_cmpstr(of_begun->part->note, ==, "1");
    g_assert_true(kt_journal_is_half_way(of_begun, "resume"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/step/describes", test_describes);
    g_test_add_func("/step/describes-several", test_describes_several);
    g_test_add_func("/step/describes-nothing", test_describes_nothing);
    g_test_add_func("/step/inverse", test_inverse);
    return g_test_run();
}
