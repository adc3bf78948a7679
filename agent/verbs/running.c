/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <unistd.h>

#include "agent/exec/benchmarks.h"
#include "agent/verbs/verb.h"
#include "agent/view/view.h"

KtJournal *
kt_open_journal(const KtOptions *options, KtJournalMode mode, const char *verb, KtExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    KtJournal *journal = kt_journal_open(options->state_dir, mode, &error);
    if (journal == NULL)
        *ret_exit = kt_report_error(options, error);
    else if (mode == KT_JOURNAL_WRITE)
        kt_journal_announce(journal, verb);
    return journal;
}

/* Guests that were disturbed and couldn't be put back yet: one that is off, or without a NIC. */
static void
warn_left(KtJournal *journal)
{
    g_autoptr(GPtrArray) runs = kt_journal_undoable(journal, NULL);
    for (guint i = 0; runs && i < runs->len; i++) {
        const KtJournalRun *run = runs->pdata[i];
        for (guint k = 0; k < run->steps->len; k++) {
            const KtJournalStep *step = run->steps->pdata[k];
            if (kt_step_disturbs(step) && step->to_undo && step->result == KT_RESULT_FAILED)
                g_warning("run %" G_GINT64_FORMAT
                          " could not put back domain %s: 'kvm-tune rollback' tries again",
                          run->id, step->domain_name);
        }
    }
}

static void
warn_unfinished(KtJournal *journal, bool locked)
{
    warn_left(journal);
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, NULL);
    for (guint i = 0; runs && i < runs->len; i++) {
        g_autofree char *text = kt_view_unfinished(runs->pdata[i], locked);
        if (text)
            g_warning("%s", text);
    }
    gint64 benchmark = 0;
    if (locked && kt_journal_interrupted_benchmark(journal, &benchmark, NULL) && benchmark)
        g_warning("benchmark %" G_GINT64_FORMAT
                  " was interrupted with its profile applied: 'kvm-tune rollback' undoes that",
                  benchmark);
}

void
kt_warn_unfinished(const KtOptions *options, KtJournal *journal)
{
    /* A capture is of another host than the state directory. */
    if (options->capture)
        return;
    if (journal) {
        warn_unfinished(journal, true);
        return;
    }
    g_autoptr(KtJournal) opened = kt_journal_open(options->state_dir, KT_JOURNAL_READ, NULL);
    if (opened)
        warn_unfinished(opened, false);
}

static bool
shows_progress(const KtOptions *options)
{
    /* Who wants to hear more gets each step as a line of its own. */
    return options->verbosity == 0 && !options->json && isatty(STDERR_FILENO);
}

void
kt_show_progress(const KtJournalStep *step, guint index, guint total, gpointer user_data)
{
    const KtOptions *options = user_data;
    g_autofree char *description = kt_step_describe(step);
    g_autofree char *line = g_strdup_printf("[%u/%u] %s", index, total, description);
    if (options->verbosity > 0)
        g_info("%s", line);
    if (!shows_progress(options))
        return;
    /* One line that each step writes over; cut so that it never wraps. */
    g_autofree char *printable = kt_printable(line);
    g_autofree char *shown = kt_shorten(&options->style, printable, options->style.width - 1);
    fprintf(stderr, "\r\033[K%s", shown);
    fflush(stderr);
}

void
kt_end_progress(const KtOptions *options)
{
    if (shows_progress(options))
        fputs("\r\033[K", stderr);
}

KtExit
kt_exit_of_report(const KtReport *report)
{
    /* An undo that failed is left in the journal, so that too is «in part». */
    if (report->partial)
        return KT_EXIT_PARTIAL;
    return report->failed ? KT_EXIT_ERROR : KT_EXIT_DONE;
}
