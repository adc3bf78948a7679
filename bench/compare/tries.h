/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/compare/reading.h"

/** A run that is tried until it goes well: a guest whose devices were just swapped has no network for a
 * while, one that was just powered on no agent. */
typedef struct {
    const KtWorkload *workload;
    const char *domain;
    gint64 settled_usec; /* until then (monotonic) the guest may need long, as the arms were just switched */
    guint failed;        /* so many tries did */
    GError *why;         /* the last of them; owned */
} KtTries;

void kt_tries_clear(KtTries *tries);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtTries, kt_tries_clear)

/**
 * Takes a reading, as often as bench->patience allows; @tries tells of those that failed. False: none went
 * well, or bench->cancel ended it. Where libvirtd was restarted meanwhile it is connected to anew. A domain
 * that is off isn't waited for.
 */
bool kt_tries_read(KtBench *bench, KtTries *tries, KtReading *ret_reading);
