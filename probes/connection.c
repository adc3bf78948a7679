/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/connection.h"

#include <libvirt/virterror.h>
#include <unistd.h>

#include "base/error.h"
#include "probes/hypervisor.h"
#include "probes/patience.h"

/** What libvirt chooses for root. */
#define SYSTEM_URI "qemu:///system"

typedef struct {
    char *uri;
    bool or_read_only;
    virConnectPtr connection;
    GError *refusal; /* of a connection that may write */
} Attempt;

static void
attempt_free(gpointer data)
{
    Attempt *attempt = data;
    if (attempt->connection)
        virConnectClose(attempt->connection);
    g_clear_error(&attempt->refusal);
    g_free(attempt->uri);
    g_free(attempt);
}

static const char *
shown(const char *uri)
{
    return uri ? uri : SYSTEM_URI;
}

/** libvirt asks libvirtd for a sign of life from here, also while the program waits for somebody to type. */
static gpointer
run_events(gpointer user_data)
{
    (void)user_data;
    while (virEventRunDefaultImpl() == 0)
        ;
    return NULL;
}

/** Once, before the first connection. A thread ends with the process. */
static void
start_events(bool in_thread)
{
    static gsize started = 0;
    if (!g_once_init_enter(&started))
        return;
    if (virEventRegisterDefaultImpl() == 0 && in_thread)
        g_thread_unref(g_thread_new("libvirt-events", run_events, NULL));
    g_once_init_leave(&started, 1);
}

void
kt_connection_events_are_run(void)
{
    start_events(false);
}

/** In a thread of its own: libvirt's last error is the thread's, so it is put into words here. */
static void
try_to_open(gpointer data)
{
    Attempt *attempt = data;
    /* Definitions with their secrets, which are needed to define them again, come only over this one. */
    attempt->connection = virConnectOpenAuth(attempt->uri, virConnectAuthPtrDefault, 0);
    if (!attempt->connection) {
        kt_hypervisor_set_error(&attempt->refusal, "libvirt at %s doesn't answer", shown(attempt->uri));
        if (attempt->or_read_only)
            attempt->connection = virConnectOpenReadOnly(attempt->uri);
    }
    /* Drivers that are no daemon of libvirt's have nobody to ask: no error. */
    if (attempt->connection)
        virConnectSetKeepAlive(attempt->connection, KT_KEEPALIVE_SECONDS, KT_KEEPALIVE_COUNT);
}

/** A remote host's ssh may ask for a password; polkit asks others than root. */
static guint
patience(const char *uri)
{
    const char *chosen = uri ? uri : g_getenv("LIBVIRT_DEFAULT_URI");
    bool local = !chosen || kt_hypervisor_is_local(chosen);
    return local && geteuid() == 0 ? KT_OPEN_SECONDS : KT_OPEN_ASKING_SECONDS;
}

virConnectPtr
kt_connection_open(const char *uri, bool or_read_only, char **ret_refusal, GError **error)
{
    Attempt *attempt = g_new0(Attempt, 1);
    attempt->uri = g_strdup(uri);
    attempt->or_read_only = or_read_only;
    start_events(true);
    if (!kt_patience_run(try_to_open, attempt, attempt_free, patience(uri))) {
        g_set_error(
            error, KT_ERROR, KT_ERROR_HYPERVISOR,
            "libvirt at %s doesn't answer: its daemon takes calls, but has said nothing for %u s; is it "
            "stopped, or stuck?",
            shown(uri), patience(uri));
        return NULL;
    }
    virConnectPtr connection = g_steal_pointer(&attempt->connection);
    if (!connection)
        g_propagate_error(error, g_steal_pointer(&attempt->refusal));
    else
        *ret_refusal = attempt->refusal ? g_strdup(attempt->refusal->message) : NULL;
    attempt_free(attempt);
    return connection;
}
