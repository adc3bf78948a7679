/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "probes/hypervisor.h"

/** Shutting a guest down and starting it. A guest is asked, by its agent or ACPI, never destroyed. */

/** How long a guest may take to shut down, and to be up again, seconds. */
#define KT_SHUTDOWN_SECONDS 180
#define KT_START_SECONDS 300

/** How long one that tells nothing of itself must have run to count as up, seconds. */
#define KT_SETTLE_SECONDS 10

/** Asks the guest to shut down and waits until it has. Errors: hypervisor. */
bool kt_power_off(virDomain *domain, GError **error);

/** Starts the domain as it is defined, and where that is refused as @before, the definition that it ran with.
 * Errors: hypervisor; the message says whether it runs. */
bool kt_power_on(virDomain *domain, const char *before, GError **error);

/** Waits until the guest is up: its agent answers where @has_agent says that it did before; else until it has
 * run for a while. Errors: hypervisor. */
bool kt_power_wait(virDomain *domain, bool has_agent, GError **error);
