/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/governor.h"

/**
 * The thread in which the KSM governor looks when it is due, so that it waits for nobody, and nobody for it.
 * All calls may come from any thread.
 */
typedef struct KtGoverning KtGoverning;

/** Starts it; it does nothing until it is told what is wanted. @journal is held while the journal is open for
 * writing; it, @root and @state_dir outlive it. */
KtGoverning *kt_governing_new(const KtRoot *root, const char *state_dir, GMutex *journal);

/** Ends it; where it governs, the kernel's advisor takes over. */
void kt_governing_free(KtGoverning *governing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtGoverning, kt_governing_free)

/** What profile @profile asks for from now on (@wish NULL: not to govern KSM), and the guests that run now
 * (KtKsmGuest; taken over; NULL: as before). */
void kt_governing_tell(KtGoverning *governing, const char *profile, const KtKsmWish *wish, GPtrArray *guests);

/** Takes back what was left to somebody: `release`. */
void kt_governing_take(KtGoverning *governing);

/** A copy of its figures; owned. */
KtGovernorFigures *kt_governing_figures(KtGoverning *governing);
