/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "probes/hypervisor.h"

/** How long a guest is waited for that says nothing of its disks. */
#define KT_DISK_JOBS_SECONDS 10

/**
 * Asks right before a change which of @disks (target names) must not be changed now: a block job (copy,
 * commit, pull, backup) rewrites the definition when it ends. Gives disk → why not, both owned by the table;
 * a disk that may be changed isn't in it, nor any where the driver knows of no jobs. Where a QEMU that hangs
 * gives no answer in time all are in it.
 */
GHashTable *kt_disk_jobs_ask(virDomain *domain, const GPtrArray *disks);
