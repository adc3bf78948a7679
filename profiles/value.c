/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/settings.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "profiles/amount.h"

void
kt_value_free(KtValue *value)
{
    if (!value)
        return;
    g_free(value->item);
    g_free(value->text);
    g_clear_pointer(&value->set, kt_cpuset_free);
    if (value->pools)
        g_array_unref(value->pools);
    g_free(value->source);
    g_free(value);
}

bool
kt_value_is(const KtValue *value, const char *word)
{
    return value && value->word && g_str_equal(value->word, word);
}

char *
kt_source_name(const char *source)
{
    g_autofree char *name = g_path_get_basename(source);
    g_auto(GStrv) parts = g_strsplit(name, ":", -1);
    guint n = g_strv_length(parts);
    return n == 3 ? g_strdup_printf("%s:%s", parts[0], parts[1]) : g_strdup(name);
}

char *
kt_value_told(const KtValue *value)
{
    g_autofree char *source = kt_source_name(value->source);
    return g_strdup_printf("%s = %s (%s)", value->setting->key, value->text, source);
}

/* What is being read, and where a reader says what is wrong. */
typedef struct {
    const KtSetting *setting;
    const char *text;
    KtValue *value;
    const char *wrong;      /* within text: the part that is wrong */
    const char *suggestion; /* the nearest known word, or NULL */
    GError **error;
} Reading;

static bool
fail(Reading *reading, const char *wrong, KtErrorCode code, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* The message begins with the setting's key. */
static bool
fail(Reading *reading, const char *wrong, KtErrorCode code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    reading->wrong = wrong;
    g_set_error(reading->error, KT_ERROR, code, "%s: %s", reading->setting->key, message);
    return false;
}

/* All words that could have been meant. Borrowed strings, owned array. */
static const char **
known_words(const KtSetting *setting)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    for (guint i = 0; setting->words && setting->words[i]; i++)
        g_ptr_array_add(known, (gpointer)setting->words[i]);
    if (setting->kind == KT_VALUE_BOOL) {
        g_ptr_array_add(known, (gpointer) "yes");
        g_ptr_array_add(known, (gpointer) "no");
    }
    g_ptr_array_add(known, (gpointer)KT_KEEP);
    g_ptr_array_add(known, NULL);
    return (const char **)g_ptr_array_free(g_steal_pointer(&known), FALSE);
}

static bool
fail_unknown(Reading *reading)
{
    g_autofree const char **known = known_words(reading->setting);
    g_autofree char *values = kt_setting_values(reading->setting);
    reading->suggestion = kt_nearest(reading->text, known);
    return fail(reading, reading->text, KT_ERROR_INVALID, "'%s' is none of its values: %s", reading->text,
                values);
}

static bool
read_number(Reading *reading)
{
    const KtSetting *setting = reading->setting;
    KtAmountFault fault = {0};
    if (kt_amount_read(setting->kind, reading->text, &reading->value->number, &fault, reading->error)) {
        gint64 number = reading->value->number;
        bool bounded = setting->least != setting->most;
        gint64 least = bounded ? setting->least : 0, most = bounded ? setting->most : G_MAXINT64;
        if (number >= least && number <= most)
            return true;
        g_autofree char *from = kt_amount_format(setting->kind, least);
        g_autofree char *to = kt_amount_format(setting->kind, most);
        if (!bounded)
            return fail(reading, reading->text, KT_ERROR_INVALID, "%s is below 0", reading->text);
        return fail(reading, reading->text, KT_ERROR_INVALID, "%s is out of range: %s to %s", reading->text,
                    from, to);
    }
    g_prefix_error(reading->error, "%s: ", setting->key);
    reading->wrong = fault.wrong;
    reading->suggestion = fault.suggestion;
    return false;
}

/* Where in a comma-separated list the first part stands that can't be read, or what follows it. */
static const char *
wrong_list_part(const char *text)
{
    for (const char *at = text;; at++) {
        gsize length = strcspn(at, ",");
        g_autofree char *part = g_strndup(at, length);
        g_autoptr(KtCpuset) set = kt_cpuset_parse(part, false, NULL);
        if (!set || hwloc_bitmap_iszero(set)) {
            at += strspn(at, " \t");
            const char *rest = at + strspn(at, "0123456789-");
            rest += strspn(rest, " \t");
            return *rest && *rest != ',' ? rest : at;
        }
        at += length;
        if (*at == '\0')
            return text;
    }
}

static bool
read_set(Reading *reading)
{
    reading->value->set = kt_cpuset_parse(reading->text, false, reading->error);
    if (reading->value->set)
        return true;
    g_prefix_error(reading->error, "%s: ", reading->setting->key);
    reading->wrong = wrong_list_part(reading->text);
    return false;
}

/* Reads the digits from @start to @end. */
static bool
read_count(Reading *reading, const char *start, const char *end, guint64 most, guint64 *ret_count)
{
    g_autofree char *digits = g_strndup(start, (gsize)(end - start));
    g_autoptr(GError) error = NULL;
    if (g_ascii_string_to_unsigned(digits, 10, 0, most, ret_count, &error))
        return true;
    if (g_error_matches(error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS))
        return fail(reading, start, KT_ERROR_INVALID, "%s is out of range: 0 to %" G_GUINT64_FORMAT, digits,
                    most);
    return fail(reading, start, KT_ERROR_PARSE, "'%s' is no count, nor NODE:COUNT", digits);
}

/* One "COUNT" or "NODE:COUNT" from @start to @end. */
static bool
read_pool(Reading *reading, const char *start, const char *end)
{
    GArray *pools = reading->value->pools;
    const char *colon = memchr(start, ':', (gsize)(end - start));
    KtPoolWish wish = {.node = -1};
    guint64 node;
    if (colon) {
        if (!read_count(reading, start, colon, KT_CPUSET_MAX - 1, &node))
            return false;
        wish.node = (gint)node;
    }
    if (!read_count(reading, colon ? colon + 1 : start, end, G_MAXUINT32, &wish.count))
        return false;
    for (guint i = 0; i < pools->len; i++) {
        gint other = g_array_index(pools, KtPoolWish, i).node;
        if (other < 0 || wish.node < 0)
            return fail(reading, start, KT_ERROR_INVALID,
                        "one count for all of the host, or NODE:COUNT for each node");
        if (other == wish.node)
            return fail(reading, start, KT_ERROR_INVALID, "node %d again", wish.node);
    }
    g_array_append_val(pools, wish);
    return true;
}

static bool
read_pools(Reading *reading)
{
    reading->value->pools = g_array_new(FALSE, FALSE, sizeof(KtPoolWish));
    for (const char *at = reading->text; *at;) {
        const char *end = at + strcspn(at, " \t");
        if (!read_pool(reading, at, end))
            return false;
        at = end + strspn(end, " \t");
    }
    return true;
}

static bool
read_window(Reading *reading)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", NULL};
    const char *text = reading->text;
    g_autofree char *day = g_strndup(text, strcspn(text, " \t"));
    if (!g_strv_contains(days, day)) {
        reading->suggestion = kt_nearest(day, days);
        return fail(reading, text, KT_ERROR_INVALID, "'%s' is no day: Mon, Tue, Wed, Thu, Fri, Sat, Sun",
                    day);
    }
    const char *times = text + strlen(day);
    times += strspn(times, " \t");
    if (!g_regex_match_simple("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$", times,
                              G_REGEX_DOLLAR_ENDONLY, 0))
        return fail(reading, times, KT_ERROR_PARSE, "'%s' are no times such as 02:00-05:00", times);
    if (strncmp(times, times + 6, 5) == 0)
        return fail(reading, times, KT_ERROR_INVALID, "%s begins when it ends", times);
    return true;
}

static bool
read_bool(Reading *reading)
{
    if (!g_str_equal(reading->text, "yes") && !g_str_equal(reading->text, "no"))
        return fail_unknown(reading);
    reading->value->number = g_str_equal(reading->text, "yes");
    return true;
}

static bool
read_other(Reading *reading)
{
    static bool (*const readers[])(Reading *) = {
        [KT_VALUE_WORD_ONLY] = fail_unknown, [KT_VALUE_BOOL] = read_bool,
        [KT_VALUE_NUMBER] = read_number,     [KT_VALUE_TIME] = read_number,
        [KT_VALUE_PERCENT] = read_number,    [KT_VALUE_SIZE] = read_number,
        [KT_VALUE_CPUS] = read_set,          [KT_VALUE_NODES] = read_set,
        [KT_VALUE_POOL] = read_pools,        [KT_VALUE_WINDOW] = read_window,
    };
    /* Letters are a misspelt word, whatever else the setting takes; only windows begin with a word. */
    bool word = g_ascii_isalpha(*reading->text) && reading->setting->kind != KT_VALUE_WINDOW;
    if (word && reading->setting->kind != KT_VALUE_BOOL)
        return fail_unknown(reading);
    return readers[reading->setting->kind](reading);
}

static bool
read_value(Reading *reading)
{
    const char *text = reading->text;
    if (*text == '\0') {
        g_autofree char *values = kt_setting_values(reading->setting);
        return fail(reading, text, KT_ERROR_PARSE, "a value is missing: %s", values);
    }
    if (g_str_equal(text, KT_KEEP)) {
        reading->value->word = KT_KEEP;
        return true;
    }
    for (const char *const *word = reading->setting->words; word && *word; word++)
        if (g_str_equal(text, *word)) {
            reading->value->word = *word;
            return true;
        }
    return read_other(reading);
}

KtValue *
kt_value_parse(const KtSetting *setting, const char *text, const char **ret_suggestion, guint *ret_offset,
               GError **error)
{
    g_autoptr(KtValue) value = g_new0(KtValue, 1);
    value->setting = setting;
    value->text = g_strdup(text);
    Reading reading = {.setting = setting, .text = text, .value = value, .wrong = text, .error = error};
    if (read_value(&reading))
        return g_steal_pointer(&value);
    if (ret_suggestion)
        *ret_suggestion = reading.suggestion;
    if (ret_offset)
        *ret_offset = (guint)g_utf8_pointer_to_offset(text, reading.wrong);
    return NULL;
}
