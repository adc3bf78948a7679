/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/cgroup.h"

/**
 * Where the hierarchies are. Private to the cgroup probe.
 */

/** A file that every group of version 2 has, and no other. */
#define KT_CGROUP_V2_FILE "cgroup.controllers"

/** Where a hierarchy with the cpuset controller usually is, relative to the root; NULL-terminated. */
extern const char *const kt_cgroup_usual_mounts[];

/**
 * Finds the layout, and the hierarchy with the cpuset controller, NULL = nowhere. The running machine: by
 * libcgroup; else by the mount table of @root, and where it has none by the files in the usual places.
 */
bool kt_cgroup_find_mounts(const KtRoot *root, KtCgroupLayout *ret_layout, char **ret_cpuset, GError **error);
