/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * Finds out which directories of disk images take O_DIRECT, which cache=none and directsync need (safety rule
 * 4): by opening an image of each with it, read-only. Local files and block devices of all @domains
 * (KtDomain); of removable media nothing is opened.
 *
 * Gives directory → GINT_TO_POINTER(1 takes it, 0 refuses it); one that could not be asked isn't in it. Only
 * for domains of this very machine. open(2), O_DIRECT.
 */
GHashTable *kt_storage_probe_o_direct(const GPtrArray *domains);

/** Asks it of directories that aren't in @directories yet. */
void kt_storage_add_o_direct(GHashTable *directories, const GPtrArray *domains);

/** Asks the same of the directories of what is below the @images (path → KtImage), and adds it to
 * @directories: the cache mode of a disk is that of its whole backing chain. */
void kt_storage_probe_chains(GHashTable *directories, GHashTable *images);
