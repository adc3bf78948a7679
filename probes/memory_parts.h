/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/root.h"

/**
 * What the probes of memory and of huge page pools share. Private to them.
 */

#define KT_MEMINFO_FILE "proc/meminfo"
#define KT_NODES_DIRECTORY "sys/devices/system/node"

/** The value of "[Node N ]KEY:  VALUE kB" in the text of a meminfo file, or KT_ABSENT. */
gint64 kt_meminfo_value(const char *text, const char *key);

/** The numbers of the memory nodes that sysfs shows, in their order: guint64. Empty on a kernel without NUMA;
 * NULL with @error set. */
GArray *kt_memory_node_numbers(const KtRoot *root, GError **error);

/** The directories below @path that are named "hugepages-SkB", as their sizes in KiB, small to large:
 * guint64. Empty where there are none; NULL with @error set. */
GArray *kt_memory_page_sizes(const KtRoot *root, const char *path, GError **error);
