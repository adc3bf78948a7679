/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/snapshot.h"

/**
 * What a live host and a capture have in common. Private to the snapshot and the captures.
 */

/** A snapshot of this host in which nothing is filled yet. */
KtSnapshot *kt_snapshot_new(void);

/** Fills all that comes from @root's files and hwloc. Errors: io, access, parse. */
bool kt_snapshot_fill_host(KtSnapshot *snapshot, const KtRoot *root, GError **error);

/** Adds the paths of all files below @root that kt_snapshot_fill_host() reads besides topology.xml, there or
 * not, some of them twice. Owned strings. */
void kt_snapshot_add_files(const KtSnapshot *snapshot, const KtRoot *root, GPtrArray *paths);
