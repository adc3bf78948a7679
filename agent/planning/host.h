/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "base/root.h"
#include "probes/snapshot.h"

/** What is wanted of the host. */
typedef enum {
    KT_HOST_READ,     /* look; a read-only connection does where no other is allowed */
    KT_HOST_WRITE,    /* change it */
    KT_HOST_ANYTHING, /* look; without a hypervisor too, which is then `unanswered` */
} KtHostNeed;

/** An open view of the host: live with a connection, or a capture. */
typedef struct {
    KtRoot *root;
    virConnectPtr connection; /* NULL for a capture */
    KtSnapshot *snapshot;
    bool lean;        /* runs for long: what takes much memory, the OS database, isn't loaded */
    char *unanswered; /* KT_HOST_ANYTHING: why there is no connection, or NULL */
} KtHost;

void kt_host_free(KtHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtHost, kt_host_free)

/**
 * Connects to the hypervisor at @uri; NULL: as virsh for root. Errors: hypervisor, access; the message says
 * what to do.
 */
virConnectPtr kt_connect(const char *uri, KtHostNeed need, GError **error);
