/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/notify.h"

#include <systemd/sd-daemon.h>

void
kt_notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
kt_notify_status(const char *status)
{
    sd_notifyf(0, "STATUS=%s", status);
}

void
kt_notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
}

void
kt_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void
kt_notify_alive(void)
{
    sd_notify(0, "WATCHDOG=1");
}

gint64
kt_notify_watchdog_usec(void)
{
    uint64_t usec = 0;
    return sd_watchdog_enabled(0, &usec) > 0 ? (gint64)usec : 0;
}
