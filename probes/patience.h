/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * Calls that may never return, and can't be told how long they may take: what libvirt passes on to a QEMU
 * that hangs, the opening of a connection to a libvirtd that hangs.
 */

/** What is done; it must not touch anything but @data, and what may be used by several threads. */
typedef void (*KtPatienceCall)(gpointer data);

/**
 * Runs @call in a thread of its own and waits for it, but not longer than @seconds. Gives @data back to the
 * caller, or NULL where the time was up: then it belongs to that thread, which goes on waiting, and frees it
 * with @free_data if it ever ends.
 */
gpointer kt_patience_run(KtPatienceCall call, gpointer data, GDestroyNotify free_data, guint seconds);
