/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/report.h"

static void
outcome_free(KtOutcome *outcome)
{
    kt_journal_step_free(outcome->step);
    g_free(outcome->message);
    g_free(outcome);
}

KtReport *
kt_report_new(void)
{
    KtReport *report = g_new0(KtReport, 1);
    report->outcomes = g_ptr_array_new_with_free_func((GDestroyNotify)outcome_free);
    return report;
}

void
kt_report_free(KtReport *report)
{
    if (!report)
        return;
    g_ptr_array_unref(report->outcomes);
    g_free(report->failure);
    g_free(report);
}

KtOutcome *
kt_report_add(KtReport *report, KtJournalStep *step, const char *message)
{
    KtOutcome *outcome = g_new0(KtOutcome, 1);
    outcome->step = step;
    outcome->message = g_strdup(message);
    g_ptr_array_add(report->outcomes, outcome);
    return outcome;
}
