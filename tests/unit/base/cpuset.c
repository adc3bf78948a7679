/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpuset.h"

#include "base/error.h"

static void
test_round_trip(void)
{
    static const struct {
        const char *text, *normal;
    } cases[] = {
        {"", ""},
        {"0", "0"},
        {"0-3,8", "0-3,8"},
        {"3,2,1,0", "0-3"},
        {" 1 , 4-5 ", "1,4-5"},
        {"0-4095", "0-4095"},
        {"1000,70-80", "70-80,1000"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(KtCpuset) set = kt_cpuset_parse(cases[i].text, false, NULL);
        g_assert_nonnull(set);
        g_autofree char *list = kt_cpuset_format(set);
        g_assert_cmpstr(list, ==, cases[i].normal);
    }
}

static void
test_exclusions(void)
{
    g_autoptr(KtCpuset) set = kt_cpuset_parse("0-7,^3,^5", true, NULL);
    g_autofree char *list = kt_cpuset_format(set);
    g_assert_cmpstr(list, ==, "0-2,4,6-7");
    g_assert_null(kt_cpuset_parse("0-7,^3", false, NULL));
}

static void
test_errors(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"x", "character 1"},
        {"1,", "character 3"},
        {"1,,2", "character 3"},
        {"5-2", "runs backwards"},
        {"1-", "is missing"},
        {"16384", "16384 or more"},
        {"99999999999999999999", "16384 or more"},
        {"1 2", "neither"},
        {"-3", "no number"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(kt_cpuset_parse(cases[i].text, false, &error));
        g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
        g_assert_nonnull(strstr(error->message, cases[i].message));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/cpuset/round-trip", test_round_trip);
    g_test_add_func("/base/cpuset/exclusions", test_exclusions);
    g_test_add_func("/base/cpuset/errors", test_errors);
    return g_test_run();
}
