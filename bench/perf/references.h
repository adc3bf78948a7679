/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/anneal.h"
#include "bench/perf/hosts.h"

/** The best placements that annealing found, computed once and kept in bench/perf/references: a line a mix.
 */
typedef struct {
    guint32 checksum; /* of the mix: a reference of another mix is none */
    guint n_runs;     /* of annealing, from 0 on */
    guint best_run;   /* the one that found it */
    Score score;
} Reference;

typedef GHashTable References; /* "host:mix" → Reference */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(References, g_hash_table_unref)

References *references_read(const char *path);
/** By host and mix. Replaces the file at once. */
bool references_write(References *references, const char *path, GError **error);

/** The reference of a mix; NULL = there is none, or of another mix. */
const Reference *references_find(References *references, const Host *host, Mix *mix, guint number);

/** Anneals until this mix has had @n_runs runs; keeps the best. The run's number is its seed and says how it
 * starts. */
void references_improve(References *references, const Host *host, Mix *mix, guint number, guint n_runs);

/** Leaves the placement of a reference on the board: its run done again. */
bool references_repeat(Board *board, const Reference *reference);
