/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/active_profile.h"

#include <string.h>

#include "agent/exec/state_directory.h"
#include "base/error.h"

#define FILE_NAME "profile"

/** The file's path, once nobody else could have written it; NULL without an error: it isn't there. */
static char *
trusted_path(const char *state_directory, GError **error)
{
    g_autoptr(KtStateDirectory) directory = NULL;
    bool exists = false;
    if (!kt_state_directory_open(state_directory, false, &directory, error) || !directory ||
        !kt_state_directory_check_file(directory, FILE_NAME, false, &exists, error) || !exists)
        return NULL;
    return g_build_filename(directory->path, FILE_NAME, NULL);
}

bool
kt_active_profile_read(const char *state_directory, char **ret_name, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *path = trusted_path(state_directory, &failure);
    g_autofree char *text = NULL;
    if (path && !g_file_get_contents(path, &text, NULL, &failure))
        g_prefix_error(&failure, "the active profile: ");
    if (failure) {
        bool ours = failure->domain == KT_ERROR;
        g_set_error(error, KT_ERROR, ours ? failure->code : KT_ERROR_IO, "%s", failure->message);
        return false;
    }
    if (text)
        g_strchomp(text);
    if (text && (*text == '\0' || strchr(text, '\n'))) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE,
                    "%s: doesn't hold one profile's name: name it anew (kvm-tune apply --persist PROFILE)",
                    path);
        return false;
    }
    *ret_name = g_steal_pointer(&text);
    return true;
}

bool
kt_active_profile_write(const char *state_directory, const char *name, GError **error)
{
    g_autoptr(KtStateDirectory) directory = NULL;
    if (!kt_state_directory_open(state_directory, true, &directory, error))
        return false;
    g_autofree char *path = g_build_filename(directory->path, FILE_NAME, NULL);
    g_autofree char *line = g_strdup_printf("%s\n", name);
    g_autoptr(GError) failure = NULL;
    if (g_file_set_contents_full(path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                 0600, &failure))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "the active profile can't be kept: %s", failure->message);
    return false;
}
