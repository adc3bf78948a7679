/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/diagnostic.h"

#include <stdbool.h>
#include <string.h>

/* What is shown of a long line: some characters before the place and some after. */
#define SHOWN_BEFORE 60
#define SHOWN_AFTER 40

void
kt_diagnostic_free(KtDiagnostic *diagnostic)
{
    if (!diagnostic)
        return;
    g_free(diagnostic->file);
    g_free(diagnostic->text);
    g_free(diagnostic->message);
    g_free(diagnostic->suggestion);
    g_free(diagnostic);
}

GPtrArray *
kt_diagnostics_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)kt_diagnostic_free);
}

/* kt_printable(), but what is in @plain stays as it is. */
static char *
printable_but(const char *text, const char *plain)
{
    GString *out = g_string_new(NULL);
    for (const char *at = text; *at;) {
        gunichar c = g_utf8_get_char_validated(at, -1);
        bool invalid = c == (gunichar)-1 || c == (gunichar)-2;
        bool stays = strchr(plain, *at) != NULL;
        if (!stays && (invalid || g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT)) {
            const char *next = invalid ? at + 1 : g_utf8_next_char(at);
            for (; at < next; at++)
                g_string_append_printf(out, "\\x%02x", (guchar)*at);
        } else {
            g_string_append_unichar(out, c);
            at = g_utf8_next_char(at);
        }
    }
    return g_string_free(out, FALSE);
}

char *
kt_printable(const char *text)
{
    return printable_but(text, "");
}

char *
kt_printable_lines(const char *text)
{
    return printable_but(text, "\n");
}

/* Characters of @text[@from, @to), counting bytes that are no UTF-8 as one each. Owned. */
static char *
slice(const char *text, guint from, guint to)
{
    const char *at = text, *start = NULL;
    for (guint i = 0; *at && i < to; i++) {
        if (i == from)
            start = at;
        bool valid = (gint32)g_utf8_get_char_validated(at, -1) >= 0;
        at = valid ? g_utf8_next_char(at) : at + 1;
    }
    return start ? g_strndup(start, (gsize)(at - start)) : g_strdup("");
}

/* The line and, below the wrong place, a caret. */
static void
append_line_and_caret(GString *out, const char *text, guint column)
{
    guint first = column > SHOWN_BEFORE + 1 ? column - 1 - SHOWN_BEFORE : 0;
    g_autofree char *before = slice(text, first, column ? column - 1 : 0);
    g_autofree char *after =
        slice(text, column ? column - 1 : 0, (column ? column - 1 : 0) + SHOWN_AFTER + 1);
    g_autofree char *shown_before = kt_printable(before);
    g_autofree char *shown_after = kt_printable(after);
    const char *cut = first ? "…" : "";
    g_string_append_printf(out, "    %s%s%s\n", cut, shown_before, shown_after);
    if (column) {
        long indent = g_utf8_strlen(shown_before, -1) + (first ? 1 : 0);
        g_string_append_printf(out, "    %*s^\n", (int)indent, "");
    }
}

char *
kt_diagnostic_format(const KtDiagnostic *diagnostic)
{
    GString *out = g_string_new(NULL);
    g_autofree char *file = kt_printable(diagnostic->file);
    g_autofree char *message = kt_printable(diagnostic->message);
    g_string_append(out, file);
    if (diagnostic->line)
        g_string_append_printf(out, ":%u", diagnostic->line);
    if (diagnostic->line && diagnostic->column)
        g_string_append_printf(out, ":%u", diagnostic->column);
    g_string_append_printf(out, ": %s", message);
    if (diagnostic->suggestion)
        g_string_append_printf(out, "; did you mean '%s'?", diagnostic->suggestion);
    g_string_append_c(out, '\n');
    if (diagnostic->text)
        append_line_and_caret(out, diagnostic->text, diagnostic->column);
    return g_string_free(out, FALSE);
}
