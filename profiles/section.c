/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/section.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"

static void
section_free(KtProfileSection *section)
{
    g_ptr_array_unref(section->patterns);
    g_ptr_array_unref(section->values);
    g_free(section);
}

void
kt_profile_contents_free(KtProfileContents *contents)
{
    if (!contents)
        return;
    g_clear_pointer(&contents->sections, g_ptr_array_unref);
    g_free(contents);
}

/* What reads the sections of a file. */
typedef struct {
    const KtIni *ini;
    KtProfileContents *contents;
    GPtrArray *diagnostics;
} Reader;

static const char *const profile_keys[] = {"summary", "inherit", NULL};

/* Complains about a key that @kind ("host", "domain", "profile"), whose keys are @known, doesn't have. */
static void
complain_key(Reader *reader, const char *kind, const char *const *known, const KtIniEntry *entry)
{
    const char *key = entry->key, *home = NULL;
    if (kt_setting_find(KT_SCOPE_HOST, key))
        home = "a host setting";
    else if (kt_setting_find(KT_SCOPE_DOMAIN, key))
        home = "a domain setting";
    else if (g_strv_contains(profile_keys, key))
        home = "a word of [profile]";
    if (home)
        kt_ini_complain(reader->ini, entry->line, entry->key_column, NULL, reader->diagnostics,
                        "'%s' is %s, this is [%s]", key, home, kind);
    else
        kt_ini_complain(reader->ini, entry->line, entry->key_column, kt_nearest(key, known),
                        reader->diagnostics, "[%s] has no setting '%s'", kind, key);
}

/* "52:54:00:12:34:56" in any case. */
static bool
is_mac(const char *text)
{
    return g_regex_match_simple("^[0-9a-f]{2}(:[0-9a-f]{2}){5}$", text,
                                G_REGEX_CASELESS | G_REGEX_DOLLAR_ENDONLY, 0);
}

/* Names as libvirt's <target dev=> has them. */
static bool
is_disk_target(const char *text)
{
    return g_regex_match_simple("^[a-zA-Z0-9_]+$", text, G_REGEX_DOLLAR_ENDONLY, 0);
}

/* Whether the entry's item fits the setting; complains where it doesn't. */
static bool
check_item(Reader *reader, const KtSetting *setting, const KtIniEntry *entry)
{
    const char *wanted = NULL;
    if (!entry->item)
        return true;
    switch (setting->item) {
    case KT_ITEM_NONE:
        wanted = "takes no item";
        break;
    case KT_ITEM_DISK:
        wanted = is_disk_target(entry->item) ? NULL : "takes one disk's target, such as [vdb]";
        break;
    case KT_ITEM_NIC:
        wanted = is_mac(entry->item) ? NULL : "takes one NIC's MAC, such as [52:54:00:12:34:56]";
        break;
    }
    if (wanted)
        kt_ini_complain(reader->ini, entry->line, entry->item_column, NULL, reader->diagnostics,
                        "'%s' %s, not '%s'", setting->key, wanted, entry->item);
    return !wanted;
}

/* The entry as a value of @setting; NULL after complaints about its item and its value. */
static KtValue *
read_value(Reader *reader, const KtSetting *setting, const KtIniEntry *entry)
{
    const char *suggestion = NULL;
    guint offset = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtValue) value = kt_value_parse(setting, entry->value, &suggestion, &offset, &error);
    bool item_fits = check_item(reader, setting, entry);
    if (!value)
        kt_ini_complain(reader->ini, entry->line, entry->value_column + offset, suggestion,
                        reader->diagnostics, "%s", error->message);
    if (!value || !item_fits)
        return NULL;
    value->item = setting->item == KT_ITEM_NIC && entry->item ? g_ascii_strdown(entry->item, -1)
                                                              : g_strdup(entry->item);
    value->source = g_strdup_printf("%s:%u:%u", reader->ini->file, entry->line, entry->key_column);
    return g_steal_pointer(&value);
}

/* Whether the section has this NIC's key already, spelt in another case: the reader of lines compares
 * letters. */
static bool
is_second_spelling(Reader *reader, GHashTable *nics, const KtValue *value, const KtIniEntry *entry)
{
    if (!value->item || value->setting->item != KT_ITEM_NIC)
        return false;
    char *name = g_strdup_printf("%s[%s]", value->setting->key, value->item);
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(nics, name));
    if (before)
        kt_ini_complain(reader->ini, entry->line, entry->key_column, NULL, reader->diagnostics,
                        "'%s' again in this section: line %u has it already", name, before);
    g_hash_table_replace(nics, name, GUINT_TO_POINTER(entry->line));
    return before != 0;
}

/* All lines of a [host] or [domain …] section. */
static void
read_values(Reader *reader, const KtIniSection *lines, const char *kind, KtProfileSection *section)
{
    g_autofree const char **known = kt_setting_keys(section->scope);
    g_autoptr(GHashTable) nics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < lines->entries->len; i++) {
        const KtIniEntry *entry = g_ptr_array_index(lines->entries, i);
        const KtSetting *setting = kt_setting_find(section->scope, entry->key);
        if (!setting) {
            complain_key(reader, kind, known, entry);
            continue;
        }
        g_autoptr(KtValue) value = read_value(reader, setting, entry);
        if (value && !is_second_spelling(reader, nics, value, entry))
            g_ptr_array_add(section->values, g_steal_pointer(&value));
    }
}

/* The patterns after [domain. */
static void
read_patterns(Reader *reader, const KtIniSection *lines, KtProfileSection *section)
{
    if (lines->words->len == 1)
        kt_ini_complain(reader->ini, lines->line, lines->column, NULL, reader->diagnostics,
                        "[domain] needs a pattern; [domain *] is all domains");
    for (guint i = 1; i < lines->words->len; i++) {
        const KtIniWord *word = g_ptr_array_index(lines->words, i);
        g_autoptr(GError) error = NULL;
        KtPattern *pattern = kt_pattern_parse(word->text, &error);
        if (pattern)
            g_ptr_array_add(section->patterns, pattern);
        else
            kt_ini_complain(reader->ini, lines->line, word->column, NULL, reader->diagnostics, "%s",
                            error->message);
    }
}

/* [host] and [profile] are alone in their header. */
static void
refuse_patterns(Reader *reader, const KtIniSection *lines, const char *kind)
{
    if (lines->words->len == 1)
        return;
    const KtIniWord *word = g_ptr_array_index(lines->words, 1);
    kt_ini_complain(reader->ini, lines->line, word->column, NULL, reader->diagnostics,
                    "[%s] takes no pattern, not '%s'", kind, word->text);
}

static KtProfileSection *
add_section(Reader *reader, KtScope scope)
{
    KtProfileSection *section = g_new0(KtProfileSection, 1);
    section->scope = scope;
    section->patterns = g_ptr_array_new_with_free_func((GDestroyNotify)kt_pattern_free);
    section->values = g_ptr_array_new_with_free_func((GDestroyNotify)kt_value_free);
    g_ptr_array_add(reader->contents->sections, section);
    return section;
}

static void
read_host(Reader *reader, const KtIniSection *lines)
{
    refuse_patterns(reader, lines, "host");
    read_values(reader, lines, "host", add_section(reader, KT_SCOPE_HOST));
}

/* Whether every pattern names one domain by itself; a title may be that of several. */
static bool
names_domains(const KtProfileSection *section)
{
    for (guint i = 0; i < section->patterns->len; i++) {
        const KtPattern *pattern = g_ptr_array_index(section->patterns, i);
        if (pattern->field == KT_MATCH_TITLE || strpbrk(pattern->glob, "*?"))
            return false;
    }
    return true;
}

static void
read_domain(Reader *reader, const KtIniSection *lines)
{
    KtProfileSection *section = add_section(reader, KT_SCOPE_DOMAIN);
    read_patterns(reader, lines, section);
    read_values(reader, lines, "domain", section);
    bool exact = names_domains(section);
    for (guint i = 0; i < section->values->len; i++)
        ((KtValue *)g_ptr_array_index(section->values, i))->exact_domain = exact;
}

/* Whether "inherit" names one profile; complains where it doesn't. */
static bool
check_inherit(Reader *reader, const KtIniEntry *entry)
{
    bool path = strchr(entry->value, '/') || g_str_has_suffix(entry->value, ".conf");
    const char *wrong = *entry->value ? strpbrk(entry->value, path ? "" : " \t,") : entry->value;
    if (!wrong)
        return true;
    guint offset = (guint)g_utf8_pointer_to_offset(entry->value, wrong);
    kt_ini_complain(reader->ini, entry->line, entry->value_column + offset, NULL, reader->diagnostics,
                    "inherit takes one profile's name, or a path: '%s' is neither", entry->value);
    return false;
}

static void
read_profile(Reader *reader, const KtIniSection *lines)
{
    refuse_patterns(reader, lines, "profile");
    for (guint i = 0; i < lines->entries->len; i++) {
        const KtIniEntry *entry = g_ptr_array_index(lines->entries, i);
        if (!g_strv_contains(profile_keys, entry->key))
            complain_key(reader, "profile", profile_keys, entry);
        else if (entry->item)
            kt_ini_complain(reader->ini, entry->line, entry->item_column, NULL, reader->diagnostics,
                            "'%s' takes no item, not '%s'", entry->key, entry->item);
        else if (g_str_equal(entry->key, "summary"))
            reader->contents->summary = entry->value;
        else if (check_inherit(reader, entry))
            reader->contents->inherit = entry;
    }
}

static void
read_section(Reader *reader, const KtIniSection *lines)
{
    static const char *const names[] = {"profile", "host", "domain", NULL};
    static void (*const readers[])(Reader *, const KtIniSection *) = {read_profile, read_host, read_domain};
    const KtIniWord *name = g_ptr_array_index(lines->words, 0);
    for (guint i = 0; names[i]; i++)
        if (g_str_equal(name->text, names[i])) {
            readers[i](reader, lines);
            return;
        }
    kt_ini_complain(reader->ini, lines->line, name->column, kt_nearest(name->text, names),
                    reader->diagnostics, "'%s' is no section: [profile], [host] or [domain PATTERN…]",
                    name->text);
}

KtProfileContents *
kt_profile_contents_read(const KtIni *ini, GPtrArray *diagnostics)
{
    KtProfileContents *contents = g_new0(KtProfileContents, 1);
    contents->sections = g_ptr_array_new_with_free_func((GDestroyNotify)section_free);
    Reader reader = {.ini = ini, .contents = contents, .diagnostics = diagnostics};
    for (guint i = 0; i < ini->sections->len; i++)
        read_section(&reader, g_ptr_array_index(ini->sections, i));
    return contents;
}
