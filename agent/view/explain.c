/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/explain.h"

#include "agent/view/json.h"

#define FIELD_WIDTH 11

static const char *
scope_name(KtScope scope)
{
    return scope == KT_SCOPE_HOST ? "host" : "domain";
}

static const char *
item_text(KtItemKind item)
{
    static const char *const texts[] = {
        [KT_ITEM_NONE] = NULL,
        [KT_ITEM_DISK] =
            "[vda] behind the key names one disk; without it all are meant but CD-ROM and floppy",
        [KT_ITEM_NIC] = "[52:54:00:…] behind the key names one NIC by its MAC; without it all are meant",
    };
    return texts[item];
}

static void
print_field(GString *out, const KtStyle *style, const char *field, const char *text)
{
    if (text == NULL)
        return;
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_DIM, field, FIELD_WIDTH);
    kt_wrap(out, style, KT_INK_PLAIN, 2 + FIELD_WIDTH, 2 + FIELD_WIDTH, text);
}

void
kt_view_setting(GString *out, const KtStyle *style, const KtSetting *setting, const KtPresent *present)
{
    g_autofree char *values = kt_setting_values(setting);
    g_autofree char *now = kt_present_value(present, setting->id);
    kt_ink(out, style, KT_INK_HEADING, "%s", setting->key);
    kt_ink(out, style, KT_INK_DIM, "  in [%s%s]\n", scope_name(setting->scope),
           setting->scope == KT_SCOPE_DOMAIN ? " …" : "");
    g_string_append(out, "  ");
    kt_wrap(out, style, KT_INK_PLAIN, 2, 2, setting->meaning);
    g_string_append_c(out, '\n');
    print_field(out, style, "values", values);
    print_field(out, style, "items", item_text(setting->item));
    print_field(out, style, "default", setting->default_text);
    print_field(out, style, "here now", now);
    print_field(out, style, "effect", setting->takes_effect);
    print_field(out, style, "risk", setting->risk);
    print_field(out, style, "manuals", setting->manuals);
    print_field(out, style, "source", setting->source);
}

static guint
widest_key(void)
{
    guint width = 0;
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        width = MAX(width, kt_columns(kt_setting((KtSettingId)id)->key));
    return width;
}

void
kt_view_settings(GString *out, const KtStyle *style)
{
    guint width = widest_key() + 2;
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        if (id == 0 || setting->scope != kt_setting((KtSettingId)(id - 1))->scope)
            kt_ink(out, style, KT_INK_HEADING, "%s[%s%s]\n", id ? "\n" : "", scope_name(setting->scope),
                   setting->scope == KT_SCOPE_DOMAIN ? " PATTERN…" : "");
        g_autofree char *values = kt_setting_values(setting);
        kt_pad(out, style, KT_INK_PLAIN, setting->key, width);
        kt_wrap(out, style, KT_INK_DIM, width, width, values);
    }
    g_string_append(out, "\nkvm-tune explain SETTING says all of one\n");
}

static json_t *
words_json(const KtSetting *setting)
{
    json_t *words = json_array();
    for (const char *const *word = setting->words; word && *word; word++)
        json_array_append_new(words, json_string(*word));
    return words;
}

static json_t *
setting_json(const KtSetting *setting, const KtPresent *present)
{
    static const char *const items[] = {
        [KT_ITEM_NONE] = NULL, [KT_ITEM_DISK] = "disk", [KT_ITEM_NIC] = "nic"};
    g_autofree char *values = kt_setting_values(setting);
    g_autofree char *now = kt_present_value(present, setting->id);
    json_t *json = json_object();
    json_object_set_new(json, "setting", json_string(setting->key));
    json_object_set_new(json, "scope", json_string(scope_name(setting->scope)));
    json_object_set_new(json, "items", kt_json_text(items[setting->item]));
    json_object_set_new(json, "words", words_json(setting));
    json_object_set_new(json, "values", kt_json_text(values));
    json_object_set_new(json, "default", kt_json_text(setting->default_text));
    json_object_set_new(json, "present", kt_json_text(now));
    json_object_set_new(json, "takes_effect", kt_json_text(setting->takes_effect));
    json_object_set_new(json, "meaning", kt_json_text(setting->meaning));
    json_object_set_new(json, "risk", kt_json_text(setting->risk));
    json_object_set_new(json, "manuals", kt_json_text(setting->manuals));
    json_object_set_new(json, "source", kt_json_text(setting->source));
    return json;
}

char *
kt_view_settings_json(const KtSetting *only, const KtPresent *present)
{
    json_t *document = kt_json_document();
    json_t *list = json_array();
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        if (only == NULL || only == setting)
            json_array_append_new(list, setting_json(setting, present));
    }
    json_object_set_new(document, "settings", list);
    return kt_json_dump(document);
}
