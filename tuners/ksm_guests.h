/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/snapshot.h"

/** A running guest, as far as KSM has to do with it. */
typedef struct {
    char *name;
    char *uuid;
    gint64 pid;     /* of QEMU, 0 = unknown */
    char *obstacle; /* why its memory isn't merged; NULL = it is */
} KtKsmGuest;

/** Whether the memory of a guest of that definition is a file's, memfd, or shared: KSM only looks at
 * anonymous memory of a process's own. */
bool kt_ksm_is_shared_memory(const KtDomainDef *def);

/** All running guests: KtKsmGuest. Owned. */
GPtrArray *kt_ksm_guests(const KtSnapshot *snapshot);

/** Why no memory of a running domain is merged, one line; NULL where it is. Owned. */
char *kt_ksm_guest_obstacle(const KtDomain *domain);
