/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/diagnostic.h"

/**
 * The reader of the profile language (design section 5): sections, "key = value" lines, whole-line comments,
 * with the place of every word, so that later errors can point at it. It knows no setting.
 */

/** One "key = value" line; "key[item] = value" too. */
typedef struct {
    char *key;   /* "disk.cache" */
    char *item;  /* "vdb", or NULL */
    char *value; /* trimmed, may be "" */
    guint line;
    guint key_column;
    guint item_column;
    guint value_column;
} KtIniEntry;

/** One word of a section header. */
typedef struct {
    char *text; /* quotes removed */
    bool quoted;
    guint column;
} KtIniWord;

/** One "[word word…]" and what follows it. */
typedef struct {
    GPtrArray *words; /* KtIniWord, at least one */
    guint line;
    guint column;
    GPtrArray *entries; /* KtIniEntry */
} KtIniSection;

typedef struct {
    char *file;
    char **lines; /* NULL-terminated, for carets */
    guint n_lines;
    GPtrArray *sections; /* KtIniSection, in the file's order */
} KtIni;

void kt_ini_free(KtIni *ini);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtIni, kt_ini_free)

/**
 * Reads @text (@length bytes, may hold anything). All errors are appended to @diagnostics and reading goes on
 * after each: a line that is neither, a key before any section, a key twice in one section, bad UTF-8, NUL,
 * a line over 64 KiB. A file with a NUL is no text: that is its one error. A BOM and CRLF are accepted. Never
 * NULL: what could be read is there.
 */
KtIni *kt_ini_parse(const char *file, const char *text, gsize length, GPtrArray *diagnostics);

/** Appends a diagnostic for @ini's @line and @column; @suggestion may be NULL. */
void kt_ini_complain(const KtIni *ini, guint line, guint column, const char *suggestion,
                     GPtrArray *diagnostics, const char *format, ...) G_GNUC_PRINTF(6, 7);
