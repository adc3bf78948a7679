/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** A NIC of a running domain, as it is unplugged and plugged in again. Pure: text in, text out. */

/** The <interface> with that MAC in a live definition, as it is: for unplugging. Errors: parse, invalid
 * (none, or several). Owned. */
char *kt_domain_nic_xml(const char *xml, const char *mac, GError **error);

/**
 * The same for plugging in: without what libvirt and the kernel gave it for this run (an alias of libvirt's,
 * the name of its tap), everything else stays. Its PCI address stays where a device may be plugged in there:
 * on pci-root of a PC, in a pcie-root-port. Errors: as above. Owned.
 */
char *kt_domain_nic_plug_xml(const char *xml, const char *mac, GError **error);

/** Why that NIC of a live definition can't be swapped, with the way out; NULL = it can. Owned. */
char *kt_domain_nic_plug_obstacle(const char *xml, const char *mac);
