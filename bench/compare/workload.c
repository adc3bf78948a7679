/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/workload.h"

#include <string.h>

#include "base/ini.h"
#include "base/nearest.h"
#include "bench/compare/watch.h"

#define USUAL_TIMEOUT_S 60
#define MOST_TIMEOUT_S 3600
#define USUAL_MATTERS 0.05

static const char *const where_names[KT_N_WHERES + 1] = {"guest-agent", "guest-serial", "host",
                                                         "passive",     "boot",         NULL};
static const char *const read_names[KT_N_READS + 1] = {"line", "json", "watched", NULL};

/** A file while it is read. */
typedef struct {
    const KtIni *ini;
    KtWorkload *workload;
    GPtrArray *diagnostics;
} Reader;

static void
figure_free(KtFigure *figure)
{
    g_free(figure->name);
    g_free(figure->place);
    g_free(figure->unit);
    if (figure->line)
        g_regex_unref(figure->line);
    g_free(figure);
}

void
kt_workload_free(KtWorkload *workload)
{
    if (workload == NULL)
        return;
    g_free(workload->name);
    g_free(workload->file);
    g_free(workload->summary);
    g_free(workload->send);
    g_free(workload->until);
    g_strfreev(workload->argv);
    g_hash_table_unref(workload->parameters);
    g_ptr_array_unref(workload->figures);
    g_free(workload);
}

static void
complain_value(const Reader *reader, const KtIniEntry *entry, const char *wanted)
{
    kt_ini_complain(reader->ini, entry->line, entry->value_column, NULL, reader->diagnostics,
                    "%s: '%s' is not %s", entry->key, entry->value, wanted);
}

/* The place of @word in @known; complains of another. */
static bool
read_word(const Reader *reader, const KtIniEntry *entry, const char *word, const char *const *known,
          guint *ret_place)
{
    for (guint i = 0; known[i]; i++)
        if (g_str_equal(word, known[i])) {
            *ret_place = i;
            return true;
        }
    g_autofree char *all = g_strjoinv(", ", (char **)known);
    kt_ini_complain(reader->ini, entry->line, entry->value_column, kt_nearest(word, known),
                    reader->diagnostics, "%s: '%s' is none of %s", entry->key, word, all);
    return false;
}

static GRegex *
read_pattern(const Reader *reader, const KtIniEntry *entry, const char *pattern)
{
    g_autoptr(GError) error = NULL;
    GRegex *regex = g_regex_new(pattern, G_REGEX_MULTILINE | G_REGEX_RAW, 0, &error);
    if (regex == NULL)
        complain_value(reader, entry, error->message);
    return regex;
}

static void
read_timeout(const Reader *reader, const KtIniEntry *entry)
{
    guint64 seconds;
    if (g_ascii_string_to_unsigned(entry->value, 10, 1, MOST_TIMEOUT_S, &seconds, NULL))
        reader->workload->timeout_s = (guint)seconds;
    else
        complain_value(reader, entry, "a number of seconds, 1 to 3600");
}

static void
read_run(const Reader *reader, const KtIniEntry *entry)
{
    g_autoptr(GError) error = NULL;
    KtWorkload *workload = reader->workload;
    workload->send = g_strdup(entry->value);
    if (!g_shell_parse_argv(entry->value, NULL, &workload->argv, &error))
        complain_value(reader, entry, "a command");
}

static void
read_workload_entry(const Reader *reader, const KtIniEntry *entry)
{
    static const char *const known[] = {"summary", "where", "run", "until", "timeout", NULL};
    KtWorkload *workload = reader->workload;
    guint place = 0;
    if (g_str_equal(entry->key, "summary")) {
        workload->summary = g_strdup(entry->value);
    } else if (g_str_equal(entry->key, "where")) {
        if (read_word(reader, entry, entry->value, where_names, &place))
            workload->where = (KtWhere)place;
    } else if (g_str_equal(entry->key, "run")) {
        read_run(reader, entry);
    } else if (g_str_equal(entry->key, "until")) {
        GRegex *checked = read_pattern(reader, entry, entry->value);
        g_clear_pointer(&checked, g_regex_unref);
        workload->until = g_strdup(entry->value);
    } else if (g_str_equal(entry->key, "timeout")) {
        read_timeout(reader, entry);
    } else {
        kt_ini_complain(reader->ini, entry->line, entry->key_column, kt_nearest(entry->key, known),
                        reader->diagnostics, "a workload has no '%s'", entry->key);
    }
}

static void
read_counter(const Reader *reader, const KtIniEntry *entry, const char *name)
{
    const char *known[KT_N_WATCHED + 1] = {NULL};
    for (guint i = 0; i < KT_N_WATCHED; i++)
        known[i] = kt_watched_name((KtWatched)i);
    guint place;
    read_word(reader, entry, name, known, &place);
}

/* "json /a/b", "line ^a ([0-9]+)", "watched NAME" */
static void
read_read(const Reader *reader, const KtIniEntry *entry, KtFigure *figure)
{
    g_auto(GStrv) parts = g_strsplit(entry->value, " ", 2);
    guint kind = 0;
    if (!read_word(reader, entry, parts[0] ? parts[0] : "", read_names, &kind))
        return;
    figure->kind = (KtReadKind)kind;
    g_free(figure->place);
    figure->place = g_strdup(parts[1] ? g_strstrip(parts[1]) : "");
    if (figure->kind == KT_READ_WATCHED)
        read_counter(reader, entry, figure->place);
    if (figure->kind != KT_READ_LINE)
        return;
    figure->line = read_pattern(reader, entry, figure->place);
    if (figure->line && g_regex_get_capture_count(figure->line) < 1)
        complain_value(reader, entry, "a pattern with a group, as in '^latency ([0-9.]+)'");
}

static void
read_matters(const Reader *reader, const KtIniEntry *entry, KtFigure *figure)
{
    char *end = NULL;
    double percent = g_ascii_strtod(entry->value, &end);
    bool given = end != entry->value && g_str_equal(g_strchug(end), "%");
    if (given && percent > 0 && percent <= 100)
        figure->matters = percent / 100;
    else
        complain_value(reader, entry, "a percentage, as in '5 %'");
}

static void
read_figure_entry(const Reader *reader, const KtIniEntry *entry, KtFigure *figure)
{
    static const char *const known[] = {"read", "unit", "better", "matters", NULL};
    static const char *const ways[] = {"less", "more", NULL};
    guint way = 0;
    if (g_str_equal(entry->key, "read")) {
        read_read(reader, entry, figure);
    } else if (g_str_equal(entry->key, "unit")) {
        g_free(figure->unit);
        figure->unit = g_strdup(entry->value);
    } else if (g_str_equal(entry->key, "better")) {
        if (read_word(reader, entry, entry->value, ways, &way))
            figure->more_is_better = way == 1;
    } else if (g_str_equal(entry->key, "matters")) {
        read_matters(reader, entry, figure);
    } else {
        kt_ini_complain(reader->ini, entry->line, entry->key_column, kt_nearest(entry->key, known),
                        reader->diagnostics, "a figure has no '%s'", entry->key);
    }
}

static void
read_figure(const Reader *reader, const KtIniSection *section)
{
    const KtIniWord *name = section->words->pdata[1];
    KtFigure *figure = g_new0(KtFigure, 1);
    figure->name = g_strdup(name->text);
    figure->unit = g_strdup("");
    figure->matters = USUAL_MATTERS;
    g_ptr_array_add(reader->workload->figures, figure);
    for (guint i = 0; i < section->entries->len; i++)
        read_figure_entry(reader, section->entries->pdata[i], figure);
    if (figure->place == NULL)
        kt_ini_complain(reader->ini, section->line, section->column, NULL, reader->diagnostics,
                        "the figure '%s' has no 'read': how it is found", name->text);
}

static void
read_section(const Reader *reader, const KtIniSection *section)
{
    static const char *const known[] = {"workload", "figure", "parameters", NULL};
    const char *kind = ((const KtIniWord *)section->words->pdata[0])->text;
    guint n = g_str_equal(kind, "figure") ? 2 : 1;
    if (!g_strv_contains(known, kind) || section->words->len != n) {
        kt_ini_complain(reader->ini, section->line, section->column, kt_nearest(kind, known),
                        reader->diagnostics, "wanted [workload], [parameters] or [figure NAME]");
        return;
    }
    if (n == 2) {
        read_figure(reader, section);
        return;
    }
    for (guint i = 0; i < section->entries->len; i++) {
        const KtIniEntry *entry = section->entries->pdata[i];
        if (g_str_equal(kind, "workload"))
            read_workload_entry(reader, entry);
        else
            g_hash_table_replace(reader->workload->parameters, g_strdup(entry->key), g_strdup(entry->value));
    }
}

static void
check_whole(const Reader *reader)
{
    const KtWorkload *workload = reader->workload;
    const char *missing = NULL;
    if (workload->where != KT_WHERE_PASSIVE && workload->where != KT_WHERE_BOOT && workload->send == NULL)
        missing = "'run' in [workload]: what is run";
    else if (workload->where == KT_WHERE_SERIAL && workload->until == NULL)
        missing = "'until' in [workload]: the line that says that it is done";
    else if (workload->figures->len == 0)
        missing = "a [figure NAME]: what is measured";
    if (missing)
        kt_ini_complain(reader->ini, 0, 0, NULL, reader->diagnostics, "missing is %s", missing);
    for (guint i = 0; i < workload->figures->len; i++) {
        const KtFigure *figure = workload->figures->pdata[i];
        if (workload->where == KT_WHERE_PASSIVE && figure->kind != KT_READ_WATCHED)
            kt_ini_complain(
                reader->ini, 0, 0, NULL, reader->diagnostics,
                "the figure '%s': a passive workload prints nothing, only 'watched NAME' can be read",
                figure->name);
    }
}

KtWorkload *
kt_workload_parse(const char *name, const char *file, const char *text, gsize length, GPtrArray *diagnostics)
{
    guint before = diagnostics->len;
    g_autoptr(KtWorkload) workload = g_new0(KtWorkload, 1);
    workload->name = g_strdup(name);
    workload->file = g_strdup(file);
    workload->timeout_s = USUAL_TIMEOUT_S;
    workload->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    workload->figures = g_ptr_array_new_with_free_func((GDestroyNotify)figure_free);
    g_autoptr(KtIni) ini = kt_ini_parse(file, text, length, diagnostics);
    Reader reader = {ini, workload, diagnostics};
    for (guint i = 0; i < ini->sections->len; i++)
        read_section(&reader, ini->sections->pdata[i]);
    if (diagnostics->len == before)
        check_whole(&reader);
    return diagnostics->len == before ? g_steal_pointer(&workload) : NULL;
}
