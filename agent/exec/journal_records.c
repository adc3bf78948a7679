/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal.h"

#include "agent/exec/journal_records.h"
#include "base/error.h"

static const char *const result_names[KT_N_RESULTS] = {
    [KT_RESULT_PLANNED] = "planned", [KT_RESULT_BEGUN] = "begun",       [KT_RESULT_DONE] = "done",
    [KT_RESULT_SKIPPED] = "skipped", [KT_RESULT_CONFLICT] = "conflict", [KT_RESULT_FAILED] = "failed",
    [KT_RESULT_UNDONE] = "undone",
};

const char *
kt_result_name(KtResult result)
{
    return result_names[result];
}

bool
kt_result_from_name(const char *name, KtResult *ret_result)
{
    for (guint i = 0; i < KT_N_RESULTS; i++)
        if (g_strcmp0(name, result_names[i]) == 0) {
            *ret_result = i;
            return true;
        }
    return false;
}

bool
kt_step_kind_from_name(const char *name, KtStepKind *ret_kind)
{
    for (guint i = 0; i < KT_N_STEP_KINDS; i++)
        if (g_strcmp0(name, kt_step_kind_name(i)) == 0) {
            *ret_kind = i;
            return true;
        }
    return false;
}

void
kt_journal_action_free(KtJournalAction *action)
{
    if (!action)
        return;
    g_free(action->setting);
    g_free(action->item);
    g_free(action->from);
    g_free(action->to);
    g_free(action->when);
    g_free(action->risk);
    g_free(action->reason);
    g_free(action->source);
    g_free(action->found);
    g_free(action);
}

void
kt_journal_part_free(KtJournalPart *part)
{
    if (!part)
        return;
    g_free(part->name);
    g_free(part->note);
    g_free(part);
}

KtJournalStep *
kt_journal_step_new(KtStepKind kind)
{
    KtJournalStep *step = g_new0(KtJournalStep, 1);
    step->kind = kind;
    step->actions = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_action_free);
    return step;
}

void
kt_journal_step_free(KtJournalStep *step)
{
    if (!step)
        return;
    g_free(step->domain_name);
    g_free(step->domain_uuid);
    g_free(step->process);
    g_free(step->hypervisor);
    g_free(step->path);
    g_free(step->before);
    g_free(step->target);
    g_free(step->after);
    g_free(step->detail);
    kt_journal_part_free(step->part);
    g_clear_pointer(&step->actions, g_ptr_array_unref);
    g_free(step);
}

void
kt_journal_run_free(KtJournalRun *run)
{
    if (!run)
        return;
    g_free(run->verb);
    g_free(run->profile);
    g_clear_pointer(&run->steps, g_ptr_array_unref);
    g_free(run);
}
