/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/cpuset.h"

/**
 * AllowedCPUs= of a unit, through systemd's own interface (org.freedesktop.systemd1(5),
 * systemd.resource-control(5)): systemd writes the setting down as a drop-in file, so its reload doesn't undo
 * it.
 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_flush_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

/** The system's bus, NULL where nobody answers. */
sd_bus *kt_systemd_bus(GError **error);

/** What AllowedCPUs= is now; the empty set = not set. */
bool kt_systemd_unit_cpus(sd_bus *bus, const char *unit, KtCpuset **ret_cpus, GError **error);

/** Sets it; the empty set = not set. @runtime: the drop-in file is gone with the next boot. */
bool
kt_systemd_unit_set_cpus(sd_bus *bus, const char *unit, const KtCpuset *cpus, bool runtime, GError **error);

/** The call that kt_systemd_unit_set_cpus() makes; negative errno where it fails. */
int kt_systemd_unit_message(sd_bus *bus, const char *unit, const KtCpuset *cpus, bool runtime,
                            sd_bus_message **ret_message);

/** The drop-in file that systemd makes for it, relative to the root. Owned. */
char *kt_systemd_unit_drop_in(const char *unit, bool runtime);
