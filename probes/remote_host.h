/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "probes/capabilities.h"
#include "probes/snapshot.h"

/**
 * The host of a hypervisor that isn't this machine: what libvirt tells of it. Private to the snapshot and the
 * captures.
 */

/** The topology that libvirt's capabilities describe. Errors: parse. */
KtTopology *kt_topology_from_capabilities(const KtCapabilities *capabilities, GError **error);

/**
 * Fills topology, memory and pools from what libvirt says of its host; of KSM, THP, the kernel and cgroups
 * nothing is known. Errors: hypervisor, parse, unsupported.
 */
bool kt_remote_host_fill(KtSnapshot *snapshot, virConnectPtr connection, GError **error);

/** Whether @snapshot, taken with @root, tells of another host than that. */
bool kt_remote_host_is(const KtSnapshot *snapshot, const KtRoot *root);

/** The files of /sys that say what is known of a remote host, for a capture: path → text. */
GHashTable *kt_remote_host_files(const KtSnapshot *snapshot);
