/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"
#include "agent/view/differences.h"

/** What the views of steps (report, rollback, history) share. */

/** How a step is shown. */
typedef struct {
    const KtJournalStep *step;
    const char *result;  /* said beside its changes, or NULL */
    const char *message; /* said below them instead of their reasons, or NULL */
    bool reasons;        /* the recorded reasons, of the change and not of its undo, are shown */
} KtShownStep;

/** What else there is to say of a step, or NULL: why it went wrong, or, of one that was begun only, how far
 * its parts came. Owned. */
char *kt_view_step_detail(const KtJournalStep *step);

/** Appends a block for each target, in the order of their first step. */
void kt_view_steps(GString *out, const KtStyle *style, const KtShownStep *steps, guint n);
