/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Checks that nobody but root and the present user can decide what is found at @path: it, each directory on
 * the way, and each link that is followed belong to one of the two, and others can't write them. A directory
 * with the sticky bit (/tmp) may be writable on the way: what is ours in it stays ours. Once this holds
 * nobody else can make it untrue, so there is no race between the check and the use. Errors: access (the
 * message names the first that isn't so, and what mends it), io.
 */
bool kt_trust_check(const char *path, GError **error);
