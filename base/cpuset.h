/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <hwloc.h>
#include <stdbool.h>

/**
 * CPU and node sets are hwloc bitmaps by OS index; as text they are the kernel's lists: "0-3,8".
 */
typedef struct hwloc_bitmap_s KtCpuset;

static inline void
kt_cpuset_free(KtCpuset *set)
{
    hwloc_bitmap_free(set);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtCpuset, kt_cpuset_free)

/** No host has more CPUs or nodes than this; a greater number in a list is an error, not memory. */
#define KT_CPUSET_MAX 16384

/** The set as a kernel list, "" for the empty set. @set must be finite. Owned. */
char *kt_cpuset_format(const KtCpuset *set);

/**
 * Reads a kernel list ("0-3,8"; spaces around the parts are allowed, "" is the empty set), or with
 * @exclusions also libvirt's ("0-7,^3", read from left to right). Errors: parse, with the offset of the wrong
 * part in the message; "" parts, reversed ranges and numbers from KT_CPUSET_MAX on are errors.
 */
KtCpuset *kt_cpuset_parse(const char *text, bool exclusions, GError **error);

/** The set {@index}. */
KtCpuset *kt_cpuset_single(guint index);
