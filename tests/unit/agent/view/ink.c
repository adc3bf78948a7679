/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/ink.h"

static const KtStyle plain = {.color = false, .utf8 = true, .width = 60};
static const KtStyle colored = {.color = true, .utf8 = true, .width = 60};
static const KtStyle ascii = {.color = false, .utf8 = false, .width = 60};

static void
test_sizes(void)
{
    static const struct {
        guint64 kib;
        const char *text;
    } cases[] = {
        {0, "0 KiB"},
        {12, "12 KiB"},
        {1023, "1023 KiB"},
        {1024, "1 MiB"},
        {1536, "1.5 MiB"},
        {524288, "512 MiB"},
        {3670016, "3.5 GiB"},
        {8388608, "8 GiB"},
        {8388000, "8 GiB"},
        {32505856, "31 GiB"},
        {65815296, "62.8 GiB"},
        {134217728, "128 GiB"},
        {1610612736, "1.5 TiB"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = kt_size(cases[i].kib);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_counts(void)
{
    g_autofree char *none = kt_count(0, "change", "changes");
    g_autofree char *one = kt_count(1, "change", "changes");
    g_assert_cmpstr(none, ==, "0 changes");
    g_assert_cmpstr(one, ==, "1 change");
}

static void
test_columns_are_not_bytes(void)
{
    g_assert_cmpuint(kt_columns("→ ·"), ==, 3);
    g_assert_cmpuint(kt_columns("漢字"), ==, 4);
    g_assert_cmpuint(kt_columns("e\xcc\x81"), ==, 1);
    /* What is no UTF-8 is shown escaped; a character that is cut off must not lead past the end. */
    g_assert_cmpuint(kt_columns("a\xff"), ==, 5);
    g_assert_cmpuint(kt_columns("\xf0\x9f"), ==, 8);
}

static void
test_color_only_where_wanted(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_ink(out, &plain, KT_INK_BAD, "%d", 7);
    g_assert_cmpstr(out->str, ==, "7");
    g_string_truncate(out, 0);
    kt_ink(out, &colored, KT_INK_ADD, "x");
    g_assert_cmpstr(out->str, ==, "\033[32mx\033[0m");
    g_string_truncate(out, 0);
    kt_ink(out, &colored, KT_INK_PLAIN, "x");
    g_assert_cmpstr(out->str, ==, "x");
}

static void
test_pad_counts_columns(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_pad(out, &colored, KT_INK_DIM, "a→", 4);
    g_string_append_c(out, '|');
    g_assert_cmpstr(out->str, ==, "\033[2ma→\033[0m  |");
}

static void
test_wrap(void)
{
    g_autoptr(GString) out = g_string_new("title: ");
    kt_wrap(out, &plain, KT_INK_PLAIN, 7, 4,
            "one two three four five six seven eight nine ten eleven twelve thirteen");
    g_assert_cmpstr(out->str, ==,
                    "title: one two three four five six seven eight nine ten\n"
                    "    eleven twelve thirteen\n");
}

static void
test_wrap_keeps_long_words_whole(void)
{
    g_autofree char *path = g_strnfill(70, 'p');
    g_autofree char *text = g_strdup_printf("see %s now", path);
    g_autofree char *expected = g_strdup_printf("see\n  %s\n  now\n", path);
    g_autoptr(GString) out = g_string_new(NULL);
    kt_wrap(out, &plain, KT_INK_PLAIN, 0, 2, text);
    g_assert_cmpstr(out->str, ==, expected);
}

static void
test_wrap_breaks_lists_after_commas(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_wrap(out, &plain, KT_INK_PLAIN, 0, 2,
            "CPUs 0-19,21,23,25,27,29,31-59,65,67,69,71,73,75,77,79-123,125,127 are pinned");
    g_assert_cmpstr(out->str, ==,
                    "CPUs\n"
                    "  0-19,21,23,25,27,29,31-59,65,67,69,71,73,75,77,79-123,125,\n"
                    "  127 are pinned\n");
}

static void
test_wrap_list_keeps_parts_together(void)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    for (guint i = 0; i < 4; i++)
        g_ptr_array_add(parts, (gpointer) "A long-domain-name");
    g_autoptr(GString) out = g_string_new(NULL);
    kt_wrap_list(out, &plain, 0, 2, parts);
    g_assert_cmpstr(out->str, ==,
                    "A long-domain-name, A long-domain-name, A\x20long-domain-name,\n"
                    "  A long-domain-name\n");
}

static void
test_shorten(void)
{
    g_autofree char *whole = kt_shorten(&plain, "profile", 7);
    g_autofree char *cut = kt_shorten(&plain, "profiles", 7);
    g_autofree char *cut_ascii = kt_shorten(&ascii, "profiles", 7);
    g_assert_cmpstr(whole, ==, "profile");
    g_assert_cmpstr(cut, ==, "profil…");
    g_assert_cmpstr(cut_ascii, ==, "prof...");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/ink/sizes", test_sizes);
    g_test_add_func("/view/ink/counts", test_counts);
    g_test_add_func("/view/ink/columns", test_columns_are_not_bytes);
    g_test_add_func("/view/ink/color", test_color_only_where_wanted);
    g_test_add_func("/view/ink/pad", test_pad_counts_columns);
    g_test_add_func("/view/ink/wrap", test_wrap);
    g_test_add_func("/view/ink/wrap-long-word", test_wrap_keeps_long_words_whole);
    g_test_add_func("/view/ink/wrap-long-list", test_wrap_breaks_lists_after_commas);
    g_test_add_func("/view/ink/wrap-list", test_wrap_list_keeps_parts_together);
    g_test_add_func("/view/ink/shorten", test_shorten);
    return g_test_run();
}
