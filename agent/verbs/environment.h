/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * Takes out of the environment all but what the manual page names, before any library looks at it: a variable
 * left over in somebody's shell must not give root another topology (HWLOC_XMLFILE), another OS database
 * (OSINFO_SYSTEM_DIR), another systemd (DBUS_SYSTEM_BUS_ADDRESS) or code to load (GIO_EXTRA_MODULES). For
 * root PATH is set, and HOME too is taken out, so that libraries use the password database's. To be called
 * before there are threads.
 */
void kt_environment_clean(void);
