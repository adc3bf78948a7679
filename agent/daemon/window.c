/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/window.h"

#include <string.h>

#define DAY (24 * 60 * 60)
#define WEEK (7 * DAY)

/** Seconds since midnight of "HH:MM". */
static gint
seconds_of(const char *time)
{
    return (gint)(g_ascii_strtoll(time, NULL, 10) * 60 + g_ascii_strtoll(time + 3, NULL, 10)) * 60;
}

/** 0 = Monday. */
static gint
day_of(const char *window)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    g_autofree char *day = g_strndup(window, 3);
    return (gint)(strstr(days, day) - days) / 3;
}

bool
kt_window_is_open(const char *window, GDateTime *now, gint64 *ret_usec)
{
    const char *times = window + strcspn(window, "0123456789");
    gint begin = seconds_of(times), end = seconds_of(times + strlen("HH:MM-"));
    gint length = (end - begin + DAY) % DAY;
    gint at = (g_date_time_get_day_of_week(now) - 1) * DAY + g_date_time_get_hour(now) * 60 * 60 +
              g_date_time_get_minute(now) * 60 + g_date_time_get_second(now);
    gint since = (at - day_of(window) * DAY - begin + WEEK) % WEEK;
    bool is_open = since < length;
    *ret_usec = is_open ? 0 : (WEEK - since) * G_TIME_SPAN_SECOND;
    return is_open;
}

gint64
kt_windows_keep(KtDesired *desired, const KtSnapshot *snapshot, GDateTime *now, GHashTable **ret_windows)
{
    gint64 next = 0;
    *ret_windows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const KtValue *window = kt_desired_domain(desired, i, KT_SETTING_RESTART_WINDOW, NULL);
        gint64 usec;
        if (!window)
            continue;
        if (kt_window_is_open(window->text, now, &usec)) {
            g_hash_table_insert(*ret_windows, g_strdup(domain->uuid), g_strdup(window->text));
            kt_desired_unname(desired, (gint)i, kt_setting(KT_SETTING_RESTART_WINDOW), NULL);
        } else {
            kt_desired_unname(desired, (gint)i, kt_setting(KT_SETTING_DISRUPTION), NULL);
            next = next ? MIN(next, usec) : usec;
        }
    }
    return next;
}
