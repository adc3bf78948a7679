/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/daemon.h"

#include <malloc.h>

#include "agent/daemon/active.h"
#include "agent/daemon/loop.h"

KtExit
kt_verb_daemon(const KtOptions *options)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(GError) error = NULL;
    const char *named = options->arguments[0];
    /* It waits most of its time: a heap for each thread would be held for nothing. */
    mallopt(M_ARENA_MAX, 1);
    KtProfile *profile = kt_daemon_profile_load(named, options->state_dir, diagnostics, &error);
    if (profile == NULL)
        return error ? kt_report_error(options, error) : kt_report_diagnostics(options, diagnostics);
    kt_warn_unfinished(options, NULL);
    const KtLoopSetup setup = {options->uri, options->state_dir, named, options->metrics};
    return kt_loop_run(&setup, profile, &error) ? KT_EXIT_DONE : kt_report_error(options, error);
}
