/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/root.h"

/** The CPU's own counters over all threads of one process, perf_event_open(2). Many virtual machines have
 * none, and kernel.perf_event_paranoid may forbid them: that is a value, not an error. */
typedef struct KtHardware KtHardware;

/** Opens them for all threads that there are, and those that they start. NULL: there are none here. */
KtHardware *kt_hardware_open(const KtRoot *root, gint64 pid);
void kt_hardware_free(KtHardware *hardware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtHardware, kt_hardware_free)

/** Sums since they were opened; NAN = this CPU doesn't count that. */
void kt_hardware_read(const KtHardware *hardware, double *ret_cycles, double *ret_instructions,
                      double *ret_cache_misses);
