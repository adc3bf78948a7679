/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "profiles/profile.h"

/**
 * Loads the profile that a daemon keeps: @named, or where that is NULL the one that `apply --persist` has
 * named. What is wrong in it is appended to @diagnostics (KtDiagnostic), and the result NULL without an
 * @error. Errors: invalid (none is named), access (others could change it), io, parse.
 */
KtProfile *kt_daemon_profile_load(const char *named, const char *state_directory, GPtrArray *diagnostics,
                                  GError **error);
