/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "agent/exec/executor.h"
#include "agent/exec/manual.h"

/**
 * What the daemon decides, each told once to the log: a line for people, and fields for the systemd journal,
 * of which those are left out that say nothing. Strings are borrowed.
 */
typedef struct {
    const char *domain;  /* KVM_TUNE_DOMAIN; NULL = it is of the host, or of several */
    const char *uuid;    /* KVM_TUNE_DOMAIN_UUID */
    const char *setting; /* KVM_TUNE_SETTING */
    const char *item;    /* KVM_TUNE_ITEM */
    gint64 run;          /* KVM_TUNE_RUN: in the journal of runs; 0 = none */
    const char *result;  /* KVM_TUNE_RESULT: what was done */
    const char *seen;    /* KVM_TUNE_SEEN: what led to it */
    const char *reason;  /* KVM_TUNE_REASON */
    const char *source;  /* KVM_TUNE_SOURCE: the place in the profile */
    bool is_trouble;     /* a warning */
} KtDecision;

/** Tells a decision; @format: the line for people. */
void kt_decision_tell(const KtDecision *decision, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** One step of a run: what was @seen, what was done, why, and what came of it. */
void kt_decision_log(const KtOutcome *outcome, gint64 run, const char *seen);

/** The same of a step that was given up because it isn't wanted any more: nothing to worry about. */
void kt_decision_log_left(const KtOutcome *outcome, gint64 run, const char *seen);

/** A step has failed: its domain (else the host) is left out of the plans for so long. */
void kt_decision_log_set_aside(const KtOutcome *outcome, gint64 run, gint64 wait_usec);

/** An item that is somebody's from now on. */
void kt_decision_log_manual(const KtManual *mark);

/** @mark counts no more: libvirt hasn't known its domain for long. */
void kt_decision_log_forgotten(const KtManual *mark);

/** That it is planned again for who waits for a CPU: what was @seen; @trouble: why not, NULL = it is. */
void kt_decision_log_load(const char *seen, const char *trouble);

/** What the KSM governor does from now on, and why. @run: its own in the journal, 0 = none. */
void kt_decision_log_governor(const char *state, const char *reason, gint64 run);
