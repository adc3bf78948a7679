/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/manual.h"
#include "agent/verbs/lasting.h"
#include "agent/view/manual.h"
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

/* What is done besides applying it. */
static const char *
what_else(const KtOptions *options)
{
    if (options->prove == NULL)
        return "";
    return options->restart ? " and undo this in turns, measuring, and power guests off and on"
                            : " and undo this in turns, measuring";
}

static KtExit
exit_of_proof(const KtProof *proof)
{
    guint kept = 0, n = g_strv_length(proof->groups);
    for (char **group = proof->groups; *group; group++)
        kept += kt_proof_keeps(proof, *group);
    return kept == n ? KT_EXIT_DONE : kept > 0 ? KT_EXIT_PARTIAL : KT_EXIT_REFUSED;
}

static KtExit
prove(KtMeasuring *measuring, const KtPlan *plan)
{
    const KtOptions *options = measuring->options;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtProof) proof = kt_prove(measuring, plan, &error);
    if (proof == NULL)
        return kt_measuring_report_error(measuring, error);
    KtExit exit = exit_of_proof(proof);
    if (!proof->interrupted)
        kt_lasting_keep_proven(options, proof);
    if (options->json) {
        g_autofree char *json = kt_proof_json(proof, plan);
        return kt_print(json, exit);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_proof_text(out, &options->style, proof);
    return exit == KT_EXIT_DONE ? kt_print_unless_quiet(options, out->str, exit) : kt_print(out->str, exit);
}

/* A proof that could find nothing would be none. */
static bool
check_provable(const KtMeasuring *measuring, const KtPlan *plan, KtExit *ret_exit)
{
    const KtOptions *options = measuring->options;
    guint figures = kt_measuring_count_figures(measuring), least = kt_measuring_least_blocks(measuring);
    const char *nothing = kt_measuring_nothing(measuring, plan);
    if (nothing)
        *ret_exit = kt_report_usage(options, "--prove: %s", nothing);
    else if (kt_measuring_blocks(measuring) < least)
        *ret_exit = kt_report_usage(
            options, "--prove judges %u figures here: that takes --blocks %u at least", figures, least);
    else
        return true;
    return false;
}

static KtMeasuring *
open_measuring(const KtOptions *options, KtJournal *journal, const KtPlanning *planning, KtExit *ret_exit)
{
    GPtrArray *workloads = kt_measuring_workloads(options, options->prove, ret_exit);
    g_autoptr(KtMeasuring) measuring =
        workloads ? kt_measuring_new(options, planning, workloads, journal, ret_exit) : NULL;
    if (measuring == NULL || !check_provable(measuring, planning->plan, ret_exit))
        return NULL;
    if (kt_measuring_leaves_some(measuring, planning->plan))
        g_warning("what takes a power cycle is staged, but not measured: --restart does that");
    return g_steal_pointer(&measuring);
}

static bool
plan_sets(const KtPlan *plan, const KtManual *mark)
{
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        const KtDomain *domain = action->domain >= 0 ? plan->snapshot->domains->pdata[action->domain] : NULL;
        if (g_strcmp0(domain ? domain->uuid : NULL, mark->domain_uuid) == 0 &&
            g_str_equal(action->setting->key, mark->setting) && g_strcmp0(action->item, mark->item) == 0)
            return true;
    }
    return false;
}

/* Who applies a profile by hand has the last word, but is told whose earlier one goes. */
static void
tell_manual(KtJournal *journal, const KtPlan *plan)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) marks = kt_journal_manual(journal, &error);
    if (!marks)
        g_warning("%s", error->message);
    for (guint i = 0; marks && i < marks->len; i++) {
        const KtManual *mark = marks->pdata[i];
        if (mark->released || !plan_sets(plan, mark))
            continue;
        g_autofree char *what = kt_manual_describe(mark);
        g_autofree char *safe = kt_printable(what);
        g_message("%s was changed by hand: this apply gives it back to the profile", safe);
    }
}

/* *@ret_proven: what the daemon keeps is settled already, with the journal's lock. */
static KtExit
apply(const KtOptions *options, bool *ret_proven)
{
    KtExit exit = KT_EXIT_ERROR;
    if (options->prove == NULL && (options->measure || options->blocks || options->seed || options->restart))
        return kt_report_usage(options, "--measure, --blocks, --seed and --restart are for --prove");
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
    tell_manual(journal, planning->plan);
    if (planning->plan->actions->len == 0)
        return nothing_to_do(options, planning);
    kt_lasting_warn(options);
    g_autoptr(KtMeasuring) measuring =
        options->prove ? open_measuring(options, journal, planning, &exit) : NULL;
    if (options->prove && measuring == NULL)
        return exit;
    if (!show_plan(options, planning))
        return KT_EXIT_ERROR;
    g_autofree char *counts = kt_view_counts(planning->plan);
    g_autofree char *question = g_strdup_printf("%s: apply%s?", counts, what_else(options));
    if (!kt_ask(options, question, &exit))
        return exit;
    *ret_proven = measuring != NULL;
    return measuring ? prove(measuring, planning->plan) : carry_out(options, journal, planning);
}

KtExit
kt_verb_apply(const KtOptions *options)
{
    bool proven = false;
    KtExit exit = apply(options, &proven);
    bool applied = exit == KT_EXIT_DONE || exit == KT_EXIT_PARTIAL;
    return options->persist && applied && !proven ? kt_lasting_keep(options, exit) : exit;
}
