/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/errors_json.h"

#include "agent/view/json.h"
#include "base/diagnostic.h"

static json_t *
number_or_null(guint number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *
one_error(const char *file, guint line, guint column, const char *message)
{
    json_t *json = json_object();
    json_object_set_new(json, "file", kt_json_text(file));
    json_object_set_new(json, "line", number_or_null(line));
    json_object_set_new(json, "column", number_or_null(column));
    json_object_set_new(json, "message", kt_json_text(message));
    return json;
}

/* Takes @errors over. */
static json_t *
document_of(json_t *errors)
{
    json_t *document = kt_json_document();
    json_object_set_new(document, "errors", errors);
    return document;
}

json_t *
kt_errors_json(const GPtrArray *diagnostics)
{
    json_t *errors = json_array();
    for (guint i = 0; i < diagnostics->len; i++) {
        const KtDiagnostic *diagnostic = diagnostics->pdata[i];
        json_t *error =
            one_error(diagnostic->file, diagnostic->line, diagnostic->column, diagnostic->message);
        json_object_set_new(error, "suggestion", kt_json_text(diagnostic->suggestion));
        json_array_append_new(errors, error);
    }
    return document_of(errors);
}

json_t *
kt_error_json(const char *message)
{
    json_t *errors = json_array();
    json_array_append_new(errors, one_error(NULL, 0, 0, message));
    return document_of(errors);
}
