/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <ftw.h>
#include <glib.h>
#include <stdio.h>

#include "base/root.h"

/** A fake host: files of a directory of its own, written where the test can see them. */
typedef struct {
    const char *path; /* "sys/kernel/mm/ksm/run"; NULL ends the list */
    const char *text;
} FakeFile;

typedef struct {
    char *directory;
    KtRoot *root;
} FakeHost;

static inline void
fake_host_write(const FakeHost *host, const char *path, const char *text)
{
    g_autofree char *file = g_build_filename(host->directory, path, NULL);
    g_autofree char *folder = g_path_get_dirname(file);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

static inline FakeHost *
fake_host_new(const FakeFile *files)
{
    FakeHost *host = g_new0(FakeHost, 1);
    host->directory = g_dir_make_tmp("kt-fake-XXXXXX", NULL);
    g_assert_nonnull(host->directory);
    for (; files && files->path; files++)
        fake_host_write(host, files->path, files->text);
    host->root = kt_root_open(host->directory, NULL);
    g_assert_nonnull(host->root);
    return host;
}

static inline int
fake_host_remove_one(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    (void)about, (void)type, (void)ftw;
    return remove(path);
}

static inline void
fake_host_free(FakeHost *host)
{
    kt_root_free(host->root);
    nftw(host->directory, fake_host_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    g_free(host->directory);
    g_free(host);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHost, fake_host_free)

/** What the file holds now. Owned. */
static inline char *
fake_host_text(const FakeHost *host, const char *path)
{
    g_autofree char *file = g_build_filename(host->directory, path, NULL);
    char *text = NULL;
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    return text;
}
