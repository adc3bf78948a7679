/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/complaint.h"

#include <string.h>

#include "agent/view/json.h"
#include "base/diagnostic.h"
#include "base/error.h"

#define SHOWN_BYTES 300

static char *
shown(const char *line)
{
    g_autofree char *begin = g_strndup(line, SHOWN_BYTES);
    g_autofree char *safe = kt_printable(g_strstrip(begin));
    return strlen(line) > SHOWN_BYTES ? g_strconcat(safe, "…", NULL) : g_steal_pointer(&safe);
}

char *
kt_complaint_in_json(const char *out)
{
    const char *begin = strchr(out, '{');
    g_autoptr(json_t) document = begin ? json_loads(begin, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const char *text = json_string_value(json_object_get(document, "error"));
    return text ? shown(text) : NULL;
}

/* Brackets, bars and dots alone say nothing. */
static bool
says_something(const char *line)
{
    for (const char *c = line; *c; c++)
        if (g_ascii_isalnum(*c) || (guchar)*c >= 0x80)
            return true;
    return false;
}

static char *
last_line(const char *text)
{
    g_auto(GStrv) lines = g_strsplit_set(text, "\r\n", -1);
    for (guint i = g_strv_length(lines); i > 0; i--)
        if (says_something(lines[i - 1]))
            return shown(g_strstrip(lines[i - 1]));
    return NULL;
}

char *
kt_complaint(const char *out, const char *err)
{
    char *said = kt_complaint_in_json(out);
    if (said == NULL && err)
        said = last_line(err);
    return said ? said : last_line(out);
}

void
kt_complaint_set_error(GError **error, const char *out, const char *err, const char *format, ...)
{
    va_list args;
    g_autofree char *said = kt_complaint(out, err);
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s%s%s", message, said ? ": " : "", said ? said : "");
}
