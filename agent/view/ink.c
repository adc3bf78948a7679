/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/ink.h"

#include <string.h>

/* ECMA-48 codes; the 8 colours that every terminal lets its owner choose. */
static const char *const ink_codes[KT_N_INKS] = {
    [KT_INK_PLAIN] = "",  [KT_INK_HEADING] = "1", [KT_INK_ADD] = "32",   [KT_INK_REMOVE] = "31",
    [KT_INK_GOOD] = "32", [KT_INK_WARN] = "33",   [KT_INK_BAD] = "1;31", [KT_INK_DIM] = "2",
};

static const char *const signs[KT_N_SIGNS][2] = {
    [KT_SIGN_ARROW] = {"->", "→"}, [KT_SIGN_REFUSED] = {"x", "✗"},    [KT_SIGN_DOT] = {"-", "·"},
    [KT_SIGN_FREE] = {".", "·"},   [KT_SIGN_LINE] = {"-", "─"},       [KT_SIGN_CORNER] = {"+", "┌"},
    [KT_SIGN_SIDE] = {"|", "│"},   [KT_SIGN_ELLIPSIS] = {"...", "…"},
};

const char *
kt_sign(const KtStyle *style, KtSign sign)
{
    return signs[sign][style->utf8];
}

static void
append_inked(GString *out, const KtStyle *style, KtInk ink, const char *text)
{
    if (!style->color || ink == KT_INK_PLAIN || *text == '\0') {
        g_string_append(out, text);
        return;
    }
    g_string_append_printf(out, "\033[%sm%s\033[0m", ink_codes[ink], text);
}

void
kt_ink(GString *out, const KtStyle *style, KtInk ink, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    append_inked(out, style, ink, text);
}

guint
kt_columns(const char *text)
{
    guint columns = 0;
    for (const char *p = text; *p;) {
        gunichar c = g_utf8_get_char_validated(p, -1);
        bool valid = c != (gunichar)-1 && c != (gunichar)-2;
        if (!valid)
            columns += strlen("\\xNN"); /* as kt_printable() shows it */
        else if (!g_unichar_iszerowidth(c))
            columns += g_unichar_iswide(c) ? 2 : 1;
        p = valid ? g_utf8_next_char(p) : p + 1;
    }
    return columns;
}

void
kt_pad(GString *out, const KtStyle *style, KtInk ink, const char *text, guint columns)
{
    append_inked(out, style, ink, text);
    for (guint used = kt_columns(text); used < columns; used++)
        g_string_append_c(out, ' ');
}

/* The bytes of the longest beginning of @word that ends after a comma and has at most @columns, 0 = none. */
static gsize
list_beginning(const char *word, guint columns)
{
    gsize bytes = 0;
    for (const char *comma = strchr(word, ','); comma && comma[1] != '\0'; comma = strchr(comma + 1, ',')) {
        g_autofree char *beginning = g_strndup(word, (gsize)(comma + 1 - word));
        if (kt_columns(beginning) > columns)
            break;
        bytes = strlen(beginning);
    }
    return bytes;
}

char **
kt_words(const char *text, guint columns)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", -1);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    for (guint i = 0; parts[i]; i++) {
        const char *rest = parts[i];
        for (gsize bytes; kt_columns(rest) > columns && (bytes = list_beginning(rest, columns)) > 0;
             rest += bytes) {
            g_autofree char *piece = g_strndup(rest, bytes);
            g_strv_builder_add(words, piece);
        }
        g_strv_builder_add(words, rest);
    }
    return g_strv_builder_end(words);
}

void
kt_wrap(GString *out, const KtStyle *style, KtInk ink, guint column, guint indent, const char *text)
{
    g_auto(GStrv) words = kt_words(text, style->width - MIN(style->width, indent));
    g_autoptr(GString) line = g_string_new(NULL);
    guint used = column;
    for (guint i = 0; words[i]; i++) {
        guint columns = kt_columns(words[i]);
        if (line->len > 0 && used + 1 + columns > style->width) {
            append_inked(out, style, ink, line->str);
            g_string_append_printf(out, "\n%*s", (int)indent, "");
            g_string_truncate(line, 0);
            used = indent;
        }
        if (line->len > 0) {
            g_string_append_c(line, ' ');
            used++;
        }
        g_string_append(line, words[i]);
        used += columns;
    }
    append_inked(out, style, ink, line->str);
    g_string_append_c(out, '\n');
}

void
kt_wrap_list(GString *out, const KtStyle *style, guint column, guint indent, const GPtrArray *parts)
{
    guint used = column;
    for (guint i = 0; i < parts->len; i++) {
        bool last = i + 1 == parts->len;
        guint columns = kt_columns(parts->pdata[i]) + (last ? 0 : 1);
        if (i > 0 && used + 1 + columns > style->width) {
            g_string_append_printf(out, "\n%*s", (int)indent, "");
            used = indent;
        } else if (i > 0) {
            g_string_append_c(out, ' ');
            used++;
        }
        g_string_append_printf(out, "%s%s", (const char *)parts->pdata[i], last ? "" : ",");
        used += columns;
    }
    g_string_append_c(out, '\n');
}

char *
kt_size(guint64 kib)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)kib;
    guint unit = 0;
    while (size >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
        size /= 1024;
        unit++;
    }
    /* One digit after the point where it tells something: "3.5 GiB", but "512 MiB" and "8 GiB". */
    double off = ABS(size - (double)(guint64)(size + 0.5));
    bool whole = size >= 100 || unit == 0 || off < 0.05;
    return g_strdup_printf(whole ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

char *
kt_count(guint64 number, const char *one, const char *many)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT " %s", number, number == 1 ? one : many);
}

char *
kt_shorten(const KtStyle *style, const char *text, guint columns)
{
    if (kt_columns(text) <= columns)
        return g_strdup(text);
    const char *sign = kt_sign(style, KT_SIGN_ELLIPSIS);
    guint room = columns - MIN(columns, kt_columns(sign));
    g_autoptr(GString) out = g_string_new(NULL);
    guint used = 0;
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        g_autofree char *one = g_strndup(p, (gsize)(g_utf8_next_char(p) - p));
        used += kt_columns(one);
        if (used > room)
            break;
        g_string_append(out, one);
    }
    g_string_append(out, sign);
    return g_strdup(out->str);
}
