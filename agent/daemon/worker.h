/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/keeper.h"

/**
 * The one thread in which a keeper works, so that the main loop never waits for libvirt, a disk or a guest.
 */
typedef struct KtWorker KtWorker;

/** Told in the default main context how a look ended; @look is the receiver's. */
typedef void (*KtWorkerDone)(KtLook *look, gpointer user_data);

/** Takes @keeper over. */
KtWorker *kt_worker_new(KtKeeper *keeper, KtWorkerDone done, gpointer user_data);

/** Has it look for @changes, which are taken over; with @profile (taken over; NULL = as before) from now on
 * for that one. */
void kt_worker_look(KtWorker *worker, KtChangeSet *changes, KtProfile *profile);

/** Waits until the keeper is at rest, and ends its connection. */
void kt_worker_free(KtWorker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtWorker, kt_worker_free)
