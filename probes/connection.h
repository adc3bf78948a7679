/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

/**
 * Connections to libvirt that don't hang with it: one that doesn't answer ends with an error, also in the
 * middle of a call.
 */

/** How often libvirtd is asked whether it lives, seconds, and how many questions it may leave unanswered. */
#define KT_KEEPALIVE_SECONDS 5
#define KT_KEEPALIVE_COUNT 3

/** How long the opening may take: of a local libvirtd that asks nobody, and where somebody may have to type a
 * password first. */
#define KT_OPEN_SECONDS 20
#define KT_OPEN_ASKING_SECONDS 120

/**
 * The caller runs GLib's default main context, on which libvirt's events come then; else a thread is started
 * for that with the first connection. To be called before.
 */
void kt_connection_events_are_run(void);

/**
 * Opens the hypervisor at @uri (NULL: libvirt chooses). *@ret_refusal: with @or_read_only, why the connection
 * is only for reading, or NULL. After KT_KEEPALIVE_SECONDS × KT_KEEPALIVE_COUNT, and one interval more,
 * without a word from libvirtd every call on the connection fails. Errors: hypervisor, access.
 */
virConnectPtr kt_connection_open(const char *uri, bool or_read_only, char **ret_refusal, GError **error);
