/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "profiles/desired.h"

/**
 * Whether a restart-window, "Sun 02:00-05:00" as the profile language has it, is open at @now, in @now's own
 * time zone. One that ends before it begins ends the day after. *@ret_usec: how long until it opens, 0 where
 * it is open; by the clock: where that is set forward or back meanwhile, an hour more or less. Pure.
 */
bool kt_window_is_open(const char *window, GDateTime *now, gint64 *ret_usec);

/**
 * Outside its restart-window nothing disturbs a domain, what is staged waits; inside it is as if it had none.
 * *@ret_windows: those that are open, UUID → char *. Gives how long it is until the next one opens, µs; 0 =
 * none will. Pure.
 */
gint64
kt_windows_keep(KtDesired *desired, const KtSnapshot *snapshot, GDateTime *now, GHashTable **ret_windows);
