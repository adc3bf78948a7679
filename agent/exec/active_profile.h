/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * The profile that `apply --persist` has named for the daemon: a file in the state directory that holds its
 * name or absolute path.
 */

/** *@ret_name (owned) is NULL where none is named. Errors: access (others could have written it), io, parse.
 */
bool kt_active_profile_read(const char *state_directory, char **ret_name, GError **error);

/** Names @name from now on: whole and durable on return. The state directory is there. Errors: access, io. */
bool kt_active_profile_write(const char *state_directory, const char *name, GError **error);
