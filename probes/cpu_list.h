/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/cpuset.h"
#include "base/root.h"

/** Reads a file with a CPU list; *@ret_set is NULL where the file is absent. Errors: io, access, parse, with
 * the file's name. */
bool kt_cpu_list_read(const KtRoot *root, const char *path, KtCpuset **ret_set, GError **error);
