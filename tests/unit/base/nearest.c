/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"

static const char *const words[] = {"always", "madvise", "never", "defer+madvise", NULL};

static void
test_slips(void)
{
    g_assert_cmpstr(kt_nearest("alway", words), ==, "always");
    g_assert_cmpstr(kt_nearest("madivse", words), ==, "madvise");
    g_assert_cmpstr(kt_nearest("NEVER", words), ==, "never");
    g_assert_cmpstr(kt_nearest("defer-madvise", words), ==, "defer+madvise");
}

static void
test_nothing_near(void)
{
    g_autofree char *endless = g_strnfill(100000, 'a');
    g_assert_null(kt_nearest("on", words));
    g_assert_null(kt_nearest("", words));
    g_assert_null(kt_nearest(endless, words));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/nearest/slips", test_slips);
    g_test_add_func("/base/nearest/nothing-near", test_nothing_near);
    return g_test_run();
}
