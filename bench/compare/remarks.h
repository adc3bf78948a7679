/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/benchmarks.h"

/** What failed in @benchmark, as sentences: "tcp on db-1 was given up in block 3, with the profile, …".
 * Owned.
 */
char *kt_failure_text(const KtBenchmark *benchmark, const KtFailure *failure);

/**
 * What a reader must know before he believes the figures, as sentences: runs that failed, a host that was
 * busy with something else all the time, runs that others disturbed, guests that are emulated.
 * NULL-terminated, maybe empty. Owned.
 */
char **kt_remarks(const KtBenchmark *benchmark);

/** What can be watched but wasn't, "kvm-exits, …", as this host or guest has no such counter; or NULL. Owned.
 */
char *kt_absent_counters(const KtBenchmark *benchmark);
