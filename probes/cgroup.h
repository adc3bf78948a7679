/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"
#include "base/root.h"

typedef enum { KT_CGROUP_NONE, KT_CGROUP_V1, KT_CGROUP_HYBRID, KT_CGROUP_V2 } KtCgroupLayout;

/** One group that holds host services: system.slice, user.slice, init.scope. */
typedef struct {
    char *name;      /* "system.slice" */
    char *path;      /* relative to the root: "sys/fs/cgroup/cpuset/system.slice" */
    char *cpus;      /* its own cpuset, as set ("" = not set) */
    char *effective; /* what its tasks may use; NULL = unknown */
} KtServiceGroup;

typedef struct {
    KtCgroupLayout layout;
    bool systemd;        /* systemd runs as init: it owns the groups, changes go through its interface */
    char *cpuset_mount;  /* where the cpuset controller is, relative to the root; NULL = nowhere */
    char *machine_group; /* QEMU's parent group, relative to cpuset_mount: "machine.slice"; NULL = none yet */
    KtCpuset *machine_cpus; /* its effective cpuset; NULL = unknown */
    GPtrArray *services;    /* KtServiceGroup */
} KtCgroup;

/** Nothing known. */
KtCgroup *kt_cgroup_new(void);

/** Live: mounts by libcgroup; a capture: by its files. Errors: io, access, parse. */
KtCgroup *kt_cgroup_read(const KtRoot *root, GError **error);
void kt_cgroup_add_files(const KtRoot *root, GPtrArray *paths);
void kt_cgroup_free(KtCgroup *cgroup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtCgroup, kt_cgroup_free)
