/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Text for people: colours, signs, columns. Everything is composed in a GString and printed by the verb, and
 * reads the same without colour: colour repeats what a word or a sign says.
 */

/** How text is drawn. */
typedef struct {
    bool color;
    bool utf8;   /* arrows and lines beyond ASCII */
    guint width; /* columns, at least 60 */
} KtStyle;

/** Roles of text, mapped to colours in one place. */
typedef enum {
    KT_INK_PLAIN,
    KT_INK_HEADING,
    KT_INK_ADD,    /* new value */
    KT_INK_REMOVE, /* old value */
    KT_INK_GOOD,
    KT_INK_WARN,
    KT_INK_BAD,
    KT_INK_DIM,
    KT_N_INKS,
} KtInk;

/** Signs that have an ASCII stand-in. */
typedef enum {
    KT_SIGN_ARROW,
    KT_SIGN_REFUSED,
    KT_SIGN_DOT, /* between words of a heading */
    KT_SIGN_FREE,
    KT_SIGN_LINE,
    KT_SIGN_CORNER,
    KT_SIGN_SIDE,
    KT_SIGN_ELLIPSIS,
    KT_N_SIGNS,
} KtSign;

const char *kt_sign(const KtStyle *style, KtSign sign);

/** Appends formatted text in @ink. */
void kt_ink(GString *out, const KtStyle *style, KtInk ink, const char *format, ...) G_GNUC_PRINTF(4, 5);

/** Columns that @text takes on a terminal; it holds no escapes. */
guint kt_columns(const char *text);

/** Appends @text in @ink and spaces up to @columns. */
void kt_pad(GString *out, const KtStyle *style, KtInk ink, const char *text, guint columns);

/** The words of @text. A list without spaces that is wider than @columns is cut after commas. Owned. */
char **kt_words(const char *text, guint columns);

/**
 * Appends @text in @ink, wrapped at style->width. The line is begun already, @column columns of it are used;
 * those that follow begin with @indent spaces. Ends with a newline.
 */
void kt_wrap(GString *out, const KtStyle *style, KtInk ink, guint column, guint indent, const char *text);

/** The same for "A db-1, b web": strings in @parts that aren't taken apart. */
void kt_wrap_list(GString *out, const KtStyle *style, guint column, guint indent, const GPtrArray *parts);

/** "3.5 GiB", "512 MiB", "12 KiB". Owned. */
char *kt_size(guint64 kib);

/** "1 change", "2 changes". Owned. */
char *kt_count(guint64 number, const char *one, const char *many);

/** @text cut to @columns, with a sign that something is missing. Owned. */
char *kt_shorten(const KtStyle *style, const char *text, guint columns);
