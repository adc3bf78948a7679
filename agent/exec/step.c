/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step.h"

#include <stdlib.h>

#include "probes/kernel.h"

static const KtStepOps *const step_table[KT_N_STEP_KINDS] = {
    [KT_STEP_SYSFS] = &kt_step_sysfs,       [KT_STEP_DEFINE] = &kt_step_define,
    [KT_STEP_PIN] = &kt_step_pin,           [KT_STEP_WEIGHT] = &kt_step_weight,
    [KT_STEP_PAGES] = &kt_step_pages,       [KT_STEP_KSM_MERGE] = &kt_step_ksm_merge,
    [KT_STEP_SERVICES] = &kt_step_services, [KT_STEP_PAUSE] = &kt_step_pause,
    [KT_STEP_REPLUG] = &kt_step_replug,     [KT_STEP_RESTART] = &kt_step_restart,
};

const KtStepOps *
kt_step_ops(KtStepKind kind)
{
    return step_table[kind];
}

char *
kt_step_describe(const KtJournalStep *step)
{
    const KtStepOps *ops = kt_step_ops(step->kind);
    /* A damaged journal may have a step without actions: it fails, but is told before. */
    return step->actions->len > 0 ? ops->describe(step) : g_strdup_printf("%s without a change", ops->name);
}

bool
kt_step_disturbs(const KtJournalStep *step)
{
    return kt_step_ops(step->kind)->disturbs;
}

bool
kt_step_lasts(const KtJournalStep *step)
{
    /* Files: a pool of huge pages grows by compaction. */
    return kt_step_disturbs(step) || step->kind == KT_STEP_PAGES || step->kind == KT_STEP_KSM_MERGE ||
           step->kind == KT_STEP_SYSFS;
}

static KtJournalAction *
action_from_plan(const KtAction *action)
{
    KtJournalAction *recorded = g_new0(KtJournalAction, 1);
    recorded->id = action->id;
    recorded->setting = g_strdup(action->setting->key);
    recorded->item = g_strdup(action->item);
    recorded->from = g_strdup(action->from);
    recorded->to = g_strdup(action->to);
    recorded->when = g_strdup(kt_when_name(action->when));
    recorded->risk = g_strdup(kt_risk_name(action->risk));
    recorded->reason = g_strdup(action->reason);
    recorded->source = g_strdup(action->source);
    recorded->field = action->field;
    return recorded;
}

static char *
hypervisor_uri(virConnectPtr connection)
{
    char *uri = connection ? virConnectGetURI(connection) : NULL;
    char *copy = g_strdup(uri);
    free(uri);
    return copy;
}

static void
set_file(KtJournalStep *step, const KtAction *action)
{
    g_free(step->path);
    g_free(step->before);
    g_free(step->target);
    step->path = g_strdup(action->path);
    step->before = g_strdup(action->raw_from ? action->raw_from : action->from);
    step->target = g_strdup(action->raw_to ? action->raw_to : action->to);
}

KtJournalStep *
kt_step_from_plan(const KtPlan *plan, const KtStep *step, const KtTarget *target)
{
    KtJournalStep *recorded = kt_journal_step_new(step->kind);
    if (step->domain >= 0) {
        const KtDomain *domain = g_ptr_array_index(plan->snapshot->domains, step->domain);
        recorded->domain_name = g_strdup(domain->name);
        recorded->domain_uuid = g_strdup(domain->uuid);
        recorded->process = g_strdup(domain->process);
        recorded->hypervisor = hypervisor_uri(target->connection);
    } else if (target->root) {
        /* A host's value dies with that. */
        recorded->process = kt_boot_id(target->root);
    }
    for (guint i = 0; i < step->actions->len; i++) {
        const KtAction *action = g_ptr_array_index(plan->actions, g_array_index(step->actions, guint, i));
        g_ptr_array_add(recorded->actions, action_from_plan(action));
        if (action->path != NULL)
            set_file(recorded, action);
    }
    return recorded;
}

static KtJournalAction *
inverse_action(const KtJournalAction *action, KtStepKind kind)
{
    KtJournalAction *inverse = g_new0(KtJournalAction, 1);
    inverse->id = action->id;
    inverse->setting = g_strdup(action->setting);
    inverse->item = g_strdup(action->item);
    inverse->from = g_strdup(action->to);
    inverse->to = g_strdup(action->from);
    /* A rollback restarts nobody. */
    inverse->when = g_strdup(kind == KT_STEP_RESTART ? kt_when_name(KT_WHEN_NEXT_BOOT) : action->when);
    inverse->risk = g_strdup(action->risk);
    inverse->reason = g_strdup(action->reason);
    inverse->source = g_strdup(action->source);
    inverse->field = action->field;
    return inverse;
}

static KtJournalPart *
copy_part(const KtJournalPart *part)
{
    if (!part)
        return NULL;
    KtJournalPart *copy = g_new0(KtJournalPart, 1);
    copy->name = g_strdup(part->name);
    copy->note = g_strdup(part->note);
    copy->done = part->done;
    return copy;
}

KtJournalStep *
kt_step_inverse(const KtJournalStep *step)
{
    KtJournalStep *inverse = kt_journal_step_new(step->kind);
    inverse->domain_name = g_strdup(step->domain_name);
    inverse->domain_uuid = g_strdup(step->domain_uuid);
    inverse->process = g_strdup(step->process);
    inverse->hypervisor = g_strdup(step->hypervisor);
    inverse->path = g_strdup(step->path);
    /* What it really left, where that was read back; else what it was to leave. */
    inverse->before = g_strdup(step->after ? step->after : step->target);
    inverse->target = g_strdup(step->before);
    inverse->undoes_run = step->run;
    inverse->undoes_seq = step->seq;
    inverse->part = copy_part(step->part);
    inverse->half_done = step->half_done || step->result != KT_RESULT_DONE;
    for (guint i = 0; i < step->actions->len; i++)
        g_ptr_array_add(inverse->actions, inverse_action(g_ptr_array_index(step->actions, i), step->kind));
    return inverse;
}

void
kt_step_note(KtJournalStep *step, KtJournalAction *action, char *found, bool gone)
{
    g_free(action->found);
    action->found = found;
    if (gone)
        action->state = KT_STEP_IS_GONE;
    else if (g_strcmp0(found, action->to) == 0)
        action->state = KT_STEP_IS_AFTER;
    else if (g_strcmp0(found, action->from) == 0 || step->forced)
        action->state = KT_STEP_IS_BEFORE;
    else
        action->state = KT_STEP_IS_OTHER;
}

void
kt_step_all_gone(KtJournalStep *step, char *why, KtStepState *ret_state, char **ret_found)
{
    for (guint i = 0; i < step->actions->len; i++)
        kt_step_note(step, g_ptr_array_index(step->actions, i), NULL, true);
    *ret_state = KT_STEP_IS_GONE;
    *ret_found = why;
}

bool
kt_step_performs(const KtJournalAction *action)
{
    return action->state == KT_STEP_IS_BEFORE;
}

bool
kt_step_reads_back(const KtJournalAction *action)
{
    return action->state == KT_STEP_IS_BEFORE || action->state == KT_STEP_IS_AFTER;
}

static KtStepState
state_of(const guint *counts, guint total)
{
    static const KtStepState whole[] = {KT_STEP_IS_BEFORE, KT_STEP_IS_AFTER, KT_STEP_IS_GONE};
    if (counts[KT_STEP_IS_OTHER] > 0)
        return KT_STEP_IS_OTHER;
    for (guint i = 0; i < G_N_ELEMENTS(whole); i++)
        if (counts[whole[i]] == total)
            return whole[i];
    return KT_STEP_IS_MIXED;
}

static void
append_difference(GString *text, const KtJournalStep *step, const KtJournalAction *action)
{
    const char *expected = step->kind == KT_STEP_SYSFS ? step->before : action->from;
    g_string_append_printf(text, "%s%s%s%s: ", text->len > 0 ? "; " : "", action->setting,
                           action->item ? " " : "", action->item ? action->item : "");
    if (kt_journal_action_was_left(action))
        g_string_append_printf(text, "'%s', which somebody set since: left alone", action->found);
    else if (action->state == KT_STEP_IS_GONE)
        g_string_append(text, "is no longer there");
    else
        g_string_append_printf(text, "expected '%s', found '%s'", expected ? expected : "nothing",
                               action->found ? action->found : "nothing");
}

void
kt_step_sum_up(const KtJournalStep *step, KtStepState *ret_state, char **ret_found)
{
    guint counts[KT_STEP_IS_GONE + 1] = {0};
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        counts[action->state]++;
        /* For an undo a value that is as it was before is no obstacle. */
        bool expected =
            action->state == KT_STEP_IS_BEFORE || (step->undoes_run && action->state == KT_STEP_IS_AFTER);
        if (!expected)
            append_difference(text, step, action);
    }
    *ret_state = state_of(counts, step->actions->len);
    *ret_found = text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
