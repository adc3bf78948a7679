/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * What systemd is told, where it started the daemon; else nothing happens. sd_notify(3)
 */

void kt_notify_ready(const char *status);
void kt_notify_status(const char *status);
void kt_notify_reloading(void);
void kt_notify_stopping(void);
void kt_notify_alive(void);

/** How often it wants to hear that the daemon is alive, µs; 0 = it doesn't. */
gint64 kt_notify_watchdog_usec(void);
