/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/snapshot.h"

/**
 * A capture is a directory that holds what the probes saw (design section 6), to plan from elsewhere. Only
 * topology.xml is required; a missing file is an absent feature.
 *
 * Beside what the design lists, host.json may have "virtio_os" {OS id: evidence}, "taken_usec", "page_kib",
 * "images" {path: what KtImage has}, "no_io_uring" and "halt_poll_fixed"; a domain's stats "process",
 * "age_ns", "recent_load" (KtDomain), "managed_save", "nic_traffic" [MAC], "snapshots", "checkpoints",
 * "block_jobs" [disk], "unanswered", "agent_os" and "agent_virtio".
 */

/** Reads the capture in @directory. Errors: io, access, parse, each with the file's name. */
KtSnapshot *kt_capture_read(const char *directory, GError **error);

/**
 * Writes @snapshot to @directory, which is made (with its parents, for its owner alone) or must be empty, so
 * that a plan from the capture equals one from @snapshot. The files of /sys and /proc are copied from @root,
 * the root of that snapshot, as they are now. Passwords in definitions are left out: captures are made to be
 * handed on. Errors: io, access, conflict (it isn't empty).
 */
bool kt_capture_write(const KtSnapshot *snapshot, const KtRoot *root, const char *directory, GError **error);
