/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/decisions.h"

#include <stdarg.h>

/** Fields of one log entry; texts are borrowed, and those that are NULL left out. */
typedef struct {
    GLogField fields[16];
    gsize n;
} Entry;

static void
add_field(Entry *entry, const char *key, const char *text)
{
    if (text && entry->n < G_N_ELEMENTS(entry->fields))
        entry->fields[entry->n++] = (GLogField){key, text, -1};
}

void
kt_decision_tell(const KtDecision *decision, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *run = decision->run ? g_strdup_printf("%" G_GINT64_FORMAT, decision->run) : NULL;
    Entry entry = {0};
    add_field(&entry, "KVM_TUNE_DOMAIN", decision->domain);
    add_field(&entry, "KVM_TUNE_DOMAIN_UUID", decision->uuid);
    add_field(&entry, "KVM_TUNE_SETTING", decision->setting);
    add_field(&entry, "KVM_TUNE_ITEM", decision->item);
    add_field(&entry, "KVM_TUNE_RUN", run);
    add_field(&entry, "KVM_TUNE_RESULT", decision->result);
    add_field(&entry, "KVM_TUNE_SEEN", decision->seen);
    add_field(&entry, "KVM_TUNE_REASON", decision->reason);
    add_field(&entry, "KVM_TUNE_SOURCE", decision->source);
    add_field(&entry, "GLIB_DOMAIN", G_LOG_DOMAIN);
    add_field(&entry, "SYSLOG_IDENTIFIER", G_LOG_DOMAIN);
    /* syslog's numbers. */
    add_field(&entry, "PRIORITY", decision->is_trouble ? "4" : "5");
    add_field(&entry, "MESSAGE", message);
    g_log_structured_array(decision->is_trouble ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE, entry.fields,
                           entry.n);
}

/** "cpu.placement, cpu.emulator": each once. Owned. */
static char *
settings_of(const KtJournalStep *step)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = step->actions->pdata[i];
        if (!g_ptr_array_find_with_equal_func(names, action->setting, g_str_equal, NULL))
            g_ptr_array_add(names, action->setting);
    }
    g_ptr_array_add(names, NULL);
    return g_strjoinv(", ", (char **)names->pdata);
}

static const KtJournalAction *
first_action(const KtJournalStep *step)
{
    return step->actions->len > 0 ? step->actions->pdata[0] : NULL;
}

static void
tell_step(const KtOutcome *outcome, gint64 run, const char *seen, bool well)
{
    const KtJournalStep *step = outcome->step;
    g_autofree char *what = kt_step_describe(step);
    g_autofree char *settings = settings_of(step);
    const KtJournalAction *first = first_action(step);
    const char *reason = first ? first->reason : NULL, *why = outcome->message ? outcome->message : reason;
    const KtDecision decision = {
        .domain = step->domain_name,
        .uuid = step->domain_uuid,
        .setting = settings,
        .item = first && step->actions->len == 1 ? first->item : NULL,
        .run = run,
        .result = kt_result_name(step->result),
        .seen = seen,
        .reason = reason,
        .source = first ? first->source : NULL,
        .is_trouble = !well,
    };
    kt_decision_tell(&decision, "%s (%s): %s%s%s", what, settings, decision.result, why ? "; " : "",
                     why ? why : "");
}

void
kt_decision_log(const KtOutcome *outcome, gint64 run, const char *seen)
{
    KtResult result = outcome->step->result;
    tell_step(outcome, run, seen, result == KT_RESULT_DONE || result == KT_RESULT_BEGUN);
}

void
kt_decision_log_left(const KtOutcome *outcome, gint64 run, const char *seen)
{
    tell_step(outcome, run, seen, true);
}

void
kt_decision_log_set_aside(const KtOutcome *outcome, gint64 run, gint64 wait_usec)
{
    const KtJournalStep *step = outcome->step;
    g_autofree char *what = kt_step_describe(step);
    const KtDecision decision = {
        .domain = step->domain_name,
        .uuid = step->domain_uuid,
        .run = run,
        .result = "set-aside",
        .seen = what,
        .reason = outcome->message,
        .is_trouble = true,
    };
    kt_decision_tell(&decision, "%s: left alone for %" G_GINT64_FORMAT " min, since a step failed: %s",
                     step->domain_name ? step->domain_name : "host", wait_usec / G_TIME_SPAN_MINUTE, what);
}

void
kt_decision_log_manual(const KtManual *mark)
{
    const char *why = mark->undone ? "was rolled back" : "somebody changed it";
    const char *target = mark->domain_name ? mark->domain_name : "host";
    g_autofree char *seen = g_strdup_printf("from '%s' to '%s'", mark->left ? mark->left : "nothing",
                                            mark->found ? mark->found : "nothing");
    const KtDecision decision = {
        .domain = mark->domain_name,
        .uuid = mark->domain_uuid,
        .setting = mark->setting,
        .item = mark->item,
        .result = "manual",
        .seen = seen,
        .reason = why,
    };
    kt_decision_tell(&decision,
                     "%s: %s%s%s is manual from now on: %s, %s ('kvm-tune release %s' gives it back)", target,
                     mark->setting, mark->item ? " " : "", mark->item ? mark->item : "", why, seen,
                     mark->domain_name ? mark->domain_name : "--host");
}

void
kt_decision_log_forgotten(const KtManual *mark)
{
    const KtDecision decision = {
        .domain = mark->domain_name,
        .uuid = mark->domain_uuid,
        .setting = mark->setting,
        .item = mark->item,
        .result = "forgotten",
        .seen = "libvirt hasn't known the domain for a day",
    };
    kt_decision_tell(&decision, "%s: %s%s%s was manual, which is forgotten: %s",
                     mark->domain_name ? mark->domain_name : mark->domain_uuid, mark->setting,
                     mark->item ? " " : "", mark->item ? mark->item : "", decision.seen);
}

void
kt_decision_log_load(const char *seen, const char *trouble)
{
    const KtDecision decision = {
        .setting = "cpu.placement",
        .result = trouble ? "failed" : "planned-again",
        .seen = seen,
        .reason = trouble ? trouble : "a vCPU waits for a CPU more than a tenth of the time",
        .is_trouble = trouble != NULL,
    };
    if (trouble)
        kt_decision_tell(&decision, "%s, but the load that was measured could not be recorded: %s", seen,
                         trouble);
    else
        kt_decision_tell(&decision, "plans again with the load that was measured: %s", seen);
}

void
kt_decision_log_governor(const char *state, const char *reason, gint64 run)
{
    const KtDecision decision = {
        .setting = "ksm.mode",
        .run = run,
        .result = state,
        .reason = reason,
    };
    kt_decision_tell(&decision, "KSM governor: %s: %s", state, reason);
}
