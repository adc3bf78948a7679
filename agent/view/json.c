/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/json.h"

#include <stdlib.h>

json_t *
kt_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

json_t *
kt_json_set(const KtCpuset *set)
{
    if (set == NULL)
        return json_null();
    g_autofree char *list = kt_cpuset_format(set);
    return json_string(list);
}

json_t *
kt_json_document(void)
{
    json_t *document = json_object();
    json_object_set_new(document, "version", json_integer(1));
    return document;
}

static char *
dump(json_t *document, size_t flags)
{
    /* 15 digits: every value of the plan, and still 13.8 instead of 13.800000000000001. */
    char *text = json_dumps(document, flags | JSON_REAL_PRECISION(15));
    json_decref(document);
    char *line = g_strconcat(text, "\n", NULL);
    free(text);
    return line;
}

char *
kt_json_line(json_t *document)
{
    return dump(document, JSON_COMPACT);
}

char *
kt_json_dump(json_t *document)
{
    return dump(document, JSON_INDENT(2));
}
