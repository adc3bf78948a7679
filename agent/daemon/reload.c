/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/daemon.h"
#include "agent/verbs/control.h"
#include "agent/view/json.h"

static guint
number(const json_t *error, const char *key)
{
    return (guint)json_integer_value(json_object_get(error, key));
}

static char *
text(const json_t *error, const char *key)
{
    return g_strdup(json_string_value(json_object_get(error, key)));
}

/** What the daemon found wrong, as if it had been found here. */
static GPtrArray *
diagnostics_of(const json_t *errors)
{
    GPtrArray *diagnostics = kt_diagnostics_new();
    size_t i;
    json_t *error;
    json_array_foreach(errors, i, error)
    {
        KtDiagnostic *diagnostic = g_new0(KtDiagnostic, 1);
        diagnostic->file = text(error, "file");
        if (!diagnostic->file)
            diagnostic->file = g_strdup("the daemon");
        diagnostic->line = number(error, "line");
        diagnostic->column = number(error, "column");
        diagnostic->message = text(error, "message");
        diagnostic->suggestion = text(error, "suggestion");
        g_ptr_array_add(diagnostics, diagnostic);
    }
    return diagnostics;
}

KtExit
kt_verb_reload(const KtOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) answer =
        kt_control_ask(options->state_dir, json_pack("{s:s}", "ask", "reload"), &error);
    if (answer == NULL)
        return kt_report_error(options, error);
    const json_t *errors = json_object_get(answer, "errors");
    if (errors) {
        g_autoptr(GPtrArray) diagnostics = diagnostics_of(errors);
        return kt_report_diagnostics(options, diagnostics);
    }
    if (options->json) {
        g_autofree char *json = kt_json_dump(json_incref(answer));
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autofree char *profile = kt_printable(json_string_value(json_object_get(answer, "profile")));
    g_autofree char *line = g_strdup_printf("the daemon keeps %s from now on\n", profile);
    return kt_print_unless_quiet(options, line, KT_EXIT_DONE);
}
