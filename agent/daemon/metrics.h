/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "agent/daemon/following.h"
#include "agent/daemon/governor.h"
#include "agent/daemon/load_judge.h"

/** What the daemon counts and knows, for a scrape. Strings are borrowed. */
typedef struct {
    const char *profile;
    gint64 began_usec;     /* wall clock, µs since the epoch */
    bool hypervisor_is_up; /* libvirt answered at the last look */
    guint64 looks_done, looks_locked, looks_failed, looks_without_hypervisor;
    gint64 last_look_usec; /* when it began; 0 = none has ended */
    gint64 last_look_took_usec;
    guint64 changes; /* made since the daemon started */
    guint running_domains;
    guint refused, pending; /* settings, as of the last look */
    const KtGovernorFigures *governor;
    const GPtrArray *following; /* KtFollowed; NULL = nothing is told of it */
    gint64 moved_kib;           /* of memory that follows, since the daemon started */
    const GPtrArray *load;      /* KtLoadFigures; NULL = nothing is told of it */
    guint64 replans;            /* because somebody waited for a CPU */
} KtMetrics;

/** How figures are written down: Prometheus's text format 0.0.4, or OpenMetrics 1.0. */
typedef enum { KT_METRICS_PROMETHEUS, KT_METRICS_OPEN } KtMetricsFormat;

/** All figures as text. Names of domains are labels. Owned. */
char *kt_metrics_text(const KtMetrics *metrics, KtMetricsFormat format);

/** Fills @ret_metrics; what it borrows lives until kt_metrics_text() is done. Called in the default main
 * context. */
typedef void (*KtMetricsFill)(KtMetrics *ret_metrics, gpointer user_data);

/**
 * Serves GET /metrics by HTTP, in the default main context. TLS and passwords are a proxy's: it listens on
 * loopback addresses and unix sockets alone.
 */
typedef struct KtMetricsServer KtMetricsServer;

/** Listens at @address: "127.0.0.1:9177", "[::1]:9177", or "unix:/path", which is made anew with mode 0660.
 * Errors: invalid (no such address, or not the host's own), access, io. */
KtMetricsServer *
kt_metrics_server_new(const char *address, KtMetricsFill fill, gpointer user_data, GError **error);

void kt_metrics_server_free(KtMetricsServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtMetricsServer, kt_metrics_server_free)
