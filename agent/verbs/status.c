/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/status.h"
#include "agent/verbs/control.h"
#include "agent/verbs/verb.h"
#include "agent/view/json.h"
#include "agent/view/why.h"
#include "base/nearest.h"

static bool
is_known(const KtSnapshot *snapshot, const char *name)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (kt_glob_matches(name, domain->name) || g_strcmp0(name, domain->uuid) == 0)
            return true;
    }
    return false;
}

static const char *
nearest_domain(const KtSnapshot *snapshot, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < snapshot->domains->len; i++)
        g_ptr_array_add(names, ((const KtDomain *)snapshot->domains->pdata[i])->name);
    g_ptr_array_add(names, NULL);
    return kt_nearest(name, (const char *const *)names->pdata);
}

static bool
check_names(const KtOptions *options, const KtSnapshot *snapshot, char *const *names, KtExit *ret_exit)
{
    for (guint i = 0; names[i]; i++) {
        if (is_known(snapshot, names[i]))
            continue;
        const char *nearest = nearest_domain(snapshot, names[i]);
        *ret_exit =
            kt_report_usage(options, "no domain '%s'%s%s%s", names[i], nearest ? "; did you mean '" : "",
                            nearest ? nearest : "", nearest ? "'?" : "");
        return false;
    }
    return true;
}

/* -q: names alone, one a line, for scripts and completion. */
static KtExit
print_names(const KtHost *host, KtExit exit)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < host->snapshot->domains->len; i++) {
        g_autofree char *name = kt_printable(((const KtDomain *)host->snapshot->domains->pdata[i])->name);
        g_string_append_printf(out, "%s\n", name);
    }
    return kt_print(out->str, exit);
}

/* What only root may see is left out. A capture is of another host than the daemon. */
static GPtrArray *
read_manual(const KtOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournal) journal = kt_journal_open(options->state_dir, KT_JOURNAL_READ, &error);
    GPtrArray *manual = journal ? kt_journal_manual(journal, &error) : NULL;
    if (!manual)
        g_info("what is manual isn't known: %s", error->message);
    return manual;
}

static json_t *
ask_daemon(const KtOptions *options)
{
    g_autoptr(GError) error = NULL;
    json_t *daemon = kt_control_ask(options->state_dir, json_pack("{s:s}", "ask", "status"), &error);
    if (!daemon)
        g_info("%s", error->message);
    return daemon;
}

KtExit
kt_verb_status(const KtOptions *options)
{
    kt_warn_unfinished(options, NULL);
    KtExit exit = KT_EXIT_ERROR;
    bool named = options->arguments[0] != NULL;
    g_autoptr(KtHost) host = kt_host_open(options, named ? KT_HOST_READ : KT_HOST_ANYTHING, &exit);
    if (host == NULL || !check_names(options, host->snapshot, options->arguments, &exit))
        return exit;
    exit = host->unanswered ? KT_EXIT_ERROR : KT_EXIT_DONE;
    g_autoptr(GPtrArray) manual = options->capture ? NULL : read_manual(options);
    g_autoptr(json_t) daemon = options->capture ? NULL : ask_daemon(options);
    const KtKept kept = {daemon, manual, host->snapshot};
    if (options->json) {
        g_autofree char *json =
            kt_view_status_json(host->snapshot, options->arguments, host->unanswered, options->why, &kept);
        return kt_print(json, exit);
    }
    if (options->verbosity < 0)
        return print_names(host, exit);
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_status(out, &options->style, host->snapshot, options->arguments, host->unanswered);
    kt_view_kept(out, &options->style, &kept, options->arguments);
    if (options->why)
        kt_view_why(out, &options->style, host->snapshot, options->arguments);
    return kt_print(out->str, exit);
}
