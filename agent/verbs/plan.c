/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/definitions.h"
#include "agent/verbs/verb.h"
#include "agent/view/drawing.h"
#include "agent/view/view.h"

static KtExit
plan_exit(const KtPlan *plan)
{
    return plan->actions->len > 0 ? KT_EXIT_DIFFERS : KT_EXIT_DONE;
}

/* An option as it was given, for a command that is to be typed again. */
static void
append_option(GString *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    g_autofree char *quoted = g_shell_quote(value);
    g_autofree char *shown = kt_printable(quoted);
    g_string_append_printf(out, " %s %s", name, shown);
}

/* What to type next: the same profile, host and domains. */
static void
append_next(GString *out, const KtOptions *options, const KtPlan *plan)
{
    if (plan->actions->len == 0)
        return;
    g_string_append_c(out, '\n');
    if (options->capture) {
        kt_ink(out, &options->style, KT_INK_DIM, "This is a capture: nothing can be applied to it.\n");
        return;
    }
    g_autoptr(GString) command = g_string_new("kvm-tune apply");
    g_autofree char *profile = kt_printable(options->arguments[0]);
    g_string_append_printf(command, " %s", profile);
    for (char **glob = options->domains; glob && *glob; glob++)
        append_option(command, "--domain", *glob);
    append_option(command, "--connect", options->uri);
    bool elsewhere = !g_str_equal(options->state_dir, KT_STATE_DIRECTORY);
    append_option(command, "--state-dir", elsewhere ? options->state_dir : NULL);
    kt_ink(out, &options->style, KT_INK_DIM, "Nothing was changed. To do it:  %s\n", command->str);
}

/* Who sits where now, and then. */
static void
draw(GString *out, const KtStyle *style, const KtPlan *plan)
{
    g_autoptr(KtSeating) after = kt_seating_new(plan->snapshot, plan);
    g_autoptr(KtSeating) before = kt_seating_before(plan, after);
    kt_ink(out, style, KT_INK_HEADING, "now\n");
    kt_view_drawing(out, style, plan->snapshot, before);
    kt_ink(out, style, KT_INK_HEADING, "\nwith this plan\n");
    kt_view_drawing(out, style, plan->snapshot, after);
}

KtExit
kt_verb_plan(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    KtProfile *profile = kt_planning_profile(options, KT_HOST_READ, &exit);
    g_autoptr(KtPlanning) planning = profile ? kt_planning_make(options, profile, KT_HOST_READ, &exit) : NULL;
    if (planning == NULL)
        return exit;
    const KtPlan *plan = planning->plan;
    g_autoptr(GError) error = NULL;
    if (options->xml_dir && !kt_write_definitions(plan, options->xml_dir, &error))
        return kt_report_error(options, error);
    if (options->json) {
        g_autofree char *json = kt_view_plan_json(plan);
        return kt_print(json, plan_exit(plan));
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &options->style, plan, planning->profile->name);
    if (options->verbosity > 0) {
        g_string_append_c(out, '\n');
        draw(out, &options->style, plan);
    }
    append_next(out, options, plan);
    return kt_print_unless_quiet(options, out->str, plan_exit(plan));
}
