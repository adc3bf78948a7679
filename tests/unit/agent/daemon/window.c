/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/window.h"

/* 22 November 2026 is a Sunday. */
static gint64
seconds_until(const char *window, gint day, gint hour, gint minute, gint second)
{
    g_autoptr(GDateTime) now = g_date_time_new_utc(2026, 11, day, hour, minute, second);
    gint64 usec = -1;
    bool is_open = kt_window_is_open(window, now, &usec);
    g_assert_cmpint(is_open, ==, usec == 0);
    return usec / G_TIME_SPAN_SECOND;
}

static void
test_of_one_day(void)
{
    g_assert_cmpint(seconds_until("Sun 02:00-05:00", 22, 1, 59, 59), ==, 1);
    g_assert_cmpint(seconds_until("Sun 02:00-05:00", 22, 2, 0, 0), ==, 0);
    g_assert_cmpint(seconds_until("Sun 02:00-05:00", 22, 4, 59, 59), ==, 0);
    g_assert_cmpint(seconds_until("Sun 02:00-05:00", 22, 5, 0, 0), ==, 7 * 86400 - 3 * 3600);
    g_assert_cmpint(seconds_until("Sun 02:00-05:00", 23, 3, 0, 0), ==, 6 * 86400 - 3600);
}

static void
test_over_midnight(void)
{
    g_assert_cmpint(seconds_until("Sun  23:30-00:30", 22, 23, 29, 0), ==, 60);
    g_assert_cmpint(seconds_until("Sun  23:30-00:30", 22, 23, 30, 0), ==, 0);
    g_assert_cmpint(seconds_until("Sun  23:30-00:30", 23, 0, 29, 59), ==, 0);
    g_assert_cmpint(seconds_until("Sun  23:30-00:30", 23, 0, 30, 0), ==, 7 * 86400 - 3600);
    g_assert_cmpint(seconds_until("Sat 23:30-00:30", 22, 0, 10, 0), ==, 0);
    g_assert_cmpint(seconds_until("Mon 00:00-23:59", 22, 23, 59, 0), ==, 60);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/window/of-one-day", test_of_one_day);
    g_test_add_func("/window/over-midnight", test_over_midnight);
    return g_test_run();
}
