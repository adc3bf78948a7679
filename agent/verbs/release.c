/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/manual.h"
#include "agent/verbs/control.h"
#include "agent/verbs/verb.h"
#include "agent/view/json.h"
#include "agent/view/manual.h"
#include "base/nearest.h"

static bool
is_of(const KtManual *mark, const char *name)
{
    if (!name)
        return !mark->domain_uuid;
    return g_strcmp0(mark->domain_name, name) == 0 || g_strcmp0(mark->domain_uuid, name) == 0;
}

static bool
any_is_of(const GPtrArray *marks, const char *name)
{
    for (guint i = 0; i < marks->len; i++)
        if (is_of(marks->pdata[i], name))
            return true;
    return false;
}

/* A mistyped name would look like a guest of which nothing is manual. */
static KtExit
report_none(const KtOptions *options, const GPtrArray *marks, const char *name)
{
    if (!name)
        return kt_report_usage(options, "nothing of the host is manual: 'kvm-tune status' says what is");
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < marks->len; i++)
        if (((const KtManual *)marks->pdata[i])->domain_name)
            g_ptr_array_add(names, ((const KtManual *)marks->pdata[i])->domain_name);
    g_ptr_array_add(names, NULL);
    const char *nearest = kt_nearest(name, (const char *const *)names->pdata);
    return kt_report_usage(options, "nothing of domain '%s' is manual%s%s%s: 'kvm-tune status' says what is",
                           name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                           nearest ? "'?" : "");
}

/* What the KSM governor leaves to somebody it knows by itself: no mark tells of it. */
static KtManual *
governors_mark(const KtOptions *options)
{
    g_autoptr(json_t) answer = kt_control_ask(options->state_dir, json_pack("{s:s}", "ask", "status"), NULL);
    const json_t *governor = json_object_get(answer, "governor");
    if (g_strcmp0(json_string_value(json_object_get(governor, "state")), "left") != 0)
        return NULL;
    KtManual *mark = g_new0(KtManual, 1);
    mark->setting = g_strdup("ksm.mode");
    mark->left = g_strdup("auto");
    mark->since_usec = g_get_real_time();
    return mark;
}

/* All marks that aren't released yet. */
static GPtrArray *
standing_marks(const KtOptions *options, KtJournal *journal, KtExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *marks = kt_journal_manual(journal, &error);
    if (!marks) {
        *ret_exit = kt_report_error(options, error);
        return NULL;
    }
    for (guint i = marks->len; i > 0; i--)
        if (((const KtManual *)marks->pdata[i - 1])->released)
            g_ptr_array_remove_index(marks, i - 1);
    KtManual *governors = options->host ? governors_mark(options) : NULL;
    if (governors)
        g_ptr_array_add(marks, governors);
    return marks;
}

static bool
names_are_known(const KtOptions *options, const GPtrArray *marks, KtExit *ret_exit)
{
    if (options->host && !any_is_of(marks, NULL)) {
        *ret_exit = report_none(options, marks, NULL);
        return false;
    }
    for (char **name = options->arguments; *name; name++) {
        if (!any_is_of(marks, *name)) {
            *ret_exit = report_none(options, marks, *name);
            return false;
        }
    }
    return true;
}

static bool
is_meant(const KtOptions *options, const KtManual *mark)
{
    if (!mark->domain_uuid)
        return options->host;
    for (char **name = options->arguments; *name; name++)
        if (is_of(mark, *name))
            return true;
    return false;
}

/* Gives the released ones; NULL on error. */
static GPtrArray *
release(const KtOptions *options, KtJournal *journal, const GPtrArray *marks, GError **error)
{
    g_autoptr(GPtrArray) released = g_ptr_array_new();
    for (guint i = 0; i < marks->len; i++) {
        KtManual *mark = marks->pdata[i];
        if (!is_meant(options, mark))
            continue;
        if (!kt_journal_release(journal, mark->domain_uuid, error))
            return NULL;
        g_ptr_array_add(released, mark);
    }
    return g_steal_pointer(&released);
}

static KtExit
show(const KtOptions *options, const GPtrArray *released)
{
    if (options->json) {
        json_t *document = kt_json_document();
        json_t *list = json_array();
        for (guint i = 0; i < released->len; i++)
            json_array_append_new(list, kt_manual_json(released->pdata[i]));
        json_object_set_new(document, "released", list);
        g_autofree char *json = kt_json_dump(document);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < released->len; i++) {
        g_autofree char *what = kt_manual_describe(released->pdata[i]);
        g_autofree char *safe = kt_printable(what);
        g_string_append_printf(out, "%s: given back\n", safe);
    }
    return kt_print_unless_quiet(options, out->str, KT_EXIT_DONE);
}

/* At once where it runs; else it finds it released when it starts. */
static void
tell_daemon(const KtOptions *options)
{
    g_autoptr(GError) unasked = NULL;
    json_t *question = json_pack("{s:s, s:b}", "ask", "release", "host", (int)options->host);
    g_autoptr(json_t) answer = kt_control_ask(options->state_dir, question, &unasked);
    if (!answer)
        g_message("the profile's values come back once the daemon runs: %s", unasked->message);
}

KtExit
kt_verb_release(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    if (!options->host && !options->arguments[0])
        return kt_report_usage(options, "whose? usage: kvm-tune release DOMAIN..., or --host");
    g_autoptr(KtJournal) journal = kt_open_journal(options, KT_JOURNAL_WRITE, "release", &exit);
    g_autoptr(GPtrArray) marks = journal ? standing_marks(options, journal, &exit) : NULL;
    if (!marks || !names_are_known(options, marks, &exit))
        return exit;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) released = release(options, journal, marks, &error);
    if (!released)
        return kt_report_error(options, error);
    /* The daemon needs the lock. */
    g_clear_pointer(&journal, kt_journal_close);
    tell_daemon(options);
    return show(options, released);
}
