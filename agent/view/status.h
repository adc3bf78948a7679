/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"
#include "agent/view/manual.h"
#include "probes/snapshot.h"

/**
 * `status`: the drawing, memory, THP and KSM, then each domain of @names (NULL or empty = all). A domain that
 * is shut off takes one line unless it was named. @unanswered: why there are no domains, or NULL.
 */
void kt_view_status(GString *out, const KtStyle *style, const KtSnapshot *snapshot, char *const *names,
                    const char *unanswered);

/** The same as JSON; @why: with the alternatives of each domain. @kept: what is known of the daemon, or NULL.
 * Owned. */
char *kt_view_status_json(const KtSnapshot *snapshot, char *const *names, const char *unanswered, bool why,
                          const KtKept *kept);
