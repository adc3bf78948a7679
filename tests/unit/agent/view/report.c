/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/json.h"
#include "agent/view/view.h"

#include "tests/unit/tuners/scene.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 80};

#define NIC(model)                                                                                           \
    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='" model "'/></interface>"

static void
outcome_free(gpointer data)
{
    KtOutcome *outcome = data;
    kt_journal_step_free(outcome->step);
    g_free(outcome->message);
    g_free(outcome);
}

/* What the executor would report of this plan, had each of its steps ended like that. */
static KtReport *
report_of(const KtPlan *plan, KtResult result, const char *message)
{
    KtReport *report = g_new0(KtReport, 1);
    report->run = 7;
    report->outcomes = g_ptr_array_new_with_free_func(outcome_free);
    for (guint i = 0; i < plan->steps->len; i++) {
        const KtStep *from = plan->steps->pdata[i];
        KtOutcome *outcome = g_new0(KtOutcome, 1);
        outcome->step = kt_journal_step_new(from->kind);
        outcome->step->result = result;
        outcome->message = g_strdup(message);
        const KtDomain *domain = from->domain < 0 ? NULL : plan->snapshot->domains->pdata[from->domain];
        outcome->step->domain_name = domain ? g_strdup(domain->name) : NULL;
        outcome->step->domain_uuid = domain ? g_strdup(domain->uuid) : NULL;
        for (guint k = 0; k < from->actions->len; k++) {
            const KtAction *action = plan->actions->pdata[g_array_index(from->actions, guint, k)];
            KtJournalAction *recorded = g_new0(KtJournalAction, 1);
            recorded->id = action->id;
            recorded->setting = g_strdup(action->setting->key);
            recorded->item = g_strdup(action->item);
            recorded->from = g_strdup(action->from);
            recorded->to = g_strdup(action->to);
            recorded->when = g_strdup(kt_when_name(action->when));
            g_ptr_array_add(outcome->step->actions, recorded);
        }
        report->n_done += result == KT_RESULT_DONE ? from->actions->len : 0;
        g_ptr_array_add(report->outcomes, outcome);
    }
    return report;
}

/* A plan that sets one value of the host, and stages a NIC of a running guest. */
static Scene *
staged_scene(void)
{
    Scene *scene = scene_new("core:2 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene_add_guest(scene, "db", 1, "", NIC("e1000"));
    scene_plan(scene,
               "[host]\nthp.enabled = madvise\n[domain db]\nnic.model = virtio\nguest.virtio = assume\n");
    return scene;
}

static char *
draw(const KtReport *report, const KtPlan *plan)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_report(out, &style, report, plan);
    return g_strdup(out->str);
}

static void
test_done(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_DONE, NULL);

    g_autofree char *text = draw(report, scene->plan);

    g_assert_cmpstr(text, ==,
                    "run 7: 2 changes done\n"
                    "pending power cycle: db (power the guest off and start it; a reboot from inside\n"
                    "  is not enough)\n"
                    "undo it: kvm-tune rollback\n");
}

static void
test_conflict_is_named(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_CONFLICT, "found 'never'");
    report->partial = true;

    g_autofree char *text = draw(report, scene->plan);

    g_assert_true(g_str_has_prefix(
        text, "run 7: done in part: 0 changes done\n\nhost\n  thp.enabled  always → madvise"));
    g_assert_nonnull(strstr(text, "now, conflict\n      found 'never'\n"));
    /* Nothing was staged, and nothing is there to undo. */
    g_assert_null(strstr(text, "pending"));
    g_assert_null(strstr(text, "rollback"));
}

static void
test_failure_was_undone(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_UNDONE, NULL);
    report->failed = true;
    report->failure = g_strdup("/sys/x: wanted 'a', found 'b'");

    g_autofree char *text = draw(report, scene->plan);

    g_assert_cmpstr(text, ==,
                    "run 7: failed: /sys/x: wanted 'a', found 'b'\nWhat this run had done was undone.\n");
}

static void
test_failed_undo_is_said(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_DONE, NULL);
    report->failed = true;
    report->partial = true;
    report->failure = g_strdup("boom");

    g_autofree char *text = draw(report, scene->plan);

    g_assert_nonnull(strstr(text, "What this run had done could not all be undone.\n"));
    g_assert_nonnull(strstr(text, "kvm-tune rollback"));
}

static void
test_rollback(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_UNDONE, NULL);
    report->n_done = 2;

    g_autofree char *text = draw(report, NULL);

    g_assert_cmpstr(text, ==,
                    "run 7: 2 changes undone\n"
                    "pending power cycle: db (a guest that runs keeps its devices until it is powered\n"
                    "  off and started)\n");
}

/* After a power cycle a value may be somebody else's: it is no change of ours that was undone. */
static void
test_rollback_names_what_it_left(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_UNDONE, NULL);
    KtJournalAction *action = ((KtOutcome *)report->outcomes->pdata[0])->step->actions->pdata[0];
    action->state = KT_STEP_IS_GONE;
    action->found = g_strdup("1");

    g_autofree char *text = draw(report, NULL);
    g_autofree char *json = kt_view_report_json(report, NULL);

    g_assert_nonnull(strstr(text, "left alone: "));
    g_assert_nonnull(strstr(text, "'1', which somebody set"));
    g_assert_nonnull(strstr(json, "\"skipped\""));
}

/* Two runs that staged something of one domain, undone together. */
static void
test_rollback_names_a_domain_once(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_UNDONE, NULL);
    g_autoptr(KtReport) older = report_of(scene->plan, KT_RESULT_UNDONE, NULL);
    g_ptr_array_extend_and_steal(report->outcomes, g_steal_pointer(&older->outcomes));
    older->outcomes = g_ptr_array_new_with_free_func(outcome_free);
    report->n_done = 4;

    g_autofree char *text = draw(report, NULL);

    g_assert_nonnull(strstr(text, "pending power cycle: db (a guest"));
}

static void
test_undo_steps(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_PLANNED, NULL);
    g_autoptr(GPtrArray) steps = g_ptr_array_new();
    for (guint i = 0; i < report->outcomes->len; i++)
        g_ptr_array_add(steps, ((KtOutcome *)report->outcomes->pdata[i])->step);
    g_autoptr(GString) out = g_string_new(NULL);

    kt_view_undo(out, &style, steps);

    g_assert_true(
        g_str_has_prefix(out->str, "rollback: 2 changes to undo\n\nhost\n  thp.enabled  always → madvise"));
    g_assert_nonnull(strstr(out->str, "\ndb\n  nic.model  52:54:00:00:00:01  e1000 → virtio"));
}

static void
test_json_has_results(void)
{
    g_autoptr(Scene) scene = staged_scene();
    g_autoptr(KtReport) report = report_of(scene->plan, KT_RESULT_DONE, NULL);

    g_autofree char *text = kt_view_report_json(report, scene->plan);
    g_autoptr(json_t) json = json_loads(text, 0, NULL);

    g_assert_cmpint(json_integer_value(json_object_get(json, "run")), ==, 7);
    gsize index;
    json_t *action;
    json_array_foreach(json_object_get(json, "actions"), index, action)
    {
        g_assert_cmpstr(json_string_value(json_object_get(action, "result")), ==, "done");
    }
    g_assert_cmpuint(index, ==, 2);
}

static void
test_json_of_nothing(void)
{
    g_autofree char *text = kt_view_report_json(NULL, NULL);
    g_autoptr(json_t) json = json_loads(text, 0, NULL);
    g_assert_true(json_is_null(json_object_get(json, "run")));
    g_assert_cmpuint(json_array_size(json_object_get(json, "actions")), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/report/done", test_done);
    g_test_add_func("/view/report/conflict", test_conflict_is_named);
    g_test_add_func("/view/report/failure", test_failure_was_undone);
    g_test_add_func("/view/report/failed-undo", test_failed_undo_is_said);
    g_test_add_func("/view/report/rollback-left", test_rollback_names_what_it_left);
    g_test_add_func("/view/report/rollback", test_rollback);
    g_test_add_func("/view/report/rollback-names-once", test_rollback_names_a_domain_once);
    g_test_add_func("/view/report/undo", test_undo_steps);
    g_test_add_func("/view/report/json", test_json_has_results);
    g_test_add_func("/view/report/json-nothing", test_json_of_nothing);
    return g_test_run();
}
