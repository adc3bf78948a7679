/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/** An empty report. */
KtReport *kt_report_new(void);

/** Adds what became of @step, which is taken over; @message may be NULL. Borrowed. */
KtOutcome *kt_report_add(KtReport *report, KtJournalStep *step, const char *message);
