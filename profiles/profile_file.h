/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/** The files that profiles are read from: found by name or path, read whole. Private to profiles/ and its
 * tests. */

/** The longest profile that is read, bytes. */
#define KT_PROFILE_MAX (1024 * 1024)

typedef struct {
    char *path; /* as users know it */
    char *text; /* may hold anything; a NUL follows it */
    gsize length;
    dev_t device; /* with inode: which file it really is */
    ino_t inode;
} KtProfileFile;

void kt_profile_file_free(KtProfileFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtProfileFile, kt_profile_file_free)

/** Whether both are one and the same file. */
bool kt_profile_file_equal(const KtProfileFile *a, const KtProfileFile *b);

/** Reads one file; *@ret_file is NULL where there is none. Errors: invalid (no regular file, too long),
 * access, io. */
bool kt_profile_file_read(const char *path, KtProfileFile **ret_file, GError **error);

/**
 * Finds what @name_or_path means: a path (with a '/' or ending in ".conf") is relative to @includer, a name
 * is looked up beside @includer, then in @directories, where @includer itself is passed over. @includer is
 * NULL for what the user named. Errors: invalid (nothing there: the message says where it was looked for,
 * *@ret_suggestion, owned, is the nearest name that there is), and as kt_profile_file_read().
 */
KtProfileFile *kt_profile_file_find(const char *name_or_path, const KtProfileFile *includer,
                                    char *const *directories, char **ret_suggestion, GError **error);
