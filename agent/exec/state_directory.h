/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * The directory that holds state.db and its lock. The journal keeps definitions with their secrets and
 * decides what rollback writes as root, so nobody else may be able to change it.
 */

/** An open state directory. */
typedef struct {
    char *path; /* without links, for SQLite and for messages */
    int fd;
    int lock;    /* descriptor that holds the lock, -1 = not held */
    char *since; /* when the lock was taken, as people read it */
} KtStateDirectory;

void kt_state_directory_free(KtStateDirectory *directory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtStateDirectory, kt_state_directory_free)

/**
 * Opens @path; with @create it is made (mode 0700) where it is absent, its parent isn't. *@ret_directory is
 * NULL where it is absent and not made. Errors: access (a link, another owner, writable by others; also a
 * directory on the way that others could rename), io.
 */
bool kt_state_directory_open(const char *path, bool create, KtStateDirectory **ret_directory, GError **error);

/** Takes the lock for the life of @directory. Errors: held (the message says by whom), access, io. */
bool kt_state_directory_lock(KtStateDirectory *directory, GError **error);

/** Writes into the lock which @verb holds it (NULL: none named yet). It is for people: a failure is no error.
 */
void kt_state_directory_announce(KtStateDirectory *directory, const char *verb);

/**
 * Checks that @name in @directory is a plain file of ours that nobody else can read; with @create an absent
 * one is made empty (mode 0600), durable on return. *@ret_exists is whether it is there then. Errors: access,
 * io.
 */
bool kt_state_directory_check_file(const KtStateDirectory *directory, const char *name, bool create,
                                   bool *ret_exists, GError **error);
