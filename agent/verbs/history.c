/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/verb.h"
#include "agent/view/view.h"

static KtExit
show_run(const KtOptions *options, KtJournal *journal, const char *number)
{
    guint64 id;
    if (!g_ascii_string_to_unsigned(number, 10, 1, G_MAXINT64, &id, NULL))
        return kt_report_usage(options, "'%s' is no run: 'kvm-tune history' lists them", number);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournalRun) run = kt_journal_run(journal, (gint64)id, &error);
    if (run == NULL)
        return kt_report_error(options, error);
    if (options->json) {
        g_autofree char *json = kt_view_run_json(run);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_run(out, &options->style, run);
    return kt_print(out->str, KT_EXIT_DONE);
}

static KtExit
show_runs(const KtOptions *options, KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    KtPruned pruned;
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, &error);
    if (runs == NULL || !kt_journal_pruned(journal, &pruned, &error))
        return kt_report_error(options, error);
    if (options->json) {
        g_autofree char *json = kt_view_runs_json(runs, &pruned);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_runs(out, &options->style, runs, &pruned);
    return kt_print(out->str, KT_EXIT_DONE);
}

KtExit
kt_verb_history(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtJournal) journal = kt_open_journal(options, KT_JOURNAL_READ, "history", &exit);
    if (journal == NULL)
        return exit;
    kt_warn_unfinished(options, NULL);
    const char *number = options->arguments[0];
    return number ? show_run(options, journal, number) : show_runs(options, journal);
}
