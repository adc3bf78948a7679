/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "agent/daemon/event_kinds.h"

/**
 * libvirt's events. They come in the thread that runs the default main context.
 */
typedef struct KtEvents KtEvents;

/**
 * Asks libvirt to tell of everything that a plan may hang on, and of the end of the connection. What this
 * driver has no event for isn't told. @user_data must live until the main context runs no more. Blocks.
 * Errors: hypervisor.
 */
KtEvents *kt_events_watch(virConnectPtr connection, KtEventSeen seen, gpointer user_data, GError **error);

/** Ends it; after that the connection can be closed. Blocks. */
void kt_events_free(KtEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtEvents, kt_events_free)
