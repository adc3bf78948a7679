/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/planning/host.h"

#include <unistd.h>

#include "probes/connection.h"

#define SYSTEM_URI "qemu:///system"

void
kt_host_free(KtHost *host)
{
    if (host == NULL)
        return;
    kt_snapshot_free(host->snapshot);
    if (host->connection)
        virConnectClose(host->connection);
    kt_root_free(host->root);
    g_free(host->unanswered);
    g_free(host);
}

/* As virsh for root: what the user says, LIBVIRT_DEFAULT_URI or libvirt.conf, else the system's QEMU. Only
 * root gets that from libvirt itself, others would be given their own session, which has no guests to tune.
 * NULL = libvirt chooses. */
static const char *
uri_of(const char *uri)
{
    if (uri)
        return uri;
    const char *chosen = g_getenv("LIBVIRT_DEFAULT_URI");
    bool libvirt_chooses = geteuid() == 0 || (chosen && *chosen);
    return libvirt_chooses ? NULL : SYSTEM_URI;
}

virConnectPtr
kt_connect(const char *uri, KtHostNeed need, GError **error)
{
    g_autofree char *refusal = NULL;
    virConnectPtr connection = kt_connection_open(uri_of(uri), need != KT_HOST_WRITE, &refusal, error);
    if (refusal)
        g_info("%s; reading only", refusal);
    return connection;
}
