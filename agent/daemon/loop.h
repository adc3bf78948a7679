/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "profiles/profile.h"

/** What a daemon is told at its start; strings are borrowed and outlive it. */
typedef struct {
    const char *uri; /* NULL = as virsh for root */
    const char *state_dir;
    const char *named;   /* the profile on its command line; NULL = what `apply --persist` names */
    const char *metrics; /* where figures are told, kt_metrics_server_new(); NULL = nowhere */
} KtLoopSetup;

/**
 * Keeps @profile, which is taken over, until SIGTERM or SIGINT. The main loop waits for nothing: libvirt's
 * events, signals, the control socket and the clock lead to looks, which a worker makes. Errors: access
 * (another daemon is at work), io.
 */
bool kt_loop_run(const KtLoopSetup *setup, KtProfile *profile, GError **error);
