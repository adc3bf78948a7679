/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/recommend.h"

#include "agent/view/ink.h"
#include "agent/view/json.h"
#include "agent/view/plan_parts.h"
#include "base/diagnostic.h"

/* A sentence begins with a capital, also where it was made to follow others. */
static void
append_comment(GString *out, const char *indent, const char *text, bool sentence)
{
    const KtStyle style = {.color = false, .utf8 = true, .width = 78 - kt_columns(indent)};
    g_autofree char *safe = kt_printable(text);
    if (sentence)
        safe[0] = g_ascii_toupper(safe[0]);
    g_autoptr(GString) wrapped = g_string_new(NULL);
    kt_wrap(wrapped, &style, KT_INK_PLAIN, 0, 0, safe);
    g_auto(GStrv) lines = g_strsplit(wrapped->str, "\n", -1);
    for (guint i = 0; lines[i] && *lines[i]; i++)
        g_string_append_printf(out, "#%s %s\n", indent, lines[i]);
}

static void
append_left(GString *out, const GPtrArray *left)
{
    if (left->len > 0)
        g_string_append(out, "\n# Not recommended here:\n");
    for (guint i = 0; i < left->len; i++) {
        const KtRecommendedLine *line = left->pdata[i];
        g_autofree char *text = kt_recommended_text(line);
        g_autofree char *title =
            line->patterns ? g_strdup_printf("%s, for %s", text, line->patterns) : g_strdup(text);
        g_string_append(out, "#\n");
        append_comment(out, "  ", title, false);
        append_comment(out, "    ", line->reason, true);
    }
}

char *
kt_view_recommendation(const KtRecommendation *recommendation, const KtSnapshot *snapshot)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *host = kt_view_host_line(snapshot->topology);
    g_autofree char *domains = kt_count(snapshot->domains->len, "domain", "domains");
    g_string_append_printf(out,
                           "# A start, to be read and changed: it can't know which guests matter most.\n"
                           "# kvm-tune explain SETTING says more of each line.\n\n"
                           "[profile]\nsummary = Recommended for %s and %s\n",
                           host, domains);
    const KtRecommendedLine *before = NULL;
    for (guint i = 0; i < recommendation->lines->len; i++) {
        const KtRecommendedLine *line = recommendation->lines->pdata[i];
        g_autofree char *header = kt_recommended_header(line);
        g_autofree char *text = kt_recommended_text(line);
        bool begins = before == NULL || g_strcmp0(before->patterns, line->patterns) != 0;
        if (begins)
            g_string_append_printf(out, "\n%s\n", header);
        append_comment(
            out, "", !begins && g_str_equal(before->reason, line->reason) ? "Likewise." : line->reason, true);
        g_string_append_printf(out, "%s\n", text);
        before = line;
    }
    append_left(out, recommendation->left);
    return g_strdup(out->str);
}

static json_t *
lines_json(const GPtrArray *lines)
{
    json_t *list = json_array();
    for (guint i = 0; i < lines->len; i++) {
        const KtRecommendedLine *line = lines->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "setting", json_string(line->setting->key));
        json_object_set_new(json, "item", kt_json_text(line->item));
        json_object_set_new(json, "value", kt_json_text(line->value));
        json_object_set_new(json, "domain", kt_json_text(line->patterns));
        json_object_set_new(json, "reason", kt_json_text(line->reason));
        json_array_append_new(list, json);
    }
    return list;
}

char *
kt_view_recommendation_json(const KtRecommendation *recommendation, const KtSnapshot *snapshot)
{
    g_autofree char *profile = kt_view_recommendation(recommendation, snapshot);
    json_t *document = kt_json_document();
    json_object_set_new(document, "profile", kt_json_text(profile));
    json_object_set_new(document, "lines", lines_json(recommendation->lines));
    json_object_set_new(document, "left", lines_json(recommendation->left));
    return kt_json_dump(document);
}
