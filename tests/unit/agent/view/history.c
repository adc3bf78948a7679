/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/view/json.h"
#include "agent/view/view.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 80};

/* 2026-11-21 20:31:05 UTC */
#define STARTED (G_GINT64_CONSTANT(1795293065) * G_USEC_PER_SEC)

static const KtPruned whole = {0};

static KtJournalRun *
run_new(gint64 id, const char *verb, const char *profile)
{
    KtJournalRun *run = g_new0(KtJournalRun, 1);
    run->id = id;
    run->verb = g_strdup(verb);
    run->profile = g_strdup(profile);
    run->started_usec = STARTED;
    run->finished_usec = STARTED + G_USEC_PER_SEC;
    run->n_actions = 12;
    return run;
}

static void
test_states(void)
{
    g_autoptr(KtJournalRun) run = run_new(1, "apply", "balanced");
    g_assert_cmpstr(kt_view_run_state(run), ==, "no effect");
    run->has_done = true;
    g_assert_cmpstr(kt_view_run_state(run), ==, "done");
    run->n_to_undo = 3;
    g_assert_cmpstr(kt_view_run_state(run), ==, "done");
    run->finished_usec = 0;
    g_assert_cmpstr(kt_view_run_state(run), ==, "unfinished");
    run->n_to_undo = 0;
    run->undone = true;
    g_assert_cmpstr(kt_view_run_state(run), ==, "undone");
    g_autoptr(KtJournalRun) rollback = run_new(2, "rollback", NULL);
    g_assert_cmpstr(kt_view_run_state(rollback), ==, "done");
}

static void
test_unfinished_is_said_with_the_way_out(void)
{
    g_autoptr(KtJournalRun) run = run_new(7, "apply", "balanced");
    run->n_to_undo = 2;
    g_assert_null(kt_view_unfinished(run, true));

    run->finished_usec = 0;
    g_autofree char *ours = kt_view_unfinished(run, true);
    g_autofree char *unlocked = kt_view_unfinished(run, false);

    g_assert_cmpstr(ours, ==,
                    "run 7 (apply balanced) was interrupted after it had begun 2 steps: 'kvm-tune rollback' "
                    "undoes it");
    g_assert_nonnull(strstr(unlocked, "unless it is at work right now"));
}

static void
test_table(void)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_run_free);
    g_ptr_array_add(runs, run_new(10, "rollback", NULL));
    g_ptr_array_add(runs, run_new(9, "apply", "/a/very/long/path/of/a/profile/which/has/no/end.conf"));
    g_autoptr(GString) out = g_string_new(NULL);

    kt_view_runs(out, &style, runs, &whole);

    g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
    g_assert_true(g_str_has_prefix(lines[0], " run  when                 verb      profile"));
    g_assert_true(g_str_has_prefix(lines[1], "  10  2026-11-2"));
    g_assert_true(g_str_has_suffix(lines[1], "     12  done"));
    g_assert_nonnull(strstr(lines[2], "…"));
    g_assert_cmpuint(kt_columns(lines[2]), <=, 80);
}

static void
test_unfinished_rollback(void)
{
    g_autoptr(KtJournalRun) run = run_new(10, "rollback", NULL);
    run->finished_usec = 0;
    run->n_to_undo = 3;

    g_autofree char *told = kt_view_unfinished(run, true);

    g_assert_cmpstr(
        told, ==, "run 10 (rollback) was interrupted with 3 steps left: 'kvm-tune rollback' goes on with it");
    run->n_to_undo = 0;
    g_assert_null(kt_view_unfinished(run, true));
}

static void
test_no_runs(void)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_runs(out, &style, runs, &whole);
    g_assert_cmpstr(out->str, ==, "no runs yet: kvm-tune has changed nothing on this host\n");
}

static void
test_pruned_is_said(void)
{
    const KtPruned pruned = {.upto = 812, .n_runs = 790};
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_run_free);
    g_ptr_array_add(runs, run_new(813, "daemon", "balanced"));
    g_autoptr(GString) out = g_string_new(NULL);

    kt_view_runs(out, &style, runs, &pruned);
    g_autofree char *json = kt_view_runs_json(runs, &pruned);

    g_assert_nonnull(strstr(out->str, "\n790 runs up to run 812 left out"));
    g_assert_nonnull(strstr(json, "\"upto\": 812"));
}

static KtJournalRun *
run_with_step(const char *verb, KtResult result)
{
    KtJournalRun *run = run_new(3, verb, NULL);
    run->steps = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    KtJournalStep *step = kt_journal_step_new(KT_STEP_SYSFS);
    step->result = result;
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->id = 1;
    action->setting = g_strdup("thp.enabled");
    action->from = g_strdup("always");
    action->to = g_strdup("madvise");
    action->when = g_strdup("now");
    action->reason = g_strdup("QEMU asks");
    action->source = g_strdup("a.conf:7:1");
    g_ptr_array_add(step->actions, action);
    g_ptr_array_add(run->steps, step);
    return run;
}

static char *
draw(const KtJournalRun *run)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_run(out, &style, run);
    return g_strdup(out->str);
}

static void
test_one_run(void)
{
    g_autoptr(KtJournalRun) done = run_with_step("apply", KT_RESULT_DONE);
    g_autoptr(KtJournalRun) failed = run_with_step("apply", KT_RESULT_FAILED);
    g_autoptr(KtJournalRun) undone = run_with_step("rollback", KT_RESULT_UNDONE);

    g_autofree char *done_text = draw(done);
    g_autofree char *failed_text = draw(failed);
    g_autofree char *undone_text = draw(undone);

    g_assert_nonnull(strstr(done_text, "\nhost\n  thp.enabled  always → madvise "));
    g_assert_nonnull(strstr(done_text, " now\n      QEMU asks (a.conf:7)\n"));
    g_assert_nonnull(strstr(failed_text, "now, failed\n"));
    /* What a rollback undid went as it should. */
    g_assert_null(strstr(undone_text, ", undone\n"));
    /* The reason was one for the change, not for taking it back. */
    g_assert_null(strstr(undone_text, "QEMU asks"));
}

static void
test_half_done_part(void)
{
    g_autoptr(KtJournalRun) run = run_with_step("apply", KT_RESULT_BEGUN);
    KtJournalStep *step = run->steps->pdata[0];
    g_assert_true(kt_journal_begin_part(step, "unmerge", NULL, NULL));
    g_autofree char *begun = draw(run);
    g_autofree char *json = kt_view_run_json(run);
    g_assert_true(kt_journal_end_part(step, NULL));
    g_autofree char *between = draw(run);
    step->result = KT_RESULT_DONE;
    g_autofree char *done = draw(run);

    g_assert_nonnull(strstr(begun, "now, begun\n      its part 'unmerge' was begun and is not done\n"));
    g_assert_nonnull(strstr(json, "\"its part 'unmerge' was begun and is not done\""));
    g_assert_nonnull(strstr(between, "its part 'unmerge' is done, the next one was not begun\n"));
    g_assert_null(strstr(done, "its part"));
}

static void
test_json(void)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_run_free);
    g_ptr_array_add(runs, run_with_step("apply", KT_RESULT_DONE));
    ((KtJournalRun *)runs->pdata[0])->finished_usec = 0;

    g_autofree char *all = kt_view_runs_json(runs, &whole);
    g_autofree char *one = kt_view_run_json(runs->pdata[0]);
    g_autoptr(json_t) all_json = json_loads(all, 0, NULL);
    g_autoptr(json_t) one_json = json_loads(one, 0, NULL);

    json_t *run = json_array_get(json_object_get(all_json, "runs"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(run, "started")), ==, "2026-11-21T20:31:05Z");
    g_assert_true(json_is_null(json_object_get(run, "finished")));
    json_t *action = json_array_get(json_object_get(one_json, "actions"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(action, "target")), ==, "host");
    g_assert_cmpstr(json_string_value(json_object_get(action, "result")), ==, "done");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/history/states", test_states);
    g_test_add_func("/view/history/unfinished", test_unfinished_is_said_with_the_way_out);
    g_test_add_func("/view/history/table", test_table);
    g_test_add_func("/view/history/unfinished-rollback", test_unfinished_rollback);
    g_test_add_func("/view/history/none", test_no_runs);
    g_test_add_func("/view/history/run", test_one_run);
    g_test_add_func("/view/history/half-done-part", test_half_done_part);
    g_test_add_func("/view/history/json", test_json);
    g_test_add_func("/view/history/pruned-is-said", test_pruned_is_said);
    return g_test_run();
}
