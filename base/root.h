/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * The one way to /sys and /proc: a directory handle below which all paths are looked up. The live root is
 * "/"; a capture or a test's fake host is any other directory, and nothing outside of it can be reached
 * through links or "..".
 *
 * Paths are relative: "sys/kernel/mm/ksm/run". An absent file is a value, not an error: NULL, or KT_ABSENT.
 */
typedef struct KtRoot KtRoot;

/** A number that this host doesn't have. */
#define KT_ABSENT G_MININT64

/** Opens @directory as a root. Errors: io, access. */
KtRoot *kt_root_open(const char *directory, GError **error);
void kt_root_free(KtRoot *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtRoot, kt_root_free)

/** Whether this root is the running machine. */
bool kt_root_is_live(const KtRoot *root);

/** The path as a person knows it: "/sys/kernel/mm/ksm/run", with the capture's directory in front. Owned. */
char *kt_root_describe(const KtRoot *root, const char *path);

bool kt_root_exists(const KtRoot *root, const char *path);

/** Whether some mode bit lets anybody write the file: what one kernel lets be set is fixed in another. false
 * where it is absent. */
bool kt_root_is_writable(const KtRoot *root, const char *path);

/** Reads the whole file (at most 16 MiB), trailing white space removed; *@ret_text is NULL where it is
 * absent. */
bool kt_root_read(const KtRoot *root, const char *path, char **ret_text, GError **error);

/** Reads a file of strings that each end with a NUL, such as /proc/PID/cmdline; NULL where it is absent. */
bool kt_root_read_strings(const KtRoot *root, const char *path, char ***ret_strings, GError **error);

/** Reads one signed decimal number; KT_ABSENT where the file is absent. Other text is a parse error. */
bool kt_root_read_number(const KtRoot *root, const char *path, gint64 *ret_number, GError **error);

/** Reads the chosen word of a kernel choice file: "always [madvise] never" gives "madvise"; without brackets
 * the whole text. NULL where it is absent. */
bool kt_root_read_choice(const KtRoot *root, const char *path, char **ret_word, GError **error);

/** Names in a directory, sorted, without "." and ".."; NULL where it is absent. */
bool kt_root_list(const KtRoot *root, const char *path, char ***ret_names, GError **error);

/** Writes @text with a single write(2) to a file that exists, as the kernel's files want it. A short write is
 * an error. Never creates. */
bool kt_root_write(const KtRoot *root, const char *path, const char *text, GError **error);

/** Removes a file, or an empty directory. An absent one is none to be removed: no error. */
bool kt_root_remove(const KtRoot *root, const char *path, GError **error);

/** For tests: from now on every write to @path fails with @errnum. */
void kt_root_fail_writes(KtRoot *root, const char *path, int errnum);
