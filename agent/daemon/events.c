/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/events.h"

#include "base/error.h"
#include "probes/hypervisor.h"

/** Whom the callbacks tell. libvirt holds one reference for each of them, and may still call one that is
 * being taken back. */
typedef struct {
    KtEventSeen seen;
    gpointer user_data;
} Listener;

struct KtEvents {
    virConnectPtr connection;
    GArray *callbacks; /* int */
    Listener *listener;
};

static void
listener_unref(void *listener)
{
    g_atomic_rc_box_release(listener);
}

static void
tell(const Listener *listener, virDomainPtr domain, KtEvent event)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (virDomainGetUUIDString(domain, uuid) == 0)
        listener->seen(uuid, event, NULL, listener->user_data);
}

static int
on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *listener)
{
    static const KtEvent events[] = {
        [VIR_DOMAIN_EVENT_DEFINED] = KT_EVENT_DEFINED,    [VIR_DOMAIN_EVENT_UNDEFINED] = KT_EVENT_UNDEFINED,
        [VIR_DOMAIN_EVENT_STARTED] = KT_EVENT_STARTED,    [VIR_DOMAIN_EVENT_SUSPENDED] = KT_EVENT_SUSPENDED,
        [VIR_DOMAIN_EVENT_RESUMED] = KT_EVENT_RESUMED,    [VIR_DOMAIN_EVENT_STOPPED] = KT_EVENT_STOPPED,
        [VIR_DOMAIN_EVENT_SHUTDOWN] = KT_EVENT_SHUT_DOWN, [VIR_DOMAIN_EVENT_PMSUSPENDED] = KT_EVENT_ASLEEP,
        [VIR_DOMAIN_EVENT_CRASHED] = KT_EVENT_CRASHED,
    };
    (void)connection, (void)detail;
    bool known = event >= 0 && (gsize)event < G_N_ELEMENTS(events);
    tell(listener, domain, known ? events[event] : KT_EVENT_CHANGED);
    return 0;
}

static void
on_reboot(virConnectPtr connection, virDomainPtr domain, void *listener)
{
    (void)connection;
    tell(listener, domain, KT_EVENT_REBOOTED);
}

static void
on_device_added(virConnectPtr connection, virDomainPtr domain, const char *alias, void *listener)
{
    (void)connection, (void)alias;
    tell(listener, domain, KT_EVENT_DEVICE_ADDED);
}

static void
on_device_removed(virConnectPtr connection, virDomainPtr domain, const char *alias, void *listener)
{
    (void)connection, (void)alias;
    tell(listener, domain, KT_EVENT_DEVICE_REMOVED);
}

static void
on_agent(virConnectPtr connection, virDomainPtr domain, int state, int reason, void *listener)
{
    (void)connection, (void)reason;
    if (state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED)
        tell(listener, domain, KT_EVENT_AGENT_UP);
}

static void
on_tunable(virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr params, int n, void *listener)
{
    (void)connection, (void)params, (void)n;
    tell(listener, domain, KT_EVENT_TUNED);
}

static void
on_job(virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr params, int n, void *listener)
{
    (void)connection, (void)params, (void)n;
    tell(listener, domain, KT_EVENT_JOB_DONE);
}

static void
on_memory(virConnectPtr connection, virDomainPtr domain, const char *alias, unsigned long long size,
          void *listener)
{
    (void)connection, (void)alias, (void)size;
    tell(listener, domain, KT_EVENT_MEMORY_RESIZED);
}

static gboolean
tell_closed(gpointer listener)
{
    const Listener *who = listener;
    who->seen(NULL, KT_EVENT_LIBVIRT_GONE, NULL, who->user_data);
    return G_SOURCE_REMOVE;
}

/* libvirt calls this in whatever thread finds it out, which may be one that waits for an answer. */
static void
on_close(virConnectPtr connection, int reason, void *listener)
{
    (void)connection, (void)reason;
    g_idle_add_full(G_PRIORITY_DEFAULT, tell_closed, g_atomic_rc_box_acquire(listener), listener_unref);
}

/** All that a plan may hang on. */
static const struct {
    virDomainEventID id;
    virConnectDomainEventGenericCallback callback;
} watched[] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device_added)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device_removed)},
    {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
    {VIR_DOMAIN_EVENT_ID_TUNABLE, VIR_DOMAIN_EVENT_CALLBACK(on_tunable)},
    {VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK(on_job)},
    {VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_memory)},
};

static void
watch(KtEvents *events, virDomainEventID id, virConnectDomainEventGenericCallback callback)
{
    int number = virConnectDomainEventRegisterAny(events->connection, NULL, (int)id, callback,
                                                  g_atomic_rc_box_acquire(events->listener), listener_unref);
    if (number >= 0)
        g_array_append_val(events->callbacks, number);
    else
        listener_unref(events->listener);
}

KtEvents *
kt_events_watch(virConnectPtr connection, KtEventSeen seen, gpointer user_data, GError **error)
{
    g_autoptr(KtEvents) events = g_new0(KtEvents, 1);
    virConnectRef(connection);
    events->connection = connection;
    events->callbacks = g_array_new(FALSE, FALSE, sizeof(int));
    events->listener = g_atomic_rc_box_new0(Listener);
    events->listener->seen = seen;
    events->listener->user_data = user_data;
    for (guint i = 0; i < G_N_ELEMENTS(watched); i++)
        watch(events, watched[i].id, watched[i].callback);
    if (events->callbacks->len == 0) {
        kt_hypervisor_set_error(error, "libvirt tells of no events");
        return NULL;
    }
    if (virConnectRegisterCloseCallback(connection, on_close, g_atomic_rc_box_acquire(events->listener),
                                        listener_unref) < 0)
        listener_unref(events->listener);
    return g_steal_pointer(&events);
}

void
kt_events_free(KtEvents *events)
{
    if (!events)
        return;
    virConnectUnregisterCloseCallback(events->connection, on_close);
    for (guint i = 0; i < events->callbacks->len; i++)
        virConnectDomainEventDeregisterAny(events->connection, g_array_index(events->callbacks, int, i));
    g_array_unref(events->callbacks);
    listener_unref(events->listener);
    virConnectClose(events->connection);
    g_free(events);
}
