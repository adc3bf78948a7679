/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "agent/view/json.h"
#include "base/diagnostic.h"
#include "base/error.h"
#include "bench/compare/complaint.h"
#include "bench/compare/workload.h"

#define SHOWN_BYTES 200

char *
kt_workload_fill_in(const KtWorkload *workload, const char *text, const char *domain, const char *token)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *rest = text; *rest;) {
        const char *end = *rest == '{' ? strchr(rest, '}') : NULL;
        g_autofree char *name = end ? g_strndup(rest + 1, (gsize)(end - rest - 1)) : NULL;
        const char *value = name ? g_hash_table_lookup(workload->parameters, name) : NULL;
        if (name && value == NULL)
            value = g_str_equal(name, "domain") ? domain : g_str_equal(name, "token") ? token : NULL;
        if (value)
            g_string_append(out, value);
        else
            g_string_append_c(out, *rest);
        rest = value ? end + 1 : rest + 1;
    }
    return g_strdup(out->str);
}

static bool
number_of(const char *text, double *ret_value)
{
    char *end = NULL;
    *ret_value = g_ascii_strtod(text, &end);
    return end != text && isfinite(*ret_value);
}

static bool
find_line(const KtFigure *figure, const char *output, double *ret_value)
{
    g_autoptr(GMatchInfo) match = NULL;
    if (!g_regex_match(figure->line, output, 0, &match))
        return false;
    g_autofree char *text = g_match_info_fetch(match, 1);
    return text && number_of(text, ret_value);
}

/* RFC 6901, but for the escapes of '~' and '/', which no tool's figures have in their names. */
static bool
find_json(const KtFigure *figure, const char *output, double *ret_value)
{
    const char *begin = strchr(output, '{');
    g_autoptr(json_t) document = begin ? json_loads(begin, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    g_auto(GStrv) names = g_strsplit(figure->place, "/", -1);
    json_t *node = document;
    for (char **name = names[0] ? names + 1 : names; node && *name; name++) {
        guint64 index;
        if (!json_is_array(node))
            node = json_object_get(node, *name);
        else
            node = g_ascii_string_to_unsigned(*name, 10, 0, G_MAXUINT, &index, NULL)
                       ? json_array_get(node, index)
                       : NULL;
    }
    *ret_value = json_number_value(node);
    return json_is_number(node);
}

/* A tool that says what went wrong may end with 0 all the same. */
static void
set_error(const KtWorkload *workload, const KtFigure *figure, const char *output, GError **error)
{
    g_autofree char *said = kt_complaint_in_json(output);
    g_autofree char *begin = g_strndup(output, SHOWN_BYTES);
    g_autofree char *shown = kt_printable(g_strstrip(begin));
    g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: the figure '%s' is not in what it printed: '%s%s'",
                workload->name, figure->name, said ? said : shown,
                !said && strlen(output) > SHOWN_BYTES ? "…" : "");
}

bool
kt_workload_figures(const KtWorkload *workload, const char *output, double *ret_values, GError **error)
{
    for (guint i = 0; i < workload->figures->len; i++) {
        const KtFigure *figure = workload->figures->pdata[i];
        bool found = figure->kind == KT_READ_WATCHED ||
                     (figure->kind == KT_READ_LINE ? find_line(figure, output, &ret_values[i])
                                                   : find_json(figure, output, &ret_values[i]));
        if (found)
            continue;
        set_error(workload, figure, output, error);
        return false;
    }
    return true;
}
