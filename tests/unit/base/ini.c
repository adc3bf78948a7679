/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ini.h"

#include <string.h>

static void
test_places(void)
{
    const char *text = "# a comment\n"
                       "[host]\n"
                       "thp.enabled   = madvise\n"
                       "\n"
                       "  ; another\n"
                       "[domain db-* \"my \\\"guest\\\" [1]\" title:\"a b\"]\r\n"
                       "disk.cache[vdb] = writeback \r\n";
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();

    g_autoptr(KtIni) ini = kt_ini_parse("x.conf", text, strlen(text), diagnostics);

    g_assert_cmpuint(diagnostics->len, ==, 0);
    g_assert_cmpuint(ini->sections->len, ==, 2);
    const KtIniSection *host = ini->sections->pdata[0], *domain = ini->sections->pdata[1];
    const KtIniEntry *thp = host->entries->pdata[0], *cache = domain->entries->pdata[0];
    g_assert_cmpstr(thp->key, ==, "thp.enabled");
    g_assert_cmpstr(thp->value, ==, "madvise");
    g_assert_null(thp->item);
    g_assert_cmpuint(thp->line, ==, 3);
    g_assert_cmpuint(thp->value_column, ==, 17);
    g_assert_cmpuint(domain->words->len, ==, 4);
    g_assert_cmpstr(((const KtIniWord *)domain->words->pdata[2])->text, ==, "my \"guest\" [1]");
    g_assert_cmpstr(((const KtIniWord *)domain->words->pdata[3])->text, ==, "title:a b");
    g_assert_cmpuint(((const KtIniWord *)domain->words->pdata[1])->column, ==, 9);
    g_assert_cmpstr(cache->item, ==, "vdb");
    g_assert_cmpuint(cache->item_column, ==, 12);
    g_assert_cmpstr(cache->value, ==, "writeback");
}

static void
test_bom(void)
{
    const char *text = "\xef\xbb\xbf[host]\nx=1";
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(KtIni) ini = kt_ini_parse("x.conf", text, strlen(text), diagnostics);
    g_assert_cmpuint(diagnostics->len, ==, 0);
    g_assert_cmpuint(ini->sections->len, ==, 1);
}

/* Every error has its place, and reading goes on after it. */
static void
test_errors(void)
{
    static const struct {
        const char *text;
        gsize length; /* 0 = strlen */
        const char *message;
    } cases[] = {
        {"x = 1", 0, "f:1:1: 'x' stands before any section"},
        {"[host]\nx = 1\n x = 2", 0, "f:3:2: 'x' again in this section: line 2 has it already"},
        {"[host]\nx[a]=1\nx[a]=2", 0, "f:3:1: 'x[a]' again in this section"},
        {"[host]\nnonsense", 0, "f:2:1: neither 'key = value'"},
        {"[host]\n = 3", 0, "f:2:2: a key is missing"},
        {"[host]\nx[ = 3", 0, "f:2:2: wanted '[item]' after 'x'"},
        {"[host", 0, "f:1:1: this '[' has no ']'"},
        {"[]", 0, "f:1:1: a section without a name"},
        {"[host] # note", 0, "f:1:8: text after the section header"},
        {"[domain \"a]", 0, "f:1:9: this quote has no end"},
        {"[domain a[1]]", 0, "f:1:10: a '[' inside a header"},
        {"[host]\nä = \xff", 0, "f:2:5: the byte 0xff is no UTF-8"},
        {"[host]\nx = \0y", 13, "f:2:5: a NUL byte"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        gsize length = cases[i].length ? cases[i].length : strlen(cases[i].text);
        g_autoptr(KtIni) ini = kt_ini_parse("f", cases[i].text, length, diagnostics);
        g_assert_nonnull(ini);
        g_assert_cmpuint(diagnostics->len, ==, 1);
        g_autofree char *shown = kt_diagnostic_format(diagnostics->pdata[0]);
        if (!g_str_has_prefix(shown, cases[i].message))
            g_error("case %u: wanted '%s…', got '%s'", i, cases[i].message, shown);
    }
}

/* A program or UTF-16 is told of once, not once a line. */
static void
test_no_text(void)
{
    static const char binary[] = "\x7f"
                                 "ELF\0\0\nx\0\n\xff\xfe\n[host\0\n";
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(KtIni) ini = kt_ini_parse("f", binary, sizeof binary - 1, diagnostics);
    g_assert_cmpuint(ini->sections->len, ==, 0);
    g_assert_cmpuint(diagnostics->len, ==, 1);
    g_autofree char *shown = kt_diagnostic_format(diagnostics->pdata[0]);
    g_assert_true(g_str_has_prefix(shown, "f:1:5: a NUL byte: this is no text in UTF-8"));
}

static void
test_line_limit(void)
{
    g_autofree char *text = g_strnfill(1024 * 1024, 'x');
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(KtIni) ini = kt_ini_parse("f", text, strlen(text), diagnostics);
    g_assert_nonnull(ini);
    g_assert_cmpuint(diagnostics->len, ==, 1);
    g_autofree char *shown = kt_diagnostic_format(diagnostics->pdata[0]);
    g_assert_true(g_str_has_prefix(shown, "f:1: a line of 1048576 bytes: at most 64 KiB are read"));
    g_assert_cmpuint(strlen(shown), <, 400);
}

static void
test_caret(void)
{
    KtDiagnostic diagnostic = {
        .file = (char *)"f.conf",
        .line = 3,
        .column = 5,
        .text = (char *)"ä = alway\t",
        .message = (char *)"'alway' is no value of x",
        .suggestion = (char *)"always",
    };
    g_autofree char *shown = kt_diagnostic_format(&diagnostic);
    g_assert_cmpstr(shown, ==,
                    "f.conf:3:5: 'alway' is no value of x; did you mean 'always'?\n"
                    "    ä = alway\\x09\n"
                    "        ^\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/ini/places", test_places);
    g_test_add_func("/base/ini/bom", test_bom);
    g_test_add_func("/base/ini/errors", test_errors);
    g_test_add_func("/base/ini/no-text", test_no_text);
    g_test_add_func("/base/ini/line-limit", test_line_limit);
    g_test_add_func("/base/ini/caret", test_caret);
    return g_test_run();
}
