/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/profiles.h"

#include <string.h>

#include "agent/view/differences.h"
#include "agent/view/json.h"
#include "base/diagnostic.h"
#include "profiles/settings.h"

KtListedProfile *
kt_listed_profile_new(const char *name, const KtProfile *profile)
{
    KtListedProfile *listed = g_new0(KtListedProfile, 1);
    listed->name = g_strdup(name);
    listed->file = profile ? g_strdup(profile->file) : NULL;
    listed->summary = profile ? g_strdup(profile->summary) : NULL;
    return listed;
}

void
kt_listed_profile_free(gpointer data)
{
    KtListedProfile *listed = data;
    g_free(listed->name);
    g_free(listed->file);
    g_free(listed->summary);
    g_free(listed);
}

void
kt_view_profile_list(GString *out, const KtStyle *style, const GPtrArray *listed)
{
    guint width = 0;
    for (guint i = 0; i < listed->len; i++)
        width = MAX(width, kt_columns(((const KtListedProfile *)listed->pdata[i])->name));
    for (guint i = 0; i < listed->len; i++) {
        const KtListedProfile *one = listed->pdata[i];
        g_autofree char *name = kt_printable(one->name);
        g_autofree char *summary = kt_printable(one->summary ? one->summary : "");
        kt_pad(out, style, KT_INK_HEADING, name, width + 2);
        if (one->file == NULL) {
            g_autofree char *text = g_strdup_printf("has errors: kvm-tune profile check %s", name);
            kt_wrap(out, style, KT_INK_BAD, width + 2, width + 2, text);
            continue;
        }
        kt_wrap(out, style, KT_INK_PLAIN, width + 2, width + 2, summary);
        g_autofree char *file = kt_printable(one->file);
        g_string_append_printf(out, "%*s", (int)width + 2, "");
        kt_ink(out, style, KT_INK_DIM, "%s", file);
        g_string_append_c(out, '\n');
    }
    if (listed->len == 0)
        g_string_append(out, "no profiles\n");
}

char *
kt_view_profile_list_json(const GPtrArray *listed)
{
    json_t *document = kt_json_document();
    json_t *list = json_array();
    for (guint i = 0; i < listed->len; i++) {
        const KtListedProfile *one = listed->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "name", kt_json_text(one->name));
        json_object_set_new(json, "file", kt_json_text(one->file));
        json_object_set_new(json, "summary", kt_json_text(one->summary));
        json_object_set_new(json, "valid", json_boolean(one->file != NULL));
        json_array_append_new(list, json);
    }
    json_object_set_new(document, "profiles", list);
    return kt_json_dump(document);
}

char *
kt_view_profile_summary(const KtProfile *profile)
{
    guint n = 0;
    for (guint i = 0; i < profile->sections->len; i++)
        n += ((const KtProfileSection *)profile->sections->pdata[i])->values->len;
    g_autofree char *name = kt_printable(profile->name);
    g_autofree char *sections = kt_count(profile->sections->len, "section", "sections");
    g_autofree char *values = kt_count(n, "value", "values");
    g_autofree char *files = kt_count(profile->files->len, "file", "files");
    return g_strdup_printf("ok: %s, %s with %s from %s\n", name, sections, values, files);
}

/* The host's values that count: the last of each key, none that is un-named. Borrowed. */
static GPtrArray *
host_values(const KtProfile *profile)
{
    const KtValue *last[KT_N_SETTINGS] = {NULL};
    for (guint i = 0; i < profile->sections->len; i++) {
        const KtProfileSection *section = profile->sections->pdata[i];
        for (guint k = 0; section->scope == KT_SCOPE_HOST && k < section->values->len; k++) {
            const KtValue *value = section->values->pdata[k];
            last[value->setting->id] = value;
        }
    }
    GPtrArray *values = g_ptr_array_new();
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        if (last[id] && !kt_value_is(last[id], "keep"))
            g_ptr_array_add(values, (gpointer)last[id]);
    }
    return values;
}

static char *
value_line(const KtValue *value)
{
    g_autofree char *text =
        value->item ? g_strdup_printf("%s[%s] = %s", value->setting->key, value->item, value->text)
                    : g_strdup_printf("%s = %s", value->setting->key, value->text);
    return kt_printable(text);
}

static void
print_values(GString *out, const KtStyle *style, const GPtrArray *values)
{
    guint width = 0;
    for (guint i = 0; i < values->len; i++) {
        g_autofree char *line = value_line(values->pdata[i]);
        width = MAX(width, MIN(kt_columns(line), style->width / 2));
    }
    for (guint i = 0; i < values->len; i++) {
        const KtValue *value = values->pdata[i];
        g_autofree char *line = value_line(value);
        g_autofree char *source = kt_source_name(value->source);
        g_autofree char *safe = kt_printable(source);
        kt_pad(out, style, KT_INK_PLAIN, line, width + 2);
        kt_ink(out, style, KT_INK_DIM, "%s", safe);
        g_string_append_c(out, '\n');
    }
}

/* "db-* uuid:…", each as the language wants it. */
static char *
patterns_text(const KtProfileSection *section)
{
    static const char *const fields[] = {
        [KT_MATCH_NAME] = "",
        [KT_MATCH_UUID] = "uuid:",
        [KT_MATCH_TITLE] = "title:",
    };
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < section->patterns->len; i++) {
        const KtPattern *pattern = section->patterns->pdata[i];
        bool quoted = strpbrk(pattern->glob, " []\t") != NULL;
        g_string_append_printf(text, "%s%s%s%s%s", i ? " " : "", quoted ? "\"" : "", fields[pattern->field],
                               pattern->glob, quoted ? "\"" : "");
    }
    return kt_printable(text->str);
}

void
kt_view_profile(GString *out, const KtStyle *style, const KtProfile *profile)
{
    if (profile->summary) {
        g_autofree char *summary = kt_printable(profile->summary);
        kt_ink(out, style, KT_INK_HEADING, "[profile]\n");
        g_string_append_printf(out, "summary = %s\n", summary);
    }
    g_autoptr(GPtrArray) host = host_values(profile);
    if (host->len > 0) {
        kt_ink(out, style, KT_INK_HEADING, "%s[host]\n", out->len ? "\n" : "");
        print_values(out, style, host);
    }
    for (guint i = 0; i < profile->sections->len; i++) {
        const KtProfileSection *section = profile->sections->pdata[i];
        if (section->scope != KT_SCOPE_DOMAIN)
            continue;
        g_autofree char *patterns = patterns_text(section);
        kt_ink(out, style, KT_INK_HEADING, "%s[domain %s]\n", out->len ? "\n" : "", patterns);
        print_values(out, style, section->values);
    }
}

static json_t *
values_json(const GPtrArray *values)
{
    json_t *list = json_array();
    for (guint i = 0; i < values->len; i++) {
        const KtValue *value = values->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "setting", kt_json_text(value->setting->key));
        json_object_set_new(json, "item", kt_json_text(value->item));
        json_object_set_new(json, "value", kt_json_text(value->text));
        json_object_set_new(json, "source", kt_json_text(value->source));
        json_array_append_new(list, json);
    }
    return list;
}

char *
kt_view_profile_json(const KtProfile *profile)
{
    json_t *document = kt_json_document();
    json_object_set_new(document, "name", kt_json_text(profile->name));
    json_object_set_new(document, "file", kt_json_text(profile->file));
    json_object_set_new(document, "summary", kt_json_text(profile->summary));
    g_autoptr(GPtrArray) host = host_values(profile);
    json_object_set_new(document, "host", values_json(host));
    json_t *domains = json_array();
    for (guint i = 0; i < profile->sections->len; i++) {
        const KtProfileSection *section = profile->sections->pdata[i];
        if (section->scope != KT_SCOPE_DOMAIN)
            continue;
        g_autofree char *patterns = patterns_text(section);
        json_t *json = json_object();
        json_object_set_new(json, "patterns", kt_json_text(patterns));
        json_object_set_new(json, "values", values_json(section->values));
        json_array_append_new(domains, json);
    }
    json_object_set_new(document, "domains", domains);
    return kt_json_dump(document);
}
