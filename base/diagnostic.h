/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** What is wrong at one place of a text. Lines and columns count from 1; a column counts characters. */
typedef struct {
    char *file;       /* as the user named it */
    guint line;       /* 0: the file as a whole */
    guint column;     /* 0: the line as a whole */
    char *text;       /* the line itself, NULL where there is none */
    char *message;    /* names the wrong value and what would be right */
    char *suggestion; /* the nearest known word, or NULL */
} KtDiagnostic;

void kt_diagnostic_free(KtDiagnostic *diagnostic);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDiagnostic, kt_diagnostic_free)

/** A list of KtDiagnostic, in the order they were found. */
GPtrArray *kt_diagnostics_new(void);

/**
 * One diagnostic as compilers print it, ending with a newline:
 *
 *     FILE:LINE:COLUMN: MESSAGE; did you mean 'X'?
 *         THE LINE
 *         ^
 *
 * Control characters and bad UTF-8 are shown escaped, a long line is cut around the column. Owned.
 */
char *kt_diagnostic_format(const KtDiagnostic *diagnostic);

/** @text with control characters and bytes that are no UTF-8 as \\xNN: safe on a terminal and in JSON. Owned.
 */
char *kt_printable(const char *text);

/** The same, but line breaks stay. Owned. */
char *kt_printable_lines(const char *text);
