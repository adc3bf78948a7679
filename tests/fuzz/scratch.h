/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/**
 * A directory in memory for what can only be read from files, and inputs that hold several files: each begins
 * with a line "== PATH".
 */
static char *scratch;
static pid_t scratch_owner;

#define SCRATCH_MARK "== "

static int
scratch_remove_one(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    (void)about, (void)type;
    return ftw->level > 0 ? remove(path) : 0;
}

/** Empties it. */
static void
scratch_clear(void)
{
    nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
scratch_end(void)
{
    /* -fork and minimising run this program again from itself. */
    if (getpid() != scratch_owner)
        return;
    scratch_clear();
    rmdir(scratch);
    g_free(scratch);
}

static inline void
scratch_begin(void)
{
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    scratch = g_strdup_printf("%s/kt-fuzz-XXXXXX", parent);
    g_assert_nonnull(g_mkdtemp(scratch));
    scratch_owner = getpid();
    atexit(scratch_end);
}

/** Writes @size bytes to @path below it. */
static inline void
scratch_write(const char *path, const void *bytes, size_t size)
{
    g_autofree char *file = g_build_filename(scratch, path, NULL);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        g_autofree char *folder = g_path_get_dirname(file);
        g_mkdir_with_parents(folder, 0700);
        fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    /* Two names of the input may be in each other's way: then one of them isn't there. */
    if (fd < 0)
        return;
    g_assert_cmpint(write(fd, bytes, size), ==, (ssize_t)size);
    close(fd);
}

/** Whether the input may name a file so: below the directory, of no great depth. */
static inline bool
scratch_is_path(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    for (char **part = parts; *part; part++) {
        if (**part == '\0' || g_str_equal(*part, "..") || g_str_equal(*part, ".") || strlen(*part) > 200)
            return false;
    }
    return *parts && g_strv_length(parts) < 12;
}

/** Writes each file of the input; what comes before the first mark goes to @first (NULL: is left out). */
static inline void
scratch_write_all(const char *text, size_t size, const char *first)
{
    g_autofree char *path = g_strdup(first);
    const char *at = text, *end = text + size;
    while (at < end) {
        const char *next = at;
        /* The next mark at the start of a line. */
        while (next < end && !((size_t)(end - next) > strlen(SCRATCH_MARK) &&
                               g_str_has_prefix(next, SCRATCH_MARK) && (next == text || next[-1] == '\n')))
            next++;
        if (path && scratch_is_path(path))
            scratch_write(path, at, (size_t)(next - at));
        if (next >= end)
            return;
        const char *name = next + strlen(SCRATCH_MARK);
        const char *line_end = memchr(name, '\n', (size_t)(end - name));
        g_free(path);
        path = g_strndup(name, (gsize)((line_end ? line_end : end) - name));
        at = line_end ? line_end + 1 : end;
    }
}
