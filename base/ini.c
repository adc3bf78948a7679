/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ini.h"

#include <string.h>

/* No setting needs a longer line; it keeps messages and memory small. */
#define LINE_LIMIT_KIB 64
#define LINE_LIMIT (LINE_LIMIT_KIB * 1024)

static void
entry_free(KtIniEntry *entry)
{
    g_free(entry->key);
    g_free(entry->item);
    g_free(entry->value);
    g_free(entry);
}

static void
word_free(KtIniWord *word)
{
    g_free(word->text);
    g_free(word);
}

static void
section_free(KtIniSection *section)
{
    g_ptr_array_unref(section->words);
    g_ptr_array_unref(section->entries);
    g_free(section);
}

void
kt_ini_free(KtIni *ini)
{
    if (!ini)
        return;
    g_free(ini->file);
    g_strfreev(ini->lines);
    g_ptr_array_unref(ini->sections);
    g_free(ini);
}

void
kt_ini_complain(const KtIni *ini, guint line, guint column, const char *suggestion, GPtrArray *diagnostics,
                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    KtDiagnostic *diagnostic = g_new0(KtDiagnostic, 1);
    diagnostic->file = g_strdup(ini->file);
    diagnostic->line = line;
    diagnostic->column = column;
    diagnostic->text = line && line <= ini->n_lines ? g_strdup(ini->lines[line - 1]) : NULL;
    diagnostic->message = g_strdup_vprintf(format, args);
    diagnostic->suggestion = g_strdup(suggestion);
    g_ptr_array_add(diagnostics, diagnostic);
    va_end(args);
}

/* The reader: one line after the other, the section that is open, where the errors go. */
typedef struct {
    KtIni *ini;
    KtIniSection *section; /* NULL before the first header, or after a broken one */
    bool header_seen;
    GHashTable *keys; /* key and item → line, of the open section */
    GPtrArray *diagnostics;
    guint line;
    const char *text; /* the line */
} Reader;

/* The column of @at in the line, in characters. */
static guint
column_of(const Reader *reader, const char *at)
{
    return (guint)g_utf8_strlen(reader->text, at - reader->text) + 1;
}

#define complain_at(reader, at, ...)                                                                         \
    kt_ini_complain((reader)->ini, (reader)->line, (at) ? column_of((reader), (at)) : 0, NULL,               \
                    (reader)->diagnostics, __VA_ARGS__)

static const char *
skip_spaces(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static char *
trimmed(const char *start, const char *end)
{
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return g_strndup(start, (gsize)(end - start));
}

/* The text in double quotes that opens at @at, with \" and \\ inside. NULL after a complaint. */
static const char *
read_quoted(Reader *reader, const char *at, GString *word)
{
    const char *open = at++;
    for (; *at && *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        g_string_append_c(word, *at);
    }
    if (*at == '"')
        return at + 1;
    complain_at(reader, open, "this quote has no end");
    return NULL;
}

/* One word of a header: up to a space or ']', parts of it may be quoted. NULL after a complaint. */
static const char *
read_word(Reader *reader, const char *at, GPtrArray *words)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *start = at;
    bool quoted = false;
    while (*at && *at != ' ' && *at != '\t' && *at != ']') {
        if (*at == '"') {
            quoted = true;
            at = read_quoted(reader, at, text);
            if (!at)
                return NULL;
        } else if (*at == '[') {
            complain_at(reader, at, "a '[' inside a header belongs in double quotes");
            return NULL;
        } else {
            g_string_append_c(text, *at++);
        }
    }
    KtIniWord *word = g_new0(KtIniWord, 1);
    word->text = g_strdup(text->str);
    word->quoted = quoted;
    word->column = column_of(reader, start);
    g_ptr_array_add(words, word);
    return at;
}

/* All words of "[…]"; false after a complaint. */
static bool
read_words(Reader *reader, const char *open, GPtrArray *words)
{
    const char *at = skip_spaces(open + 1);
    while (*at && *at != ']') {
        at = read_word(reader, at, words);
        if (!at)
            return false;
        at = skip_spaces(at);
    }
    const char *rest = *at ? skip_spaces(at + 1) : at;
    if (!*at)
        complain_at(reader, open, "this '[' has no ']'");
    else if (*rest)
        complain_at(reader, rest, "text after the section header: comments are lines of their own");
    else if (words->len == 0)
        complain_at(reader, open, "a section without a name");
    else
        return true;
    return false;
}

static void
read_header(Reader *reader, const char *open)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func((GDestroyNotify)word_free);
    reader->section = NULL;
    reader->header_seen = true;
    g_hash_table_remove_all(reader->keys);
    if (!read_words(reader, open, words))
        return;

    KtIniSection *section = g_new0(KtIniSection, 1);
    section->words = g_steal_pointer(&words);
    section->line = reader->line;
    section->column = column_of(reader, open);
    section->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    g_ptr_array_add(reader->ini->sections, section);
    reader->section = section;
}

/* "key" or "key[item]" from @start to @end; NULL after a complaint. */
static KtIniEntry *
read_key(Reader *reader, const char *start, const char *end)
{
    const char *open = memchr(start, '[', (gsize)(end - start));
    g_autofree char *key = trimmed(start, open ? open : end);
    if (*key == '\0') {
        complain_at(reader, start, "a key is missing before '%c'", *start);
        return NULL;
    }
    g_autofree char *item = NULL;
    if (open) {
        g_autofree char *rest = trimmed(open + 1, end);
        gsize length = strlen(rest);
        if (length < 2 || rest[length - 1] != ']' || strchr(rest, ']') != rest + length - 1) {
            complain_at(reader, open, "wanted '[item]' after '%s'", key);
            return NULL;
        }
        item = trimmed(skip_spaces(rest), rest + length - 1);
    }
    KtIniEntry *entry = g_new0(KtIniEntry, 1);
    entry->key = g_steal_pointer(&key);
    entry->item = g_steal_pointer(&item);
    entry->line = reader->line;
    entry->key_column = column_of(reader, start);
    entry->item_column = open ? column_of(reader, open) + 1 : 0;
    return entry;
}

/* Whether this key is new in its section; complains where it is not. */
static bool
is_new_key(Reader *reader, const KtIniEntry *entry)
{
    char *name = entry->item ? g_strdup_printf("%s[%s]", entry->key, entry->item) : g_strdup(entry->key);
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(reader->keys, name));
    if (before) {
        kt_ini_complain(reader->ini, entry->line, entry->key_column, NULL, reader->diagnostics,
                        "'%s' again in this section: line %u has it already", name, before);
        g_free(name);
        return false;
    }
    g_hash_table_insert(reader->keys, name, GUINT_TO_POINTER(entry->line));
    return true;
}

static void
read_entry(Reader *reader, const char *start)
{
    const char *equals = strchr(start, '=');
    if (!equals) {
        complain_at(reader, start, "neither 'key = value', nor '[section]', nor a comment");
        return;
    }
    KtIniEntry *entry = read_key(reader, start, equals);
    if (!entry)
        return;
    const char *value = skip_spaces(equals + 1);
    entry->value = trimmed(value, value + strlen(value));
    entry->value_column = column_of(reader, value);
    if (!reader->header_seen)
        complain_at(reader, start, "'%s' stands before any section", entry->key);
    if (reader->section && is_new_key(reader, entry))
        g_ptr_array_add(reader->section->entries, entry);
    else
        entry_free(entry);
}

/* Whether the line is text of a sane length; complains where it is not. */
static bool
check_line(Reader *reader, gsize length)
{
    if (length > LINE_LIMIT) {
        complain_at(reader, NULL, "a line of %zu bytes: at most " G_STRINGIFY(LINE_LIMIT_KIB) " KiB are read",
                    length);
        return false;
    }
    const char *wrong = NULL;
    if (g_utf8_validate(reader->text, (gssize)length, &wrong))
        return true;
    g_assert(wrong != NULL);
    complain_at(reader, wrong, "the byte 0x%02x is no UTF-8", (guchar)*wrong);
    return false;
}

static void
read_line(Reader *reader, gsize length)
{
    if (!check_line(reader, length))
        return;
    const char *start = skip_spaces(reader->text);
    if (*start == '\0' || *start == '#' || *start == ';')
        return;
    if (*start == '[')
        read_header(reader, start);
    else
        read_entry(reader, start);
}

/* Cuts the text into lines, and tells how long each really is where it holds a NUL. */
static GArray *
split_lines(KtIni *ini, const char *text, gsize length)
{
    GArray *lengths = g_array_new(FALSE, FALSE, sizeof(gsize));
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    const char *end = text + length;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (text < end) {
        const char *newline = memchr(text, '\n', (gsize)(end - text));
        gsize n = (gsize)((newline ? newline : end) - text);
        gsize shown = n > 0 && text[n - 1] == '\r' ? n - 1 : n;
        char *line = g_malloc(shown + 1);
        memcpy(line, text, shown);
        line[shown] = '\0';
        g_ptr_array_add(lines, line);
        g_array_append_val(lengths, shown);
        text += n + 1;
    }
    g_ptr_array_add(lines, NULL);
    ini->n_lines = lengths->len;
    ini->lines = (char **)g_ptr_array_free(g_steal_pointer(&lines), FALSE);
    return lengths;
}

/* Whether no line holds a NUL; complains of the first that does. Such a file is a program, an image, UTF-16:
 * to complain of each of its lines would tell nothing. */
static bool
is_text(Reader *reader, const GArray *lengths)
{
    for (guint i = 0; i < lengths->len; i++) {
        reader->text = reader->ini->lines[i];
        gsize before_nul = strlen(reader->text);
        if (before_nul == g_array_index(lengths, gsize, i))
            continue;
        reader->line = i + 1;
        bool valid = g_utf8_validate(reader->text, -1, NULL);
        complain_at(reader, valid ? reader->text + before_nul : NULL,
                    "a NUL byte: this is no text in UTF-8, but binary, or UTF-16");
        return false;
    }
    return true;
}

KtIni *
kt_ini_parse(const char *file, const char *text, gsize length, GPtrArray *diagnostics)
{
    KtIni *ini = g_new0(KtIni, 1);
    ini->file = g_strdup(file);
    ini->sections = g_ptr_array_new_with_free_func((GDestroyNotify)section_free);
    g_autoptr(GArray) lengths = split_lines(ini, text, length);
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reader reader = {.ini = ini, .keys = keys, .diagnostics = diagnostics};
    bool text_file = is_text(&reader, lengths);
    for (guint i = 0; text_file && i < lengths->len; i++) {
        reader.line = i + 1;
        reader.text = ini->lines[i];
        read_line(&reader, g_array_index(lengths, gsize, i));
    }
    return ini;
}
