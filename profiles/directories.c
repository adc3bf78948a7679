/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

/* Where the admin's own profiles are. */
#define LOCAL_PROFILES "/etc/kvm-tune/profiles"

/* A binary whose place isn't known gets none: the source's folder may be anybody's on another machine. */
char *
kt_shipped_directory(const char *executable, const char *name, const char *in_source)
{
    if (!executable)
        return NULL;
    g_autofree char *directory = g_path_get_dirname(executable);
    g_autofree char *last = g_path_get_basename(directory);
    if (!g_str_equal(last, "bin") && !g_str_equal(last, "sbin"))
        return g_strdup(in_source);
    g_autofree char *prefix = g_path_get_dirname(directory);
    return g_build_filename(prefix, "share", "kvm-tune", name, NULL);
}

char **
kt_profile_directories_of(const char *executable)
{
    g_autoptr(GStrvBuilder) directories = g_strv_builder_new();
    g_autofree char *shipped = kt_shipped_directory(executable, "profiles", KT_SOURCE_PROFILES);
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
