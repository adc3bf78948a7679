/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/active.h"

#include "agent/exec/active_profile.h"
#include "agent/planning/planning.h"
#include "base/error.h"

static char *
active_name(const char *state_directory, GError **error)
{
    g_autofree char *name = NULL;
    if (!kt_active_profile_read(state_directory, &name, error))
        return NULL;
    if (!name)
        g_set_error(
            error, KT_ERROR, KT_ERROR_INVALID,
            "no profile is to be kept: name one (kvm-tune apply --persist PROFILE, or kvm-tune daemon "
            "PROFILE)");
    return g_steal_pointer(&name);
}

KtProfile *
kt_daemon_profile_load(const char *named, const char *state_directory, GPtrArray *diagnostics, GError **error)
{
    g_autofree char *name = named ? g_strdup(named) : active_name(state_directory, error);
    if (!name)
        return NULL;
    g_auto(GStrv) directories = kt_profile_directories();
    g_autoptr(KtProfile) profile = kt_profile_load(name, directories, diagnostics);
    return profile && kt_profile_check_trust(profile, error) ? g_steal_pointer(&profile) : NULL;
}
