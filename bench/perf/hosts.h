/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/ground.h"
#include "bench/perf/mix.h"

/** The hosts that are measured on. */

typedef struct {
    char *name;
    KtTopology *topology;
    Ground *ground; /* NULL: too large for the references */
    bool small;     /* of the oracle's */
} Host;

void host_free(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

/** Up to 8 CPUs, all kinds of caches and nodes: Host. */
GPtrArray *hosts_small(void);

/** The samples of KT_SHARED/topologies by size (none where that isn't found), then some of our own: Host. */
GPtrArray *hosts_large(void);

/** The mix of this number on the host. */
Mix *host_mix(const Host *host, guint number);
