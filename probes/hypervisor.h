/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

/**
 * What all code that talks to libvirt needs.
 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virConnect, virConnectClose)

/** Sets a `hypervisor` error: "MESSAGE: what libvirt's last error says". A refusal for lack of rights is
 * `access`. No call of libvirt's may be among the arguments, not even virDomainGetName(): it forgets that
 * error. */
void kt_hypervisor_set_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Whether libvirt's last error says that the domain is no longer there. */
bool kt_hypervisor_domain_is_gone(void);

/** Whether libvirt's last error says that the domain was busy for too long with what somebody else asked of
 * it: its QEMU doesn't answer. Then nothing of the call was done. */
bool kt_hypervisor_domain_is_busy(void);

/** Whether libvirt's last error says that a guest's agent has said nothing for as long as it was waited for,
 * or isn't connected just now: what it was told before may go on. */
bool kt_hypervisor_agent_is_silent(void);

/**
 * Whether the hypervisor at @uri runs on this host: no host in it, and no transport but the local socket. The
 * test driver's domains run nowhere: false. https://libvirt.org/uri.html
 */
bool kt_hypervisor_is_local(const char *uri);

/** The same of the hypervisor that @connection (may be NULL) is to. */
bool kt_hypervisor_connection_is_local(virConnect *connection);

/** libvirt's packed version number as people read it: 9000000 gives "9.0.0". NULL for 0. Owned. */
char *kt_hypervisor_version(unsigned long packed);

/** Whether a version ("7.2.0", "6.1.0-56-amd64") is @major.@minor or later; false for NULL and what is none.
 */
bool kt_version_at_least(const char *version, guint major, guint minor);
