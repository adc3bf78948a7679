/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/decisions.h"

#include <string.h>

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

/** Tells @message; @priority is one of syslog's, as text. */
static void
tell(Entry *entry, GLogLevelFlags level, const char *priority, const char *message)
{
    add_field(entry, "GLIB_DOMAIN", G_LOG_DOMAIN);
    add_field(entry, "SYSLOG_IDENTIFIER", G_LOG_DOMAIN);
    add_field(entry, "PRIORITY", priority);
    add_field(entry, "MESSAGE", message);
    g_log_structured_array(level, entry->fields, entry->n);
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

static void
tell_step(const KtOutcome *outcome, gint64 run, const char *seen, bool well)
{
    const KtJournalStep *step = outcome->step;
    const KtJournalAction *first = step->actions->len > 0 ? step->actions->pdata[0] : NULL;
    g_autofree char *what = kt_step_describe(step);
    g_autofree char *settings = settings_of(step);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, run);
    g_autofree char *message =
        g_strdup_printf("%s (%s): %s%s%s", what, settings, kt_result_name(step->result),
                        outcome->message || first ? "; " : "",
                        outcome->message ? outcome->message
                        : first          ? first->reason
                                         : "");
    Entry entry = {0};
    add_field(&entry, "KVM_TUNE_DOMAIN", step->domain_name);
    add_field(&entry, "KVM_TUNE_DOMAIN_UUID", step->domain_uuid);
    add_field(&entry, "KVM_TUNE_SETTING", settings);
    add_field(&entry, "KVM_TUNE_RUN", number);
    add_field(&entry, "KVM_TUNE_RESULT", kt_result_name(step->result));
    add_field(&entry, "KVM_TUNE_SEEN", seen);
    add_field(&entry, "KVM_TUNE_REASON", first ? first->reason : NULL);
    add_field(&entry, "KVM_TUNE_SOURCE", first ? first->source : NULL);
    tell(&entry, well ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING, well ? "5" : "4", message);
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
kt_decision_log_manual(const KtManual *mark)
{
    const char *why = mark->undone ? "was rolled back" : "somebody changed it";
    g_autofree char *message = g_strdup_printf(
        "%s: %s%s%s is manual from now on: %s, from '%s' to '%s' ('kvm-tune release %s' gives it back)",
        mark->domain_name ? mark->domain_name : "host", mark->setting, mark->item ? " " : "",
        mark->item ? mark->item : "", why, mark->left ? mark->left : "nothing",
        mark->found ? mark->found : "nothing", mark->domain_name ? mark->domain_name : "--host");
    Entry entry = {0};
    add_field(&entry, "KVM_TUNE_DOMAIN", mark->domain_name);
    add_field(&entry, "KVM_TUNE_DOMAIN_UUID", mark->domain_uuid);
    add_field(&entry, "KVM_TUNE_SETTING", mark->setting);
    add_field(&entry, "KVM_TUNE_RESULT", "manual");
    add_field(&entry, "KVM_TUNE_REASON", why);
    tell(&entry, G_LOG_LEVEL_MESSAGE, "5", message);
}

void
kt_decision_log_governor(const char *state, const char *reason, gint64 run)
{
    g_autofree char *message = g_strdup_printf("KSM governor: %s: %s", state, reason);
    g_autofree char *number = run ? g_strdup_printf("%" G_GINT64_FORMAT, run) : NULL;
    Entry entry = {0};
    add_field(&entry, "KVM_TUNE_SETTING", "ksm.mode");
    add_field(&entry, "KVM_TUNE_RUN", number);
    add_field(&entry, "KVM_TUNE_RESULT", state);
    add_field(&entry, "KVM_TUNE_REASON", reason);
    tell(&entry, G_LOG_LEVEL_MESSAGE, "5", message);
}

void
kt_decision_log_load(const char *seen)
{
    g_autofree char *message = g_strdup_printf("plans again with the load that was measured: %s", seen);
    Entry entry = {0};
    add_field(&entry, "KVM_TUNE_SETTING", "cpu.placement");
    add_field(&entry, "KVM_TUNE_RESULT", "planned-again");
    add_field(&entry, "KVM_TUNE_SEEN", seen);
    add_field(&entry, "KVM_TUNE_REASON", "a vCPU waits for a CPU more than a tenth of the time");
    tell(&entry, G_LOG_LEVEL_MESSAGE, "5", message);
}

struct KtRefusals {
    GHashTable *told; /* set of messages */
};

KtRefusals *
kt_refusals_new(void)
{
    KtRefusals *refusals = g_new0(KtRefusals, 1);
    refusals->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return refusals;
}

void
kt_refusals_free(KtRefusals *refusals)
{
    if (!refusals)
        return;
    g_hash_table_unref(refusals->told);
    g_free(refusals);
}

static void
tell_refusal(const KtRefusal *refusal, const char *domain, const char *message)
{
    Entry entry = {0};
    add_field(&entry, "KVM_TUNE_DOMAIN", domain);
    add_field(&entry, "KVM_TUNE_SETTING", refusal->setting->key);
    add_field(&entry, "KVM_TUNE_RESULT", "refused");
    add_field(&entry, "KVM_TUNE_REASON", refusal->reason);
    add_field(&entry, "KVM_TUNE_SOURCE", refusal->source);
    tell(&entry, G_LOG_LEVEL_MESSAGE, "5", message);
}

void
kt_refusals_tell(KtRefusals *refusals, const KtPlan *plan)
{
    g_autoptr(GHashTable) now = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < plan->refused->len; i++) {
        const KtRefusal *refusal = plan->refused->pdata[i];
        const KtDomain *domain =
            refusal->domain >= 0 ? plan->snapshot->domains->pdata[refusal->domain] : NULL;
        g_autofree char *message = g_strdup_printf(
            "%s: %s%s%s refused: %s (%s)", domain ? domain->name : "host", refusal->setting->key,
            refusal->item ? " " : "", refusal->item ? refusal->item : "", refusal->reason, refusal->source);
        if (!g_hash_table_contains(refusals->told, message))
            tell_refusal(refusal, domain ? domain->name : NULL, message);
        g_hash_table_add(now, g_steal_pointer(&message));
    }
    g_hash_table_unref(refusals->told);
    refusals->told = g_steal_pointer(&now);
}
