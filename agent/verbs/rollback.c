/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "agent/exec/journal_prune.h"
#include "agent/verbs/verb.h"
#include "agent/view/view.h"

/* The number of the run that was named; 0 = none was. */
static bool
named_run(const KtOptions *options, gint64 *ret_run, KtExit *ret_exit)
{
    const char *text = options->arguments[0];
    guint64 run = 0;
    if (text && !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &run, NULL)) {
        *ret_exit = kt_report_usage(options, "'%s' is no run: 'kvm-tune history' lists them", text);
        return false;
    }
    if (text && options->all) {
        *ret_exit = kt_report_usage(options, "--all undoes every run: it takes no number");
        return false;
    }
    *ret_run = (gint64)run;
    return true;
}

/* Leaves those of @runs (newest first) that are meant: the newest; @run and all later ones; all. Where older
 * ones were pruned, a change stands for all of them that were made of the same value: they go back together.
 */
static void
keep_meant(GPtrArray *runs, gint64 run, bool all)
{
    guint n = 0;
    while (n < runs->len && (all || (run == 0 ? n == 0 : ((const KtJournalRun *)runs->pdata[n])->id >= run)))
        n++;
    g_ptr_array_set_size(runs, (gint)n);
}

static bool
run_exists(KtJournal *journal, gint64 run, GError **error)
{
    KtJournalRun *found = kt_journal_run(journal, run, error);
    kt_journal_run_free(found);
    return found != NULL;
}

static GPtrArray *
find_runs(const KtOptions *options, KtJournal *journal, gint64 run, KtExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    if (run != 0 && !run_exists(journal, run, &error)) {
        *ret_exit = kt_report_error(options, error);
        return NULL;
    }
    g_autoptr(GPtrArray) runs = kt_journal_undoable(journal, &error);
    KtPruned pruned;
    if (runs == NULL || !kt_journal_pruned(journal, &pruned, &error)) {
        *ret_exit = kt_report_error(options, error);
        return NULL;
    }
    keep_meant(runs, run, options->all || (run != 0 && run <= pruned.upto));
    return g_steal_pointer(&runs);
}

static KtExit
nothing_to_undo(const KtOptions *options)
{
    if (options->json) {
        g_autofree char *json = kt_view_report_json(NULL, NULL);
        return kt_print(json, KT_EXIT_DONE);
    }
    return kt_print_unless_quiet(options, "nothing to undo\n", KT_EXIT_DONE);
}

/* The root, and a connection only where a domain is to be changed: a host setting can be undone without
 * libvirt. */
static bool
open_target(const KtOptions *options, GPtrArray *steps, KtHost *host, KtExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    host->root = kt_root_open("/", &error);
    bool domains = false;
    for (guint i = 0; i < steps->len; i++)
        domains = domains || ((const KtJournalStep *)steps->pdata[i])->domain_name;
    if (host->root && domains)
        host->connection = kt_connect(options->uri, KT_HOST_WRITE, &error);
    if (error)
        *ret_exit = kt_report_error(options, error);
    return error == NULL;
}

static KtExit
carry_out(const KtOptions *options, KtJournal *journal, GPtrArray *runs, const KtHost *host)
{
    g_autoptr(GError) error = NULL;
    KtTarget target = {.root = host->root, .connection = host->connection};
    g_autoptr(KtReport) report = kt_undo(&target, journal, runs, kt_show_progress, (gpointer)options, &error);
    kt_end_progress(options);
    if (report == NULL)
        return kt_report_error(options, error);
    KtExit exit = kt_exit_of_report(report);
    if (options->json) {
        g_autofree char *json = kt_view_report_json(report, NULL);
        return kt_print(json, exit);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_report(out, &options->style, report, NULL);
    return exit == KT_EXIT_DONE ? kt_print_unless_quiet(options, out->str, exit) : kt_print(out->str, exit);
}

static bool
show_steps(const KtOptions *options, GPtrArray *steps)
{
    if (options->json)
        return true;
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_undo(out, &options->style, steps);
    g_string_append_c(out, '\n');
    KtExit exit = options->yes ? kt_print_unless_quiet(options, out->str, KT_EXIT_DONE)
                               : kt_print(out->str, KT_EXIT_DONE);
    return exit == KT_EXIT_DONE;
}

/* Without a state directory nothing was ever recorded: none is made just to say so. */
static KtJournal *
open_journal(const KtOptions *options, KtExit *ret_exit)
{
    bool recorded = g_file_test(options->state_dir, G_FILE_TEST_EXISTS | G_FILE_TEST_IS_SYMLINK);
    return kt_open_journal(options, recorded ? KT_JOURNAL_WRITE : KT_JOURNAL_READ, "rollback", ret_exit);
}

KtExit
kt_verb_rollback(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    gint64 run = 0;
    if (!named_run(options, &run, &exit))
        return exit;
    g_autoptr(KtJournal) journal = open_journal(options, &exit);
    g_autoptr(GPtrArray) runs = journal ? find_runs(options, journal, run, &exit) : NULL;
    if (runs == NULL)
        return exit;
    g_autoptr(GPtrArray) steps = kt_undo_steps(runs);
    if (steps->len == 0)
        return nothing_to_undo(options);
    g_autoptr(KtHost) host = g_new0(KtHost, 1);
    if (!open_target(options, steps, host, &exit))
        return exit;
    if (!show_steps(options, steps))
        return KT_EXIT_ERROR;
    if (!kt_ask(options, "roll back?", &exit))
        return exit;
    return carry_out(options, journal, runs, host);
}
