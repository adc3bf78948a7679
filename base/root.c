/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

/* More than any file of /proc or /sys that a probe reads. */
#define READ_LIMIT (16 * 1024 * 1024)

struct KtRoot {
    int fd;
    bool live;
    char *directory;
    GHashTable *failing_writes; /* path → errno, for tests */
};

static inline void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define autofd __attribute__((cleanup(close_fd))) int

KtRoot *
kt_root_open(const char *directory, GError **error)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        kt_set_error_errno(error, errno, "%s", directory);
        return NULL;
    }
    KtRoot *root = g_new0(KtRoot, 1);
    root->fd = fd;
    root->live = g_str_equal(directory, "/");
    root->directory = g_strdup(directory);
    root->failing_writes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return root;
}

void
kt_root_free(KtRoot *root)
{
    if (!root)
        return;
    close(root->fd);
    g_free(root->directory);
    g_hash_table_unref(root->failing_writes);
    g_free(root);
}

bool
kt_root_is_live(const KtRoot *root)
{
    return root->live;
}

char *
kt_root_describe(const KtRoot *root, const char *path)
{
    return g_strconcat(root->live ? "" : root->directory, "/", path, NULL);
}

/* The same without openat2, one name after the other: no link is followed at all. */
static int
open_step_by_step(int root, const char *path, int flags)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    int at = root;
    for (char **name = names; *name; name++) {
        bool last = name[1] == NULL;
        int fd = g_str_equal(*name, "..")
                     ? -1
                     : openat(at, *name, (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        int errnum = g_str_equal(*name, "..") ? EXDEV : errno;
        if (at != root)
            close(at);
        errno = errnum;
        if (fd < 0 || last)
            return fd;
        at = fd;
    }
    errno = EINVAL;
    return -1;
}

/* Below the live root links are followed as everywhere (/sys is full of them); a capture may come from a
 * stranger, so nothing in it may lead outside (openat2, Linux 5.6). */
static int
open_below(const KtRoot *root, const char *path, int flags)
{
    if (*path == '\0' || *path == '/') {
        errno = EINVAL;
        return -1;
    }
    if (root->live)
        return openat(root->fd, path, flags | O_CLOEXEC);
    struct open_how how = {
        .flags = (guint64)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof how);
    /* An older kernel, or a sandbox or valgrind that doesn't know the call. */
    return fd < 0 && errno == ENOSYS ? open_step_by_step(root->fd, path, flags) : fd;
}

/* Files of a feature that was switched off at boot are there, and say so when they are read (psi=0). */
static bool
is_absent(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR || errnum == EOPNOTSUPP;
}

static void
set_path_error(const KtRoot *root, const char *path, int errnum, GError **error)
{
    g_autofree char *shown = kt_root_describe(root, path);
    kt_set_error_errno(error, errnum, "%s", shown);
}

bool
kt_root_exists(const KtRoot *root, const char *path)
{
    autofd fd = open_below(root, path, O_PATH);
    return fd >= 0;
}

bool
kt_root_is_writable(const KtRoot *root, const char *path)
{
    autofd fd = open_below(root, path, O_PATH);
    struct stat about;
    return fd >= 0 && fstat(fd, &about) == 0 && (about.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) != 0;
}

/* The whole content; errno is set where it fails. */
static GString *
read_all(int fd)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[16384];
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return NULL;
        if (n == 0)
            return g_steal_pointer(&text);
        if (text->len + (gsize)n > READ_LIMIT) {
            errno = EFBIG;
            return NULL;
        }
        g_string_append_len(text, buffer, n);
    }
}

/* Opens a file for reading. Of a capture only plain files: opening a stranger's device may have effects of
 * its own, and a FIFO would hang us. */
static int
open_file(const KtRoot *root, const char *path)
{
    struct stat about;
    autofd there = root->live ? -1 : open_below(root, path, O_PATH);
    if (!root->live && there < 0)
        return -1;
    if (there >= 0 && fstat(there, &about) == 0 && !S_ISREG(about.st_mode)) {
        errno = S_ISDIR(about.st_mode) ? EISDIR : ENODEV;
        return -1;
    }
    return open_below(root, path, O_RDONLY | O_NONBLOCK);
}

/* *@ret_content is NULL where the file is absent. */
static bool
read_file(const KtRoot *root, const char *path, GString **ret_content, GError **error)
{
    autofd fd = open_file(root, path);
    GString *content = fd >= 0 ? read_all(fd) : NULL;
    if (!content && errno == ENODEV && !root->live) {
        g_autofree char *shown = kt_root_describe(root, path);
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: wanted a file, found a FIFO or a device", shown);
        return false;
    }
    if (!content && !is_absent(errno)) {
        set_path_error(root, path, errno, error);
        return false;
    }
    *ret_content = content;
    return true;
}

bool
kt_root_read(const KtRoot *root, const char *path, char **ret_text, GError **error)
{
    GString *content;
    if (!read_file(root, path, &content, error))
        return false;
    if (content && strlen(content->str) < content->len && !root->live) {
        g_autofree char *shown = kt_root_describe(root, path);
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: wanted text, found a NUL byte at %zu", shown,
                    strlen(content->str));
        g_string_free(content, TRUE);
        return false;
    }
    *ret_text = content ? g_strchomp(g_string_free(content, FALSE)) : NULL;
    return true;
}

bool
kt_root_read_strings(const KtRoot *root, const char *path, char ***ret_strings, GError **error)
{
    g_autoptr(GString) content = NULL;
    if (!read_file(root, path, &content, error))
        return false;
    if (!content) {
        *ret_strings = NULL;
        return true;
    }
    g_autoptr(GStrvBuilder) strings = g_strv_builder_new();
    for (const char *at = content->str; at < content->str + content->len; at += strlen(at) + 1)
        g_strv_builder_add(strings, at);
    *ret_strings = g_strv_builder_end(strings);
    return true;
}

bool
kt_root_read_number(const KtRoot *root, const char *path, gint64 *ret_number, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    if (!text) {
        *ret_number = KT_ABSENT;
        return true;
    }
    gint64 number;
    if (!g_ascii_string_to_signed(text, 10, G_MININT64 + 1, G_MAXINT64, &number, NULL)) {
        g_autofree char *shown = kt_root_describe(root, path);
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: wanted a number, found '%s'", shown, text);
        return false;
    }
    *ret_number = number;
    return true;
}

bool
kt_root_read_choice(const KtRoot *root, const char *path, char **ret_word, GError **error)
{
    char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    const char *open = text ? strchr(text, '[') : NULL;
    const char *close = open ? strchr(open, ']') : NULL;
    if (close) {
        *ret_word = g_strndup(open + 1, (gsize)(close - open - 1));
        g_free(text);
    } else {
        *ret_word = text;
    }
    return true;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
kt_root_list(const KtRoot *root, const char *path, char ***ret_names, GError **error)
{
    int fd = open_below(root, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && is_absent(errno)) {
        *ret_names = NULL;
        return true;
    }
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        set_path_error(root, path, errno, error);
        if (fd >= 0)
            close(fd);
        return false;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    errno = 0;
    for (struct dirent *entry; (entry = readdir(directory)); errno = 0) {
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    int errnum = errno;
    closedir(directory);
    if (errnum) {
        set_path_error(root, path, errnum, error);
        return false;
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    g_ptr_array_set_free_func(names, NULL);
    *ret_names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
    return true;
}

bool
kt_root_write(const KtRoot *root, const char *path, const char *text, GError **error)
{
    int planned = GPOINTER_TO_INT(g_hash_table_lookup(root->failing_writes, path));
    autofd fd = planned ? -1 : open_below(root, path, O_WRONLY | O_TRUNC);
    gsize length = strlen(text);
    /* One write: the kernel takes each as a value of its own. */
    ssize_t written = fd < 0 ? -1 : write(fd, text, length);
    int errnum = planned ? planned : errno;
    if (written == (ssize_t)length)
        return true;

    g_autofree char *shown = kt_root_describe(root, path);
    if (written >= 0)
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: only %zd of the %zu bytes of '%s' were taken", shown,
                    written, length, text);
    else
        kt_set_error_errno(error, errnum, "%s: writing '%s'", shown, text);
    return false;
}

bool
kt_root_remove(const KtRoot *root, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    autofd fd = open_below(root, folder, O_PATH | O_DIRECTORY);
    bool gone =
        fd >= 0 && (unlinkat(fd, name, 0) == 0 || (errno == EISDIR && unlinkat(fd, name, AT_REMOVEDIR) == 0));
    if (gone || is_absent(errno))
        return true;
    set_path_error(root, path, errno, error);
    return false;
}

void
kt_root_fail_writes(KtRoot *root, const char *path, int errnum)
{
    g_hash_table_insert(root->failing_writes, g_strdup(path), GINT_TO_POINTER(errnum));
}
