/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/decisions.h"

#include "tests/unit/agent/daemon/told.h"

#define UUID "00000000-0000-0000-0000-000000000001"

/* A step that pins the first @n vCPUs of a guest. */
static KtJournalStep *
pins(guint n, KtResult result)
{
    KtJournalStep *step = kt_journal_step_new(KT_STEP_PIN);
    step->domain_name = g_strdup("a");
    step->domain_uuid = g_strdup(UUID);
    step->result = result;
    for (guint i = 0; i < n; i++) {
        KtJournalAction *action = g_new0(KtJournalAction, 1);
        action->setting = g_strdup("cpu.placement");
        action->item = g_strdup_printf("vcpu %u", i);
        action->from = g_strdup("0-3");
        action->to = g_strdup("1");
        action->when = g_strdup("now");
        action->risk = g_strdup("none");
        action->reason = g_strdup("alone in one L3");
        action->source = g_strdup("x.conf:2:1");
        g_ptr_array_add(step->actions, action);
    }
    return step;
}

static void
test_step(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(KtJournalStep) step = pins(1, KT_RESULT_DONE);
    const KtOutcome outcome = {step, NULL};
    told_forget(told);

    kt_decision_log(&outcome, 7, "started; 1 domain");

    told_assert(told, "KVM_TUNE_DOMAIN", "a");
    told_assert(told, "KVM_TUNE_DOMAIN_UUID", UUID);
    told_assert(told, "KVM_TUNE_SETTING", "cpu.placement");
    told_assert(told, "KVM_TUNE_ITEM", "vcpu 0");
    told_assert(told, "KVM_TUNE_RUN", "7");
    told_assert(told, "KVM_TUNE_RESULT", "done");
    told_assert(told, "KVM_TUNE_SEEN", "started; 1 domain");
    told_assert(told, "KVM_TUNE_REASON", "alone in one L3");
    told_assert(told, "KVM_TUNE_SOURCE", "x.conf:2:1");
    told_assert(told, "PRIORITY", "5");
    g_assert_true(g_str_has_suffix(told_field(told, "MESSAGE"), "(cpu.placement): done; alone in one L3"));
}

/* Of several items none is named, and what is nothing isn't there. */
static void
test_step_that_failed(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(KtJournalStep) step = pins(2, KT_RESULT_FAILED);
    const KtOutcome outcome = {step, (char *)"the monitor doesn't answer"};
    told_forget(told);

    kt_decision_log(&outcome, 0, "started");

    told_assert(told, "KVM_TUNE_ITEM", NULL);
    told_assert(told, "KVM_TUNE_RUN", NULL);
    told_assert(told, "KVM_TUNE_RESULT", "failed");
    told_assert(told, "PRIORITY", "4");
    g_assert_true(
        g_str_has_suffix(told_field(told, "MESSAGE"), "(cpu.placement): failed; the monitor doesn't answer"));
}

static void
test_set_aside(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(KtJournalStep) step = pins(1, KT_RESULT_FAILED);
    const KtOutcome outcome = {step, (char *)"the monitor doesn't answer"};
    told_forget(told);

    kt_decision_log_set_aside(&outcome, 7, 4 * G_TIME_SPAN_MINUTE);

    told_assert(told, "KVM_TUNE_DOMAIN", "a");
    told_assert(told, "KVM_TUNE_RUN", "7");
    told_assert(told, "KVM_TUNE_RESULT", "set-aside");
    told_assert(told, "KVM_TUNE_REASON", "the monitor doesn't answer");
    g_assert_true(g_str_has_prefix(told_field(told, "MESSAGE"), "a: left alone for 4 min"));
}

static void
test_marks(gconstpointer data)
{
    const Told *told = data;
    const KtManual mark = {.domain_uuid = (char *)UUID,
                           .domain_name = (char *)"a",
                           .setting = (char *)"cpu.emulator",
                           .item = (char *)"emulator",
                           .left = (char *)"0",
                           .found = (char *)"1"};
    told_forget(told);
    kt_decision_log_manual(&mark);
    told_assert(told, "KVM_TUNE_RESULT", "manual");
    told_assert(told, "KVM_TUNE_ITEM", "emulator");
    told_assert(told, "KVM_TUNE_SEEN", "from '0' to '1'");
    told_assert(told, "KVM_TUNE_REASON", "somebody changed it");
    told_assert(told, "MESSAGE",
                "a: cpu.emulator emulator is manual from now on: somebody changed it, from '0' to '1' "
                "('kvm-tune release a' gives it back)");

    told_forget(told);
    kt_decision_log_forgotten(&mark);
    told_assert(told, "KVM_TUNE_RESULT", "forgotten");
    told_assert(told, "KVM_TUNE_DOMAIN_UUID", UUID);
    told_assert(told, "KVM_TUNE_SETTING", "cpu.emulator");
}

static void
test_load(gconstpointer data)
{
    const Told *told = data;
    told_forget(told);
    kt_decision_log_load("a waits for a CPU", NULL);
    told_assert(told, "KVM_TUNE_RESULT", "planned-again");
    told_assert(told, "KVM_TUNE_SEEN", "a waits for a CPU");
    told_assert(told, "PRIORITY", "5");

    told_forget(told);
    kt_decision_log_load("a waits for a CPU", "state.db: disk full");
    told_assert(told, "KVM_TUNE_RESULT", "failed");
    told_assert(told, "KVM_TUNE_REASON", "state.db: disk full");
    told_assert(told, "PRIORITY", "4");
}

static void
test_governor(gconstpointer data)
{
    const Told *told = data;
    told_forget(told);
    kt_decision_log_governor("rest", "nothing merges", 3);
    told_assert(told, "KVM_TUNE_SETTING", "ksm.mode");
    told_assert(told, "KVM_TUNE_RESULT", "rest");
    told_assert(told, "KVM_TUNE_REASON", "nothing merges");
    told_assert(told, "KVM_TUNE_RUN", "3");
    told_assert(told, "KVM_TUNE_DOMAIN", NULL);
}

int
main(int argc, char **argv)
{
    Told told;
    g_test_init(&argc, &argv, NULL);
    told_listen(&told);
    g_test_add_data_func("/decisions/step", &told, test_step);
    g_test_add_data_func("/decisions/step-that-failed", &told, test_step_that_failed);
    g_test_add_data_func("/decisions/set-aside", &told, test_set_aside);
    g_test_add_data_func("/decisions/marks", &told, test_marks);
    g_test_add_data_func("/decisions/load", &told, test_load);
    g_test_add_data_func("/decisions/governor", &told, test_governor);
    int code = g_test_run();
    g_ptr_array_unref(told.entries);
    return code;
}
