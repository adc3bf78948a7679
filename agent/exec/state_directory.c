/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/state_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/trust.h"

#define LOCK_FILE "lock"

void
kt_state_directory_free(KtStateDirectory *directory)
{
    if (!directory)
        return;
    /* The lock ends with its descriptor. Its file stays: who removed it could lock one that others don't see.
     */
    if (directory->lock >= 0)
        close(directory->lock);
    if (directory->fd >= 0)
        close(directory->fd);
    g_free(directory->path);
    g_free(directory->since);
    g_free(directory);
}

/** The path without slashes at its end: with one the kernel follows a link in spite of O_NOFOLLOW. */
static char *
without_end_slashes(const char *path)
{
    char *copy = g_strdup(path);
    for (gsize length = strlen(copy); length > 1 && copy[length - 1] == '/'; length--)
        copy[length - 1] = '\0';
    return copy;
}

/** Makes the name of a new directory survive a power loss. */
static bool
sync_parent(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        kt_set_error_errno(error, errno, "%s: cannot make the new directory '%s' durable", parent, path);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool
make_directory(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    if (access(parent, F_OK) == 0 && !kt_trust_check(parent, error))
        return false;
    if (mkdir(path, 0700) == 0)
        return sync_parent(path, error);
    if (errno == EEXIST)
        return true;
    kt_set_error_errno(error, errno, "%s: cannot make the state directory", path);
    return false;
}

/** Refuses what is not ours, or has one of the permission bits @forbidden. */
static bool
check_rights(const char *path, const struct stat *status, mode_t forbidden, GError **error)
{
    mode_t mode = status->st_mode & 07777;
    if (status->st_uid != geteuid()) {
        g_set_error(error, KT_ERROR, KT_ERROR_ACCESS,
                    "%s: belongs to user %u, must belong to user %u (mode %04o)", path,
                    (unsigned)status->st_uid, (unsigned)geteuid(), (unsigned)mode);
        return false;
    }
    if (mode & forbidden) {
        g_set_error(error, KT_ERROR, KT_ERROR_ACCESS,
                    "%s: mode is %04o, owner is user %u: others have rights that they must not have here "
                    "(chmod go-%s '%s')",
                    path, (unsigned)mode, (unsigned)status->st_uid, forbidden == 0022 ? "w" : "rwx", path);
        return false;
    }
    return true;
}

/** Fills in the path that the open directory has, and checks whose it is. */
static bool
inspect_directory(KtStateDirectory *directory, const char *path, GError **error)
{
    struct stat status;
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", directory->fd);
    g_autoptr(GError) local = NULL;

    if (fstat(directory->fd, &status) < 0) {
        kt_set_error_errno(error, errno, "%s: cannot be looked at", path);
        return false;
    }
    directory->path = g_file_read_link(link, &local);
    if (!directory->path) {
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: cannot find its full path: %s", path, local->message);
        return false;
    }
    /* Whoever can rename a directory on the way could put another one here. */
    return check_rights(path, &status, 0022, error) && kt_trust_check(path, error);
}

bool
kt_state_directory_open(const char *path, bool create, KtStateDirectory **ret_directory, GError **error)
{
    g_autofree char *plain = without_end_slashes(path);
    g_autoptr(KtStateDirectory) directory = g_new0(KtStateDirectory, 1);
    directory->lock = -1;

    directory->fd = open(plain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->fd < 0 && errno == ENOENT && create) {
        if (!make_directory(plain, error))
            return false;
        directory->fd = open(plain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (directory->fd < 0 && errno == ENOENT && !create) {
        *ret_directory = NULL;
        return true;
    }
    if (directory->fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
        g_set_error(error, KT_ERROR, KT_ERROR_ACCESS,
                    "%s: the state directory must be a directory, not a link or a file", path);
        return false;
    }
    if (directory->fd < 0) {
        kt_set_error_errno(error, errno, "%s: cannot open the state directory", path);
        return false;
    }
    if (!inspect_directory(directory, plain, error))
        return false;
    *ret_directory = g_steal_pointer(&directory);
    return true;
}

/** What the holder wrote into the lock; it may be caught in the middle of writing it. */
static char *
read_holder(int fd)
{
    char text[256];
    ssize_t length = pread(fd, text, sizeof text, 0);
    if (length <= 0)
        return g_strdup("another process");
    g_autofree char *valid = g_utf8_make_valid(text, length);
    valid[strcspn(valid, "\n")] = '\0';
    return *valid ? g_steal_pointer(&valid) : g_strdup("another process");
}

bool
kt_state_directory_lock(KtStateDirectory *directory, GError **error)
{
    int fd = openat(directory->fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0) {
        kt_set_error_errno(error, errno, "%s/" LOCK_FILE ": cannot be opened", directory->path);
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int errnum = errno;
        g_autofree char *holder = read_holder(fd);
        close(fd);
        if (errnum == EWOULDBLOCK)
            g_set_error(error, KT_ERROR, KT_ERROR_HELD, "%s/" LOCK_FILE ": held by %s", directory->path,
                        holder);
        else
            kt_set_error_errno(error, errnum, "%s/" LOCK_FILE ": cannot be locked", directory->path);
        return false;
    }
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    directory->since = g_date_time_format(now, "%F %H:%M:%S");
    directory->lock = fd;
    kt_state_directory_announce(directory, NULL);
    return true;
}

void
kt_state_directory_announce(KtStateDirectory *directory, const char *verb)
{
    if (directory->lock < 0)
        return;
    g_autofree char *text = g_strdup_printf("kvm-tune%s%s, pid %d, since %s\n", verb ? " " : "",
                                            verb ? verb : "", (int)getpid(), directory->since);
    ssize_t length = strlen(text);
    if (pwrite(directory->lock, text, length, 0) != length || ftruncate(directory->lock, length) < 0)
        g_debug("%s/" LOCK_FILE ": cannot say who holds it: %s", directory->path, g_strerror(errno));
}

/** Opens the file to look at it, or makes it. -1 with errno ENOENT: absent. O_PATH: to close a descriptor
 * that could read would drop the locks that SQLite has on the file in this process. fcntl(2) */
static int
open_file(const KtStateDirectory *directory, const char *name, bool create)
{
    int fd = openat(directory->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 || errno != ENOENT || !create)
        return fd;
    fd = openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
    if (fd >= 0 && (fsync(fd) < 0 || fsync(directory->fd) < 0)) {
        int errnum = errno;
        close(fd);
        errno = errnum;
        return -1;
    }
    return fd;
}

bool
kt_state_directory_check_file(const KtStateDirectory *directory, const char *name, bool create,
                              bool *ret_exists, GError **error)
{
    g_autofree char *path = g_build_filename(directory->path, name, NULL);
    struct stat status;

    int fd = open_file(directory, name, create);
    if (fd < 0 && errno == ENOENT && !create) {
        *ret_exists = false;
        return true;
    }
    bool seen = fd >= 0 && fstat(fd, &status) == 0;
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    if (!seen) {
        kt_set_error_errno(error, errnum, "%s: cannot be opened", path);
        return false;
    }
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
        g_set_error(error, KT_ERROR, KT_ERROR_ACCESS, "%s: must be a plain file with one name, not a link",
                    path);
        return false;
    }
    *ret_exists = true;
    return check_rights(path, &status, 0077, error);
}
