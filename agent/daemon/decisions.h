/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agent/exec/executor.h"
#include "agent/exec/manual.h"

/**
 * What the daemon decides, each told once to the log, with fields for the systemd journal:
 * KVM_TUNE_DOMAIN, KVM_TUNE_DOMAIN_UUID, KVM_TUNE_SETTING, KVM_TUNE_RUN, KVM_TUNE_RESULT, KVM_TUNE_SEEN,
 * KVM_TUNE_REASON, KVM_TUNE_SOURCE.
 */

/** One step of a run: what was @seen, what was done, why, and what came of it. */
void kt_decision_log(const KtOutcome *outcome, gint64 run, const char *seen);

/** The same of a step that was given up because it isn't wanted any more: nothing to worry about. */
void kt_decision_log_left(const KtOutcome *outcome, gint64 run, const char *seen);

/** An item that is somebody's from now on. */
void kt_decision_log_manual(const KtManual *mark);

/** That it is planned again for who waits for a CPU: what was @seen. */
void kt_decision_log_load(const char *seen);

/** What the KSM governor does from now on, and why. @run: its own in the journal, 0 = none. */
void kt_decision_log_governor(const char *state, const char *reason, gint64 run);

/** What was said to be refused, so that it isn't said at every look. */
typedef struct KtRefusals KtRefusals;

KtRefusals *kt_refusals_new(void);
void kt_refusals_free(KtRefusals *refusals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtRefusals, kt_refusals_free)

/** Tells what @plan refuses, and the plan before didn't. */
void kt_refusals_tell(KtRefusals *refusals, const KtPlan *plan);
