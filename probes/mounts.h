/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/root.h"

/** The table of mounted file systems. proc(5), /proc/PID/mounts */
#define KT_MOUNTS_FILE "proc/mounts"

typedef struct {
    char *directory; /* relative to the root: "sys/fs/cgroup" */
    char *type;      /* "cgroup2" */
    char *options;   /* "rw,pagesize=2M" */
} KtMount;

/** The mounts of one file system type, in the kernel's order; empty where the table is absent. KtMount. */
GPtrArray *kt_mounts_read(const KtRoot *root, const char *type, GError **error);

/** The value of the option @name ("pagesize"), or NULL. Owned. */
char *kt_mount_option(const KtMount *mount, const char *name);

/** The lines of a mount table that the probes read: where else this host keeps its data is nobody's business.
 * Owned. */
char *kt_mounts_for_capture(const char *table);
