/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"

#define SUFFIX ".conf"

void
kt_profile_file_free(KtProfileFile *file)
{
    if (!file)
        return;
    g_free(file->path);
    g_free(file->text);
    g_free(file);
}

bool
kt_profile_file_equal(const KtProfileFile *a, const KtProfileFile *b)
{
    return a->device == b->device && a->inode == b->inode;
}

/* Reads @descriptor to its end, one byte more than allowed at most. */
static bool
read_all(int descriptor, KtProfileFile *file, GError **error)
{
    file->text = g_malloc(KT_PROFILE_MAX + 2);
    while (file->length <= KT_PROFILE_MAX) {
        ssize_t n = read(descriptor, file->text + file->length, KT_PROFILE_MAX + 1 - file->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            kt_set_error_errno(error, errno, "cannot be read");
            return false;
        }
        if (n == 0)
            break;
        file->length += (gsize)n;
    }
    file->text[file->length] = '\0';
    file->text = g_realloc(file->text, file->length + 1);
    if (file->length <= KT_PROFILE_MAX)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "is longer than a profile may be: 1 MiB");
    return false;
}

static bool
read_regular(int descriptor, KtProfileFile *file, GError **error)
{
    struct stat status;
    if (fstat(descriptor, &status) < 0) {
        kt_set_error_errno(error, errno, "cannot be looked at");
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "is %s, not a regular file",
                    S_ISDIR(status.st_mode)    ? "a directory"
                    : S_ISFIFO(status.st_mode) ? "a FIFO"
                                               : "a device");
        return false;
    }
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return read_all(descriptor, file, error);
}

bool
kt_profile_file_read(const char *path, KtProfileFile **ret_file, GError **error)
{
    /* Without waiting for a FIFO's writer, and without making a terminal ours. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *ret_file = NULL;
        return true;
    }
    if (descriptor < 0) {
        kt_set_error_errno(error, errno, "cannot be opened");
        return false;
    }
    g_autoptr(KtProfileFile) file = g_new0(KtProfileFile, 1);
    file->path = g_strdup(path);
    bool done = read_regular(descriptor, file, error);
    close(descriptor);
    if (done)
        *ret_file = g_steal_pointer(&file);
    return done;
}

/* Adds the names of the profiles in @directory; none where it can't be read. */
static void
list_names(const char *directory, GPtrArray *names)
{
    g_autoptr(GDir) open = g_dir_open(directory, 0, NULL);
    const char *entry;
    while (open && (entry = g_dir_read_name(open)))
        if (g_str_has_suffix(entry, SUFFIX))
            g_ptr_array_add(names, g_strndup(entry, strlen(entry) - strlen(SUFFIX)));
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The name nearest to @name of all profiles in @directories, or NULL. Owned. */
static char *
nearest_name(const char *name, char *const *directories)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (; *directories; directories++)
        list_names(*directories, names);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return g_strdup(kt_nearest(name, (const char *const *)names->pdata));
}

/* @path as seen from the folder of @includer. Owned. */
static char *
relative_to(const KtProfileFile *includer, const char *path)
{
    if (!includer || g_path_is_absolute(path) || !strchr(includer->path, '/'))
        return g_strdup(path);
    g_autofree char *directory = g_path_get_dirname(includer->path);
    return g_build_filename(directory, path, NULL);
}

static KtProfileFile *
find_path(const char *given, const KtProfileFile *includer, char *const *directories, char **ret_suggestion,
          GError **error)
{
    g_autofree char *path = relative_to(includer, given);
    KtProfileFile *file = NULL;
    if (!kt_profile_file_read(path, &file, error)) {
        g_prefix_error(error, "%s ", path);
        return NULL;
    }
    if (file)
        return file;
    g_autofree char *name = g_path_get_basename(given);
    if (g_str_has_suffix(name, SUFFIX))
        name[strlen(name) - strlen(SUFFIX)] = '\0';
    *ret_suggestion = nearest_name(name, directories);
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "there is no file %s", path);
    return NULL;
}

/* Where the name is looked up: beside @includer, then @directories, each once. Owned. */
static char **
places_of(const KtProfileFile *includer, char *const *directories)
{
    g_autoptr(GPtrArray) places = g_ptr_array_new();
    if (includer)
        g_ptr_array_add(places, g_path_get_dirname(includer->path));
    for (; *directories; directories++)
        if (!g_ptr_array_find_with_equal_func(places, *directories, g_str_equal, NULL))
            g_ptr_array_add(places, g_strdup(*directories));
    g_ptr_array_add(places, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&places), FALSE);
}

static KtProfileFile *
find_name(const char *name, const KtProfileFile *includer, char *const *directories, char **ret_suggestion,
          GError **error)
{
    g_auto(GStrv) places = places_of(includer, directories);
    g_autofree char *base = g_strconcat(name, SUFFIX, NULL);
    for (char **place = places; *place; place++) {
        g_autofree char *path =
            g_str_equal(*place, ".") ? g_strdup(base) : g_build_filename(*place, base, NULL);
        g_autoptr(KtProfileFile) file = NULL;
        if (!kt_profile_file_read(path, &file, error)) {
            g_prefix_error(error, "%s ", path);
            return NULL;
        }
        if (file && !(includer && kt_profile_file_equal(file, includer)))
            return g_steal_pointer(&file);
    }
    *ret_suggestion = nearest_name(name, places);
    /* Only one that inherits its own name is near to itself. */
    bool itself = *ret_suggestion && g_str_equal(*ret_suggestion, name);
    if (itself)
        g_clear_pointer(ret_suggestion, g_free);
    g_autofree char *looked = g_strjoinv(", ", places);
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "there is no profile '%s'%s: looked for %s in %s", name,
                itself ? " besides this one" : "", base, looked);
    return NULL;
}

KtProfileFile *
kt_profile_file_find(const char *name_or_path, const KtProfileFile *includer, char *const *directories,
                     char **ret_suggestion, GError **error)
{
    *ret_suggestion = NULL;
    if (*name_or_path == '\0') {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "a profile's name or path is missing");
        return NULL;
    }
    bool path = strchr(name_or_path, '/') || g_str_has_suffix(name_or_path, SUFFIX);
    return (path ? find_path : find_name)(name_or_path, includer, directories, ret_suggestion, error);
}
