/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/** The part of a services step that is done through systemd. Private to the step. */

/** The unit where systemd owns the group, else NULL. Only units that the tuner knows. Borrowed. */
const char *kt_services_unit(const KtJournalStep *step);

/** The file with the unit's CPUs, relative to the root. Owned. */
char *kt_services_unit_file(const char *unit);

/** Fills the step's before and target: what systemd was told before, and what it will be told. */
bool kt_services_record(const KtTarget *target, KtJournalStep *step, GError **error);

/** Tells systemd, and waits until the kernel has it. */
bool kt_services_perform(const KtTarget *target, KtJournalStep *step, GError **error);
