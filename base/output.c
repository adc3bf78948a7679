/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct KtOutput {
    int fd;
    char *path;
};

void
kt_output_free(KtOutput *output)
{
    if (!output)
        return;
    if (output->fd >= 0)
        close(output->fd);
    g_free(output->path);
    g_free(output);
}

/* With a slash at its end the kernel follows a link in spite of O_NOFOLLOW. */
static char *
without_end_slashes(const char *path)
{
    char *copy = g_strdup(path);
    for (gsize length = strlen(copy); length > 1 && copy[length - 1] == '/'; length--)
        copy[length - 1] = '\0';
    return copy;
}

KtOutput *
kt_output_open(const char *path, GError **error)
{
    g_autoptr(KtOutput) output = g_new0(KtOutput, 1);
    output->path = without_end_slashes(path);
    output->fd = open(output->path, OPEN_DIRECTORY);
    if (output->fd < 0 && errno == ENOENT && g_mkdir_with_parents(output->path, 0700) == 0)
        output->fd = open(output->path, OPEN_DIRECTORY);
    if (output->fd >= 0)
        return g_steal_pointer(&output);
    if (errno == ELOOP || errno == ENOTDIR)
        g_set_error(error, KT_ERROR, KT_ERROR_ACCESS, "%s: wanted a directory, found a link or a file", path);
    else
        kt_set_error_errno(error, errno, "%s", path);
    return NULL;
}

bool
kt_output_check_empty(const KtOutput *output, GError **error)
{
    int fd = openat(output->fd, ".", OPEN_DIRECTORY);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        kt_set_error_errno(error, errno, "%s", output->path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(directory));) {
        empty = g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, "..");
        if (!empty)
            g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "%s: wanted an empty directory, found '%s' in it",
                        output->path, entry->d_name);
    }
    closedir(directory);
    return empty;
}

static void
set_exists(const KtOutput *output, const char *path, GError **error)
{
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                "%s/%s is there already: nothing is written over; move it away, or name another directory",
                output->path, path);
}

bool
kt_output_check_new(const KtOutput *output, const char *path, GError **error)
{
    struct stat status;
    if (fstatat(output->fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    set_exists(output, path, error);
    return false;
}

/* The folder @name below @parent, made where it isn't there; -1 with errno. One that others can write is not
 * ours: they could put links in it. */
static int
open_folder(int parent, const char *name)
{
    struct stat status;
    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return -1;
    int fd = openat(parent, name, OPEN_DIRECTORY);
    if (fd < 0 || (fstat(fd, &status) == 0 && status.st_uid == geteuid() && !(status.st_mode & 0022)))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* The folder that @path is in; -1 with errno. */
static int
open_folder_of(const KtOutput *output, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    int fd = openat(output->fd, ".", OPEN_DIRECTORY);
    for (guint i = 0; fd >= 0 && parts[i + 1]; i++) {
        int below = open_folder(fd, parts[i]);
        int errnum = errno;
        close(fd);
        errno = errnum;
        fd = below;
    }
    return fd;
}

static bool
write_all(int fd, const char *text)
{
    for (gsize left = strlen(text); left > 0;) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text += n;
        left -= (gsize)n;
    }
    return true;
}

/* Gives 0 or an errno. */
static int
write_new(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int errnum = write_all(fd, text) ? 0 : errno;
    if (close(fd) < 0 && errnum == 0)
        errnum = errno;
    if (errnum)
        unlinkat(folder, name, 0);
    return errnum;
}

bool
kt_output_write(const KtOutput *output, const char *path, const char *text, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);
    int folder = open_folder_of(output, path);
    int errnum = folder < 0 ? errno : write_new(folder, name, text);
    if (folder >= 0)
        close(folder);
    if (errnum == EEXIST)
        set_exists(output, path, error);
    else if (errnum)
        kt_set_error_errno(error, errnum, "%s/%s", output->path, path);
    return errnum == 0;
}
