/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/root.h"

/** A group's cpuset.cpus, where nobody else writes it. Private to the services step. */

/**
 * Writes it; NULL or empty: not set any more. The kernel lets no group with processes in it have none once it
 * had some (ENOSPC): then it gets all CPUs of the group above, which is the same to everybody in it.
 */
bool kt_services_write(const KtRoot *root, const char *file, const char *cpus, GError **error);

/** Whether these CPUs are all that the group above may use: what a group may use for which nothing is set. */
bool kt_services_is_all(const KtRoot *root, const char *file, const char *cpus);
