/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "profiles/profile.h"

#define UUID "0b1f8a52-94d3-4c1e-8f60-aa00bb11cc22"

static void
test_matches(void)
{
    static const struct {
        const char *pattern;
        const char *name;
        const char *title;
        bool matches;
    } cases[] = {
        {"*", "db-1", NULL, true},
        {"db-*", "db-1", NULL, true},
        {"db-*", "adb-1", NULL, false},
        {"db-?", "db-12", NULL, false},
        {"DB-1", "db-1", NULL, false},
        {"d[ab]-1", "da-1", NULL, false},
        {"d[ab]-1", "d[ab]-1", NULL, true},
        {"gr?n", "grün", NULL, true},
        {"*", "bad \xe2", NULL, true},
        {"bad ?", "bad \xe2", NULL, true},
        {"bad \xe2?", "bad ", NULL, false},
        {"title:Order entry*", "vm7", "Order entry, site 2", true},
        {"title:*", "vm7", NULL, false},
        {"title:db-1", "db-1", "other", false},
        {"uuid:" UUID, "vm7", NULL, true},
        {"uuid:0B1F8A5294D34C1E8F60AA00BB11CC22", "vm7", NULL, true},
        {"uuid:0b1f8a52-*", "vm7", NULL, true},
        {"uuid:1b1f8a52-94d3-4c1e-8f60-aa00bb11cc22", "vm7", NULL, false},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %u", i);
        g_autoptr(KtPattern) pattern = kt_pattern_parse(cases[i].pattern, NULL);
        g_assert_nonnull(pattern);
        g_assert_true(kt_pattern_matches(pattern, cases[i].name, UUID, cases[i].title) == cases[i].matches);
    }
}

static void
test_refused(void)
{
    static const char *const wrong[] = {
        "", "title:", "uuid:", "uuid:db-1", "uuid:0b1f8a52", "uuid:" UUID "0", "uuid:-",
    };
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(kt_pattern_parse(wrong[i], &error));
        g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
    }
}

/* A glob of many stars takes no exponential time. */
static void
test_many_stars(void)
{
    g_autofree char *text = g_strnfill(4000, 'a');
    g_assert_false(kt_glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/match/matches", test_matches);
    g_test_add_func("/match/refused", test_refused);
    g_test_add_func("/match/many-stars", test_many_stars);
    return g_test_run();
}
