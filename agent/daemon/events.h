/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

/**
 * libvirt's events. They come in the thread that runs the default main context.
 */
typedef struct KtEvents KtEvents;

/** What is told of a guest that starts, or comes from another host. */
#define KT_EVENT_STARTED "started"

/** Told of each event: the domain's UUID, or NULL where anything may have changed, and in a word or two what
 * has happened. */
typedef void (*KtEventSeen)(const char *uuid, const char *what, gpointer user_data);

/**
 * Asks libvirt to tell of everything that a plan may hang on, and of the end of the connection. What this
 * driver has no event for isn't told. @user_data must live until the main context runs no more. Blocks.
 * Errors: hypervisor.
 */
KtEvents *kt_events_watch(virConnectPtr connection, KtEventSeen seen, gpointer user_data, GError **error);

/** Ends it; after that the connection can be closed. Blocks. */
void kt_events_free(KtEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtEvents, kt_events_free)
