/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/history_json.h"
#include "agent/view/plan_json.h"
#include "agent/view/plan_parts.h"
#include "agent/view/step_parts.h"
#include "agent/view/view.h"
#include "base/diagnostic.h"

static void
print_head(GString *out, const KtStyle *style, const KtReport *report, const char *verb)
{
    g_autofree char *count = kt_count(report->n_done, "change", "changes");
    kt_ink(out, style, KT_INK_HEADING, "run %" G_GINT64_FORMAT, report->run);
    g_string_append(out, ": ");
    if (!report->failed && !report->partial) {
        kt_ink(out, style, KT_INK_GOOD, "%s %s", count, verb);
        g_string_append_c(out, '\n');
        return;
    }
    g_autofree char *failure = report->failure ? kt_printable(report->failure) : NULL;
    if (report->failed && failure) {
        kt_ink(out, style, KT_INK_BAD, "failed: ");
        kt_wrap(out, style, KT_INK_PLAIN, 16, 2, failure);
        kt_ink(out, style, report->partial ? KT_INK_BAD : KT_INK_GOOD, "%s",
               report->partial ? "What this run had done could not all be undone."
                               : "What this run had done was undone.");
        g_string_append_c(out, '\n');
        return;
    }
    kt_ink(out, style, KT_INK_WARN, "done in part: %s %s", count, verb);
    g_string_append_c(out, '\n');
}

/* The steps that did not end as they should. */
static void
print_troubles(GString *out, const KtStyle *style, const KtReport *report, KtResult wanted)
{
    g_autoptr(GArray) shown = g_array_new(FALSE, FALSE, sizeof(KtShownStep));
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtOutcome *outcome = report->outcomes->pdata[i];
        KtResult result = outcome->step->result;
        /* Of a run that failed, what is done is what could not be undone. */
        bool left = report->failed && result == KT_RESULT_DONE && outcome->step->to_undo;
        bool expected = !left && (result == wanted || result == KT_RESULT_DONE ||
                                  (report->failed && result == KT_RESULT_UNDONE));
        if (expected)
            continue;
        KtShownStep step = {outcome->step, kt_result_name(result),
                            outcome->message ? outcome->message : outcome->step->detail, false};
        g_array_append_val(shown, step);
    }
    kt_view_steps(out, style, (const KtShownStep *)(const void *)shown->data, shown->len);
}

static void
print_left_action(GString *out, const KtStyle *style, const KtJournalStep *step,
                  const KtJournalAction *action)
{
    g_autofree char *item = kt_item_name(action->item);
    g_autofree char *text = g_strdup_printf(
        "%s, %s%s%s: '%s', which somebody set since; what this undoes ended with the guest's last power-off",
        step->domain_name ? step->domain_name : "host", action->setting, *item ? " " : "", item,
        action->found);
    g_autofree char *safe = kt_printable(text);
    kt_ink(out, style, KT_INK_WARN, "left alone:");
    g_string_append_c(out, ' ');
    kt_wrap(out, style, KT_INK_PLAIN, 12, 2, safe);
}

/* A guest that was away, or without a device, when that went wrong, and has ended since. */
static void
print_ended_guest(GString *out, const KtStyle *style, const KtOutcome *outcome)
{
    const KtJournalStep *step = outcome->step;
    bool ended = step->actions->len > 0 && kt_step_disturbs(step) && step->half_done &&
                 ((const KtJournalAction *)step->actions->pdata[0])->state == KT_STEP_IS_GONE;
    if (!ended || step->result != KT_RESULT_UNDONE || outcome->message == NULL)
        return;
    g_autofree char *safe = kt_printable(outcome->message);
    kt_ink(out, style, KT_INK_WARN, "not put back:");
    g_string_append_c(out, ' ');
    kt_wrap(out, style, KT_INK_PLAIN, 14, 2, safe);
}

/* What a rollback found to be somebody else's after a power cycle. */
static void
print_left(GString *out, const KtStyle *style, const KtReport *report)
{
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtJournalStep *step = ((const KtOutcome *)report->outcomes->pdata[i])->step;
        print_ended_guest(out, style, report->outcomes->pdata[i]);
        for (guint k = 0; k < step->actions->len; k++) {
            if (kt_journal_action_was_left(step->actions->pdata[k]))
                print_left_action(out, style, step, step->actions->pdata[k]);
        }
    }
}

/* Whether the guest ran with what this action staged before it was staged. */
static bool
has_already(const KtDomain *domain, const KtJournalAction *action)
{
    g_autofree char *live = NULL;
    return domain->live_xml != NULL &&
           kt_domain_xml_get(domain->live_xml, action->field, action->item, &live, NULL) &&
           g_strcmp0(live, action->to) == 0;
}

/* Whether the running guest got (or, undone, gave up) the same thing: by a pause, a replug, a restart. */
static bool
is_live(const KtReport *report, const KtJournalStep *staged, const KtJournalAction *of)
{
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtJournalStep *step = ((const KtOutcome *)report->outcomes->pdata[i])->step;
        bool live =
            step->kind == KT_STEP_PAUSE || step->kind == KT_STEP_REPLUG || step->kind == KT_STEP_RESTART;
        bool changed = step->result == KT_RESULT_DONE || step->result == KT_RESULT_UNDONE;
        bool same = live && changed && g_strcmp0(step->domain_uuid, staged->domain_uuid) == 0;
        for (guint k = 0; same && k < step->actions->len; k++) {
            const KtJournalAction *action = step->actions->pdata[k];
            if (action->state != KT_STEP_IS_GONE && g_str_equal(action->setting, of->setting) &&
                g_strcmp0(action->item, of->item) == 0)
                return true;
        }
    }
    return false;
}

/* Whether this step changed in the definition what the guest only sees after a power cycle. Pins are live
 * already. @domain: as it was before, or NULL. */
static bool
stages(const KtReport *report, const KtJournalStep *step, const KtDomain *domain)
{
    bool changed = step->result == KT_RESULT_DONE || step->result == KT_RESULT_UNDONE;
    if (step->kind != KT_STEP_DEFINE || !changed)
        return false;
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = step->actions->pdata[i];
        if (!g_str_has_prefix(action->setting, "cpu.") && !is_live(report, step, action) &&
            (domain == NULL || !has_already(domain, action)))
            return true;
    }
    return false;
}

/* Whether the run staged something of this domain that only a power cycle brings. */
static bool
awaits_power_cycle(const KtReport *report, const KtPlan *plan, guint domain)
{
    const KtDomain *of = plan->snapshot->domains->pdata[domain];
    if (!of->active)
        return false;
    if (plan->domains[domain].pending->len > 0)
        return true;
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtJournalStep *step = ((const KtOutcome *)report->outcomes->pdata[i])->step;
        if (g_strcmp0(step->domain_uuid, of->uuid) == 0 && stages(report, step, of))
            return true;
    }
    return false;
}

/* Names a domain once, however many runs staged something of it. */
static void
add_name(GPtrArray *names, const char *name)
{
    if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, (gpointer)name);
}

static void
print_power_cycles(GString *out, const KtStyle *style, GPtrArray *names, const char *advice)
{
    if (names->len == 0)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *name = kt_printable(names->pdata[i]);
        g_string_append_printf(text, "%s%s", i ? ", " : "", name);
    }
    g_string_append_printf(text, " (%s)", advice);
    kt_ink(out, style, KT_INK_WARN, "pending power cycle:");
    g_string_append_c(out, ' ');
    kt_wrap(out, style, KT_INK_PLAIN, 21, 2, text->str);
}

/* A guest that runs goes on with what it was started with. */
static void
print_undone_later(GString *out, const KtStyle *style, const KtReport *report)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtJournalStep *step = ((const KtOutcome *)report->outcomes->pdata[i])->step;
        if (stages(report, step, NULL))
            add_name(names, step->domain_name);
    }
    print_power_cycles(out, style, names,
                       "a guest that runs keeps its devices until it is powered off and started");
}

static void
print_pending(GString *out, const KtStyle *style, const KtReport *report, const KtPlan *plan)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < plan->n_domains; i++) {
        if (awaits_power_cycle(report, plan, i))
            add_name(names, ((const KtDomain *)plan->snapshot->domains->pdata[i])->name);
    }
    print_power_cycles(out, style, names,
                       "power the guest off and start it; a reboot from inside is not enough");
}

void
kt_view_report(GString *out, const KtStyle *style, const KtReport *report, const KtPlan *plan)
{
    print_head(out, style, report, plan ? "done" : "undone");
    print_troubles(out, style, report, plan ? KT_RESULT_DONE : KT_RESULT_UNDONE);
    bool troubles = report->failed || report->partial;
    if (plan && !report->failed)
        print_pending(out, style, report, plan);
    print_left(out, style, report);
    if (!plan)
        print_undone_later(out, style, report);
    if (plan && (report->n_done > 0 || (report->failed && report->partial))) {
        g_string_append(out, troubles ? "\n" : "");
        kt_ink(out, style, KT_INK_DIM, "undo it: kvm-tune rollback");
        g_string_append_c(out, '\n');
    }
}

void
kt_view_undo(GString *out, const KtStyle *style, GPtrArray *steps)
{
    guint n_actions = 0;
    g_autofree KtShownStep *shown = g_new0(KtShownStep, steps->len + 1);
    for (guint i = 0; i < steps->len; i++) {
        shown[i].step = steps->pdata[i];
        n_actions += shown[i].step->actions->len;
    }
    g_autofree char *count = kt_count(n_actions, "change", "changes");
    kt_ink(out, style, KT_INK_HEADING, "rollback");
    g_string_append_printf(out, ": %s to undo\n", count);
    kt_view_steps(out, style, shown, steps->len);
}

/* action id → the step that carried it */
static GHashTable *
steps_by_action(const KtReport *report)
{
    GHashTable *steps = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (guint i = 0; report && i < report->outcomes->len; i++) {
        const KtJournalStep *step = ((const KtOutcome *)report->outcomes->pdata[i])->step;
        for (guint k = 0; k < step->actions->len; k++) {
            const KtJournalAction *action = step->actions->pdata[k];
            g_hash_table_insert(steps, GUINT_TO_POINTER(action->id), (gpointer)step);
        }
    }
    return steps;
}

static void
add_results(json_t *actions, const KtReport *report)
{
    g_autoptr(GHashTable) steps = steps_by_action(report);
    gsize index;
    json_t *action;
    json_array_foreach(actions, index, action)
    {
        json_int_t id = json_integer_value(json_object_get(action, "id"));
        const KtJournalStep *step = g_hash_table_lookup(steps, GUINT_TO_POINTER((guint)id));
        KtResult result = step ? step->result : KT_RESULT_SKIPPED;
        json_object_set_new(action, "result", json_string(kt_result_name(result)));
        json_object_set_new(action, "detail", kt_json_text(step ? step->detail : NULL));
    }
}

static json_t *
outcomes_json(const KtReport *report)
{
    json_t *actions = json_array();
    for (guint i = 0; report && i < report->outcomes->len; i++) {
        g_autoptr(json_t) of_step =
            kt_step_actions_json(((const KtOutcome *)report->outcomes->pdata[i])->step);
        json_array_extend(actions, of_step);
    }
    return actions;
}

char *
kt_view_report_json(const KtReport *report, const KtPlan *plan)
{
    json_t *document = plan ? kt_plan_json(plan) : kt_json_document();
    if (!plan)
        json_object_set_new(document, "actions", outcomes_json(report));
    else
        add_results(json_object_get(document, "actions"), report);
    json_object_set_new(document, "run", report ? json_integer(report->run) : json_null());
    json_object_set_new(document, "failure", kt_json_text(report ? report->failure : NULL));
    return kt_json_dump(document);
}
