/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "agent/verbs/verb.h"
#include "base/error.h"
#include "probes/capture.h"
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
uri_of(const KtOptions *options)
{
    if (options->uri)
        return options->uri;
    const char *chosen = g_getenv("LIBVIRT_DEFAULT_URI");
    bool libvirt_chooses = geteuid() == 0 || (chosen && *chosen);
    return libvirt_chooses ? NULL : SYSTEM_URI;
}

virConnectPtr
kt_connect(const KtOptions *options, KtHostNeed need, GError **error)
{
    g_autofree char *refusal = NULL;
    virConnectPtr connection = kt_connection_open(uri_of(options), need != KT_HOST_WRITE, &refusal, error);
    if (refusal)
        g_info("%s; reading only", refusal);
    return connection;
}

static bool
read_capture(KtHost *host, const char *directory, GError **error)
{
    host->root = kt_root_open(directory, error);
    host->snapshot = host->root ? kt_capture_read(directory, error) : NULL;
    return host->snapshot != NULL;
}

static bool
read_live(KtHost *host, const KtOptions *options, KtHostNeed need, GError **error)
{
    host->root = kt_root_open("/", error);
    if (host->root == NULL)
        return false;
    g_autoptr(GError) why = NULL;
    host->connection = kt_connect(options, need, &why);
    if (host->connection)
        host->snapshot = kt_snapshot_read(host->root, host->connection, &why);
    if (host->snapshot)
        return true;
    if (need == KT_HOST_ANYTHING) {
        host->unanswered = g_strdup(why->message);
        host->snapshot = kt_snapshot_read(host->root, NULL, error);
        return host->snapshot != NULL;
    }
    if (host->connection)
        g_propagate_error(error, g_steal_pointer(&why));
    else
        g_set_error(error, why->domain, why->code,
                    "%s; start it (systemctl start libvirtd), or name another (--connect URI, --capture DIR)",
                    why->message);
    return false;
}

KtHost *
kt_host_open(const KtOptions *options, KtHostNeed need, KtExit *ret_exit)
{
    g_autoptr(KtHost) host = g_new0(KtHost, 1);
    g_autoptr(GError) error = NULL;
    bool read = options->capture ? read_capture(host, options->capture, &error)
                                 : read_live(host, options, need, &error);
    if (read)
        return g_steal_pointer(&host);
    *ret_exit = kt_report_error(options, error);
    return NULL;
}
