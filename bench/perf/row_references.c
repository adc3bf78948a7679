/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "bench/perf/rows.h"

/* The file is written this often, s. */
#define WRITE_SECONDS 20

static bool
save(References *references, const char *path)
{
    g_autoptr(GError) error = NULL;
    bool done = references_write(references, path, &error);
    if (!done)
        fprintf(stderr, "%s: %s\n", path, error->message);
    return done;
}

int
row_references(const RowOptions *options, double minutes)
{
    g_autoptr(GPtrArray) hosts = hosts_large();
    g_autoptr(References) references = references_read(options->references);
    gint64 end = g_get_monotonic_time() + (gint64)(minutes * 60e6), written = g_get_monotonic_time();
    /* A first run for all before a second one for any. */
    for (guint n_runs = 1; n_runs <= (guint)options->n_restarts; n_runs++) {
        for (guint i = 0; i < hosts->len; i++) {
            const Host *host = hosts->pdata[i];
            for (guint j = 0; host->ground && j < (guint)options->n_large; j++) {
                if (g_get_monotonic_time() > end || !g_pattern_match_simple(options->hosts, host->name))
                    continue;
                g_autoptr(Mix) mix = host_mix(host, j);
                references_improve(references, host, mix, j, n_runs);
                if (g_get_monotonic_time() - written < WRITE_SECONDS * G_USEC_PER_SEC)
                    continue;
                written = g_get_monotonic_time();
                if (!save(references, options->references))
                    return 1;
            }
        }
    }
    return save(references, options->references) ? 0 : 1;
}
