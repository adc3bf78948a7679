/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/migration.h"

/** Which reasons are meant. */
typedef struct {
    KtMigrationWeight weight;
    KtMigrationTime time;
    bool planned; /* only those that the plan brings about */
} Choice;

static bool
is_chosen(const KtMigrationReason *reason, Choice choice)
{
    return reason->weight == choice.weight && reason->time == choice.time &&
           (reason->planned || !choice.planned);
}

static bool
has(const GPtrArray *reasons, Choice choice)
{
    for (guint i = 0; i < reasons->len; i++) {
        if (is_chosen(reasons->pdata[i], choice))
            return true;
    }
    return false;
}

/* Appends the chosen reasons behind @lead, where there are any. */
static void
append(GString *text, const GPtrArray *reasons, Choice choice, const char *lead)
{
    const char *between = lead;
    for (guint i = 0; i < reasons->len; i++) {
        const KtMigrationReason *reason = reasons->pdata[i];
        if (!is_chosen(reason, choice))
            continue;
        g_string_append_printf(text, "%s%s", between, reason->reason);
        between = "; ";
    }
}

/* What stops it: first for good, then until the next power-on, then from there on. */
static void
append_stops(GString *text, const GPtrArray *reasons)
{
    const Choice always = {.weight = KT_MIGRATION_STOPS, .time = KT_MIGRATION_ALWAYS};
    const Choice until = {.weight = KT_MIGRATION_STOPS, .time = KT_MIGRATION_UNTIL_NEXT_BOOT};
    const Choice from = {.weight = KT_MIGRATION_STOPS, .time = KT_MIGRATION_FROM_NEXT_BOOT};
    bool for_good = has(reasons, always), later = has(reasons, from);
    append(text, reasons, always, "no: ");
    append(text, reasons, until,
           for_good ? "; and until its next power-on: "
           : later  ? "no: until its next power-on "
                    : "only from its next power-on; until then ");
    append(text, reasons, from,
           text->len > 0 ? "; and from its next power-on: " : "yes, but from its next power-on no more: ");
}

static void
append_needs(GString *text, const GPtrArray *reasons, bool all, const char *lead)
{
    const Choice always = {.weight = KT_MIGRATION_NEEDS, .time = KT_MIGRATION_ALWAYS, .planned = !all};
    const Choice until = {
        .weight = KT_MIGRATION_NEEDS, .time = KT_MIGRATION_UNTIL_NEXT_BOOT, .planned = !all};
    const Choice from = {.weight = KT_MIGRATION_NEEDS, .time = KT_MIGRATION_FROM_NEXT_BOOT};
    append(text, reasons, always, lead);
    append(text, reasons, until, "; the destination needs, until its next power-on: ");
    append(text, reasons, from, "; from its next power-on the destination needs: ");
}

/* Whether there is something that isn't listed. */
static bool
hides_needs(const GPtrArray *reasons, bool all)
{
    for (guint i = 0; !all && i < reasons->len; i++) {
        const KtMigrationReason *reason = reasons->pdata[i];
        if (reason->weight == KT_MIGRATION_NEEDS && !reason->planned &&
            reason->time != KT_MIGRATION_FROM_NEXT_BOOT)
            return true;
    }
    return false;
}

char *
kt_migration_text(const KtDomainPlan *planned, bool all)
{
    const GPtrArray *reasons = planned->migration;
    g_autoptr(GString) text = g_string_new(NULL);
    append_stops(text, reasons);
    bool hides = text->len == 0 && hides_needs(reasons, all);
    if (text->len == 0)
        g_string_append(text, hides ? "yes, where the destination has what it needs" : "yes");
    append_needs(text, reasons, all, hides ? "; now also " : "; the destination needs: ");
    return g_strdup(text->str);
}

json_t *
kt_migration_json(const KtDomainPlan *planned)
{
    json_t *list = json_array();
    for (guint i = 0; i < planned->migration->len; i++) {
        const KtMigrationReason *reason = planned->migration->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "weight", json_string(kt_migration_weight_name(reason->weight)));
        json_object_set_new(json, "when", json_string(kt_migration_time_name(reason->time)));
        json_object_set_new(json, "planned", json_boolean(reason->planned));
        json_object_set_new(json, "reason", kt_json_text(reason->reason));
        json_array_append_new(list, json);
    }
    return list;
}
