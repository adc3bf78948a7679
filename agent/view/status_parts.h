/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "agent/view/ink.h"
#include "agent/view/seating.h"

/** What the text and the JSON of `status` share. */

/** Whether @domain is one of @names: globs, or UUIDs (NULL or empty = all). */
bool kt_status_names(char *const *names, const KtDomain *domain);

/** Percent of the time since its start that the domain's vCPUs wanted to run and had to wait; -1 = unknown.
 */
double kt_status_delay_percent(const KtDomain *domain);

/** Percent of the time since its start that the domain's vCPUs ran, on average; -1 = unknown. */
double kt_status_busy_percent(const KtDomain *domain);

/** MiB that KSM saves, or -1. */
gint64 kt_status_ksm_saved_mib(const KtMemory *memory);

/** "off", "on", "unmerge"; NULL = no KSM. */
const char *kt_status_ksm_mode(const KtKsm *ksm);

/** What is pending of each domain, and whether it can migrate: a plan that wishes nothing. Owned. */
KtPlan *kt_status_pending(const KtSnapshot *snapshot);

/** One domain's block; @named: someone asked for this one, and gets all that is known. */
void kt_view_domain(GString *out, const KtStyle *style, const KtSnapshot *snapshot, const KtSitter *sitter,
                    const KtDomain *domain, const KtDomainPlan *planned, bool named);

/** The host's part of the page: memory, THP, pools, KSM, pressure, other tuners. */
void kt_view_status_host(GString *out, const KtStyle *style, const KtSnapshot *snapshot);

/** Sets the same members of the JSON object @document. */
void kt_status_host_json(json_t *document, const KtSnapshot *snapshot);
