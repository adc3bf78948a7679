/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"
#include "probes/hypervisor.h"

/**
 * The domain of a step, by its UUID: it may have been renamed. *@ret_domain is NULL where it is no longer
 * there. Errors: hypervisor (also where another hypervisor than the step's doesn't know it: that says nothing
 * of the domain).
 */
bool kt_step_find_domain(const KtTarget *target, const KtJournalStep *step, virDomain **ret_domain,
                         GError **error);

/** Whether the domain (may be NULL) runs. Errors: hypervisor. */
bool kt_step_domain_is_active(virDomain *domain, const KtJournalStep *step, bool *ret_active, GError **error);

/** Whether the running domain is still in the process that it had when @step was planned: what an undo of a
 * live value would address dies with that process. */
/** What tells the process that the running @domain has now from any other, as KtDomain.process does. Owned.
 */
char *kt_step_process(const KtTarget *target, const KtJournalStep *step, virDomain *domain);

bool kt_step_same_process(const KtTarget *target, const KtJournalStep *step, virDomain *domain);
