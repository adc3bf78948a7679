/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "agent/daemon/event_kinds.h"

/**
 * The kernel's word that CPUs or memory of the host came or went. netlink(7), NETLINK_KOBJECT_UEVENT
 */
typedef struct KtHostEvents KtHostEvents;

/** Told of each, in the thread that runs the default main context. */
typedef void (*KtHostEventSeen)(KtEvent event, gpointer user_data);

/** Listens from now on. NULL where the kernel, or the service's rights, don't let it: then it is found by the
 * next full look. Errors: io. */
KtHostEvents *kt_host_events_new(KtHostEventSeen seen, gpointer user_data, GError **error);

void kt_host_events_free(KtHostEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtHostEvents, kt_host_events_free)

/** What a message of the kernel says; false where a plan doesn't hang on it. @length bytes: strings, each
 * with its end. */
bool kt_host_event_parse(const char *message, gsize length, KtEvent *ret_event);
