/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/root.h"

/** One mapping of a process, as /proc/PID/numa_maps has it. */
typedef struct {
    guint64 start;  /* its address */
    bool anonymous; /* private to the process; else it may be shared with others */
    bool cached;    /* clean pages of a file: the page cache's, not the process's own */
    bool huge;      /* of a pool of huge pages */
    GArray *kib;    /* gint64 by the nodes' OS numbers */
} KtNumaMapping;

void kt_numa_mapping_clear(KtNumaMapping *mapping);

/** What the text says, KtNumaMapping by address; lines that make no sense are left out. Owned. */
GArray *kt_numa_maps_parse(const char *text);

/** The mappings of a process; NULL where they can't be read (they are for root), or it has ended. Owned. */
GArray *kt_numa_maps_read(const KtRoot *root, gint64 pid);
