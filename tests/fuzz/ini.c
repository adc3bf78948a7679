/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ini.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

/** The lines of the profile language: all places are in the text, all messages are fit for a terminal. */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    return 0;
}

static void
check_message(const KtDiagnostic *diagnostic, guint n_lines)
{
    g_autofree char *shown = kt_diagnostic_format(diagnostic);
    g_assert_true(g_utf8_validate(shown, -1, NULL));
    g_assert_cmpuint(diagnostic->line, <=, n_lines);
    g_assert_true(g_str_has_suffix(shown, "\n"));
    for (const char *c = shown; *c; c++)
        g_assert_true(*c == '\n' || !g_ascii_iscntrl(*c));
}

static void
check_entry(const KtIniEntry *entry, guint n_lines)
{
    g_assert_true(entry->line >= 1 && entry->line <= n_lines);
    g_assert_cmpuint(entry->key_column, >=, 1);
    g_assert_cmpuint(entry->value_column, >, entry->key_column);
    g_assert_true(!entry->item || entry->item_column > entry->key_column);
    g_assert_true(g_utf8_validate(entry->key, -1, NULL) && g_utf8_validate(entry->value, -1, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autofree char *text = g_malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    g_autoptr(KtIni) ini = kt_ini_parse("fuzz.conf", text, size, diagnostics);
    guint n_lines = g_strv_length(ini->lines);
    for (guint i = 0; i < diagnostics->len; i++)
        check_message(diagnostics->pdata[i], n_lines);
    for (guint i = 0; i < ini->sections->len; i++) {
        const KtIniSection *section = ini->sections->pdata[i];
        g_assert_cmpuint(section->words->len, >, 0);
        for (guint k = 0; k < section->entries->len; k++)
            check_entry(section->entries->pdata[k], n_lines);
    }
    return 0;
}
