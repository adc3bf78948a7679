/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/exec/active_profile.h"
#include "agent/verbs/control.h"
#include "agent/verbs/verb.h"
#include "agent/view/json.h"
#include "agent/view/view.h"

/* Refusals and what is pending are shown here too: "nothing to do" must not hide them. */
static KtExit
nothing_to_do(const KtOptions *options, const KtPlanning *planning)
{
    if (options->json) {
        g_autofree char *json = kt_view_report_json(NULL, planning->plan);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &options->style, planning->plan, planning->profile->name);
    g_string_append(out, "\nnothing to do\n");
    return kt_print_unless_quiet(options, out->str, KT_EXIT_DONE);
}

/* Shows what will be done. A plan that nobody could read is not carried out. */
static bool
show_plan(const KtOptions *options, const KtPlanning *planning)
{
    if (options->json)
        return true;
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &options->style, planning->plan, planning->profile->name);
    g_string_append_c(out, '\n');
    /* Who is asked must see what for. */
    KtExit exit = options->yes ? kt_print_unless_quiet(options, out->str, KT_EXIT_DONE)
                               : kt_print(out->str, KT_EXIT_DONE);
    return exit == KT_EXIT_DONE;
}

static KtExit
carry_out(const KtOptions *options, KtJournal *journal, const KtPlanning *planning)
{
    g_autoptr(GError) error = NULL;
    KtTarget target = {.root = planning->host->root, .connection = planning->host->connection};
    g_autoptr(KtReport) report = kt_execute(&target, journal, planning->plan, planning->profile->name,
                                            kt_show_progress, (gpointer)options, &error);
    kt_end_progress(options);
    if (report == NULL)
        return kt_report_error(options, error);
    KtExit exit = kt_exit_of_report(report);
    if (options->json) {
        g_autofree char *json = kt_view_report_json(report, planning->plan);
        return kt_print(json, exit);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_report(out, &options->style, report, planning->plan);
    return exit == KT_EXIT_DONE ? kt_print_unless_quiet(options, out->str, exit) : kt_print(out->str, exit);
}

/* A path is looked up by a daemon that was started elsewhere. */
static char *
lasting_name(const char *name)
{
    bool path = strchr(name, '/') || g_str_has_suffix(name, ".conf");
    return path ? g_canonicalize_filename(name, NULL) : g_strdup(name);
}

/* The profile is the daemon's from now on. */
static KtExit
persist(const KtOptions *options, KtExit exit)
{
    g_autofree char *name = lasting_name(options->arguments[0]);
    g_autoptr(GError) error = NULL;
    if (!kt_active_profile_write(options->state_dir, name, &error))
        return kt_report_error(options, error);
    g_autoptr(GError) unasked = NULL;
    g_autoptr(json_t) answer =
        kt_control_ask(options->state_dir, json_pack("{s:s}", "ask", "reload"), &unasked);
    if (answer == NULL)
        g_message("the profile is kept once the daemon runs: %s", unasked->message);
    return exit;
}

static KtExit
apply(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtProfile) profile = kt_planning_profile(options, KT_HOST_WRITE, &exit);
    if (profile == NULL)
        return exit;
    /* The lock comes before the look at the host: what is planned must still be so when it is done. */
    g_autoptr(KtJournal) journal = kt_open_journal(options, KT_JOURNAL_WRITE, "apply", &exit);
    if (journal == NULL)
        return exit;
    kt_warn_unfinished(options, journal);
    g_autoptr(KtPlanning) planning =
        kt_planning_make(options, g_steal_pointer(&profile), KT_HOST_WRITE, &exit);
    if (planning == NULL)
        return exit;
    if (planning->plan->actions->len == 0)
        return nothing_to_do(options, planning);
    if (!show_plan(options, planning))
        return KT_EXIT_ERROR;
    g_autofree char *counts = kt_view_counts(planning->plan);
    g_autofree char *question = g_strdup_printf("%s: apply?", counts);
    if (!kt_ask(options, question, &exit))
        return exit;
    return carry_out(options, journal, planning);
}

KtExit
kt_verb_apply(const KtOptions *options)
{
    KtExit exit = apply(options);
    bool applied = exit == KT_EXIT_DONE || exit == KT_EXIT_PARTIAL;
    return options->persist && applied ? persist(options, exit) : exit;
}
