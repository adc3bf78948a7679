/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

/* Where the admin's own profiles are. */
#define LOCAL_PROFILES "/etc/kvm-tune/profiles"

/* The shipped profiles that belong to @executable: beside an installed one, else those of its source. A
 * binary whose place isn't known gets none: the source's folder may be anybody's on another machine. Owned.
 */
static char *
shipped_profiles(const char *executable)
{
    if (!executable)
        return NULL;
    g_autofree char *directory = g_path_get_dirname(executable);
    g_autofree char *name = g_path_get_basename(directory);
    if (!g_str_equal(name, "bin") && !g_str_equal(name, "sbin"))
        return g_strdup(KT_SOURCE_PROFILES);
    g_autofree char *prefix = g_path_get_dirname(directory);
    return g_build_filename(prefix, "share", "kvm-tune", "profiles", NULL);
}

char **
kt_profile_directories_of(const char *executable)
{
    g_autoptr(GStrvBuilder) directories = g_strv_builder_new();
    g_autofree char *shipped = shipped_profiles(executable);
    g_strv_builder_add(directories, LOCAL_PROFILES);
    if (shipped)
        g_strv_builder_add(directories, shipped);
    return g_strv_builder_end(directories);
}

char **
kt_profile_directories(void)
{
    g_autofree char *executable = g_file_read_link("/proc/self/exe", NULL);
    return kt_profile_directories_of(executable);
}
