/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"

/** What `check` finds, and how it is shown. */

typedef enum {
    KT_FINDING_OK,
    KT_FINDING_WARN,    /* works, but not as it should */
    KT_FINDING_BAD,     /* guests don't run, or not with the hardware's help */
    KT_FINDING_UNKNOWN, /* could not be looked at: why is in `found` */
} KtFindingState;

typedef struct {
    const char *name; /* "KVM module" */
    KtFindingState state;
    char *found; /* what is there, one line */
    char *why;   /* why it matters; NULL where it is ok */
    char *mend;  /* the command that mends it; NULL = none does */
} KtFinding;

/** A list of KtFinding. */
GPtrArray *kt_findings_new(void);

/** Adds a finding that is as it should be. */
void kt_finding_ok(GPtrArray *findings, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Adds one that is not; @why and @mend (may be NULL) are copied. */
void kt_finding_add(GPtrArray *findings, const char *name, KtFindingState state, const char *why,
                    const char *mend, const char *format, ...) G_GNUC_PRINTF(6, 7);

/** Whether there is something to mend. */
bool kt_findings_differ(const GPtrArray *findings);

/** A table; below what isn't ok, why it matters and what mends it. */
void kt_view_findings(GString *out, const KtStyle *style, const GPtrArray *findings);
char *kt_view_findings_json(const GPtrArray *findings);
