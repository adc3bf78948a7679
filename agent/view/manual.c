/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/manual.h"

#include <string.h>

#include "agent/view/json.h"
#include "base/diagnostic.h"
#include "profiles/profile.h"

/* More of them on one page hide the rest. */
#define MOST_REFUSALS 10

static bool
is_named(char *const *names, const char *name, const char *uuid)
{
    if (!names || !names[0])
        return true;
    for (guint i = 0; name && names[i]; i++)
        if (kt_glob_matches(names[i], name) || g_strcmp0(names[i], uuid) == 0)
            return true;
    return false;
}

static bool
is_shown(const KtManual *mark, char *const *names)
{
    return kt_manual_stands(mark) && is_named(names, mark->domain_name, mark->domain_uuid);
}

char *
kt_manual_describe(const KtManual *mark)
{
    return g_strdup_printf("%s: %s%s%s", mark->domain_name ? mark->domain_name : "host", mark->setting,
                           mark->item ? " " : "", mark->item ? mark->item : "");
}

json_t *
kt_manual_json(const KtManual *mark)
{
    json_t *json = json_object();
    g_autofree char *target =
        mark->domain_name ? g_strdup_printf("domain:%s", mark->domain_name) : g_strdup("host");
    json_object_set_new(json, "target", kt_json_text(target));
    json_object_set_new(json, "setting", kt_json_text(mark->setting));
    json_object_set_new(json, "item", kt_json_text(mark->item));
    json_object_set_new(json, "left", kt_json_text(mark->left));
    json_object_set_new(json, "found", kt_json_text(mark->found));
    json_object_set_new(json, "cause", json_string(mark->undone ? "rolled-back" : "changed"));
    json_object_set_new(json, "since", json_integer(mark->since_usec / G_USEC_PER_SEC));
    return json;
}

void
kt_kept_json(json_t *document, const KtKept *kept, char *const *names)
{
    json_object_set_new(document, "daemon",
                        kept && kept->daemon ? json_deep_copy(kept->daemon) : json_null());
    json_t *manual = json_array();
    for (guint i = 0; kept && kept->manual && i < kept->manual->len; i++)
        if (is_shown(kept->manual->pdata[i], names))
            json_array_append_new(manual, kt_manual_json(kept->manual->pdata[i]));
    json_object_set_new(document, "manual", manual);
}

static char *
local_time(json_int_t seconds)
{
    g_autoptr(GDateTime) moment = g_date_time_new_from_unix_local(seconds);
    return moment ? g_date_time_format(moment, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

static json_int_t
number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void
print_line_in(GString *out, const KtStyle *style, KtInk ink, const char *label, const char *text)
{
    g_autofree char *safe = kt_printable(text);
    kt_ink(out, style, KT_INK_HEADING, "%s", label);
    kt_wrap(out, style, ink, 11, 11, safe);
}

static void
print_line(GString *out, const KtStyle *style, const char *label, const char *text)
{
    print_line_in(out, style, KT_INK_PLAIN, label, text);
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/** What came of a look, and what is done about it. */
static void
append_result(GString *text, const json_t *last)
{
    static const struct {
        const char *result, *before, *after;
    } words[] = {
        {"no-hypervisor", "", "; guests stay as they are, and it is tried again"},
        {"locked", "waits for another kvm-tune: ", ""},
        {"failed", "failed: ", "; it is tried again"},
    };
    const char *result = text_of(last, "result"), *message = text_of(last, "message");
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(result, words[i].result) && *message) {
            g_string_append_printf(text, "%s%s%s", words[i].before, message, words[i].after);
            return;
        }
    g_string_append(text, result);
}

/** "; 2 changes": unless it is none. */
static void
append_count(GString *text, const json_t *last, const char *key, const char *one, const char *many)
{
    json_int_t n = number(last, key);
    if (n > 0)
        g_string_append_printf(text, "; %" JSON_INTEGER_FORMAT " %s", n, n == 1 ? one : many);
}

static void
print_look(GString *out, const KtStyle *style, const json_t *last)
{
    g_autofree char *when = local_time(number(last, "began"));
    g_autoptr(GString) text = g_string_new(NULL);
    bool is_done = g_str_equal(text_of(last, "result"), "done");
    g_string_append_printf(text, "%s (%s): ", when, text_of(last, "why"));
    append_result(text, last);
    append_count(text, last, "changes", "change", "changes");
    if (json_is_integer(json_object_get(last, "run")))
        g_string_append_printf(text, " (run %" JSON_INTEGER_FORMAT ")", number(last, "run"));
    append_count(text, last, "refused", "refused", "refused");
    append_count(text, last, "pending", "value waits for a power cycle", "values wait for a power cycle");
    append_count(text, last, "manual", "manual", "manual");
    print_line_in(out, style, is_done ? KT_INK_PLAIN : KT_INK_WARN, "last look  ", text->str);
}

/** What the profile wants and isn't done, and why. */
static void
print_refused(GString *out, const KtStyle *style, const json_t *refusals, char *const *names)
{
    size_t i;
    const json_t *refusal;
    guint n = 0;
    json_array_foreach(refusals, i, refusal)
    {
        const char *target = text_of(refusal, "target"), *item = text_of(refusal, "item");
        const char *name = g_str_has_prefix(target, "domain:") ? target + strlen("domain:") : NULL;
        if (!is_named(names, name, NULL) || ++n > MOST_REFUSALS)
            continue;
        g_autofree char *text =
            g_strdup_printf("%s: %s%s%s: %s (%s)", name ? name : "host", text_of(refusal, "setting"),
                            *item ? " " : "", item, text_of(refusal, "reason"), text_of(refusal, "source"));
        print_line(out, style, n == 1 ? "refused    " : "           ", text);
    }
    if (n > MOST_REFUSALS)
        kt_ink(out, style, KT_INK_DIM, "           and %u more: 'kvm-tune status --json' shows them\n",
               n - MOST_REFUSALS);
}

static double
figure(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/** Guests of which nothing is merged, and why. */
static void
print_obstacles(GString *out, const KtStyle *style, const json_t *guests, char *const *names)
{
    size_t i;
    const json_t *guest;
    json_array_foreach(guests, i, guest)
    {
        const char *name = json_string_value(json_object_get(guest, "name"));
        const char *obstacle = json_string_value(json_object_get(guest, "obstacle"));
        if (!name || !obstacle || !is_named(names, name, NULL))
            continue;
        g_autofree char *text = g_strdup_printf("%s: nothing merged: %s", name, obstacle);
        print_line(out, style, "           ", text);
    }
}

static void
print_governor(GString *out, const KtStyle *style, const json_t *governor, char *const *names)
{
    const char *state = json_string_value(json_object_get(governor, "state"));
    if (!state || g_str_equal(state, "off"))
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%s: %s", state, json_string_value(json_object_get(governor, "reason")));
    if (figure(governor, "saved_mib") <= -1)
        g_string_append_printf(text, "; its bookkeeping takes %.0f MiB more than it saves",
                               -figure(governor, "saved_mib"));
    else if (figure(governor, "saved_mib") >= 1)
        g_string_append_printf(text, "; %.0f MiB saved", figure(governor, "saved_mib"));
    if (json_is_number(json_object_get(governor, "ksmd_percent")))
        g_string_append_printf(text, "; ksmd takes %.2f %% of a CPU", figure(governor, "ksmd_percent"));
    if (figure(governor, "mib_a_cpu_second") >= 1)
        g_string_append_printf(text, ", %.0f MiB a CPU-second", figure(governor, "mib_a_cpu_second"));
    print_line(out, style, "KSM        ", text->str);
    print_obstacles(out, style, json_object_get(governor, "guests"), names);
}

/** Whose memory moves to another node, or should and can't. */
static void
print_following(GString *out, const KtStyle *style, const json_t *following, char *const *names)
{
    size_t i;
    const json_t *guest;
    bool is_first = true;
    json_array_foreach(following, i, guest)
    {
        const char *name = json_string_value(json_object_get(guest, "name"));
        const char *from = json_string_value(json_object_get(guest, "from"));
        const char *to = json_string_value(json_object_get(guest, "to"));
        const char *state = json_string_value(json_object_get(guest, "state"));
        const char *reason = json_string_value(json_object_get(guest, "reason"));
        if (!name || !from || !state || !is_named(names, name, NULL))
            continue;
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_append_printf(text, "%s: node %s", name, from);
        if (to)
            g_string_append_printf(
                text, " to %s, %s: %" JSON_INTEGER_FORMAT " MiB moved, %" JSON_INTEGER_FORMAT " MiB left", to,
                state, number(guest, "moved_mib"), number(guest, "left_mib"));
        if (reason)
            g_string_append_printf(text, "%s %s", to ? ";" : ":", reason);
        print_line(out, style, is_first ? "memory     " : "           ", text->str);
        is_first = false;
    }
}

/** Guests that wait for a CPU too much. */
static void
print_load(GString *out, const KtStyle *style, const json_t *load, char *const *names)
{
    size_t i;
    const json_t *guest;
    bool first = true;
    json_array_foreach(load, i, guest)
    {
        const char *name = json_string_value(json_object_get(guest, "name"));
        const char *state = json_string_value(json_object_get(guest, "state"));
        if (!name || !state || g_str_equal(state, "well") || g_str_equal(state, "unknown") ||
            !is_named(names, name, NULL))
            continue;
        g_autofree char *text =
            g_strdup_printf("%s: waits for a CPU %.0f %% of the time%s", name, figure(guest, "delay_percent"),
                            g_str_equal(state, "tried") ? "; it was planned again" : "");
        print_line(out, style, first ? "load       " : "           ", text);
        first = false;
    }
}

static void
print_daemon(GString *out, const KtStyle *style, const json_t *daemon, char *const *names)
{
    const char *profile = json_string_value(json_object_get(daemon, "profile"));
    g_autofree char *since = local_time(number(daemon, "since"));
    g_autofree char *text =
        g_strdup_printf("keeps %s, since %s%s", profile ? profile : "", since,
                        json_is_true(json_object_get(daemon, "busy")) ? "; it is at work just now" : "");
    print_line(out, style, "daemon     ", text);
    const json_t *last = json_object_get(daemon, "last");
    if (json_is_object(last))
        print_look(out, style, last);
    print_refused(out, style, json_object_get(last, "refusals"), names);
    print_governor(out, style, json_object_get(daemon, "governor"), names);
    print_following(out, style, json_object_get(daemon, "following"), names);
    print_load(out, style, json_object_get(daemon, "load"), names);
}

static void
print_mark(GString *out, const KtStyle *style, const KtManual *mark)
{
    g_autofree char *what = kt_manual_describe(mark);
    g_autofree char *since = local_time(mark->since_usec / G_USEC_PER_SEC);
    g_autofree char *text =
        g_strdup_printf("%s: %s from '%s' to '%s', seen %s", what, mark->undone ? "rolled back" : "changed",
                        mark->left ? mark->left : "nothing", mark->found ? mark->found : "nothing", since);
    print_line(out, style, "manual     ", text);
}

/** @names, and the domains' whose UUIDs are among them. Owned. */
static GStrv
with_names_of_uuids(const KtSnapshot *snapshot, char *const *names)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (guint i = 0; names && names[i]; i++) {
        const KtDomain *domain = snapshot ? kt_snapshot_find_domain(snapshot, names[i]) : NULL;
        g_strv_builder_add(builder, names[i]);
        if (domain)
            g_strv_builder_add(builder, domain->name);
    }
    return g_strv_builder_end(builder);
}

void
kt_view_kept(GString *out, const KtStyle *style, const KtKept *kept, char *const *names)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(GStrv) told = with_names_of_uuids(kept->snapshot, names);
    guint n = 0;
    if (kept->daemon)
        print_daemon(text, style, kept->daemon, told);
    for (guint i = 0; kept->manual && i < kept->manual->len; i++)
        if (is_shown(kept->manual->pdata[i], names)) {
            print_mark(text, style, kept->manual->pdata[i]);
            n++;
        }
    if (n > 0)
        kt_ink(text, style, KT_INK_DIM,
               "           'kvm-tune release DOMAIN', or --host, gives back what is manual\n");
    if (text->len > 0)
        g_string_append_printf(out, "\n%s", text->str);
}
