/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/host_events.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/** lib/kobject_uevent.c: a message is no longer than this. */
#define MOST_BYTES 4096
/** The group that the kernel itself tells; in others it is udev. */
#define KERNEL_GROUP 1

struct KtHostEvents {
    int fd;
    guint source;
    KtHostEventSeen seen;
    gpointer user_data;
};

/** The value of a line such as ACTION=offline; NULL = there is none. */
static const char *
value_of(const char *message, gsize length, const char *key)
{
    for (const char *at = message; at < message + length; at += strnlen(at, message + length - at) + 1)
        if (g_str_has_prefix(at, key))
            return at + strlen(key);
    return NULL;
}

bool
kt_host_event_parse(const char *message, gsize length, KtEvent *ret_event)
{
    static const struct {
        const char *subsystem, *action;
        KtEvent event;
    } known[] = {
        {"cpu", "offline", KT_EVENT_CPU_OFFLINE},
        {"cpu", "online", KT_EVENT_CPU_ONLINE},
        {"memory", "offline", KT_EVENT_MEMORY_OFFLINE},
        {"memory", "online", KT_EVENT_MEMORY_ONLINE},
    };
    /* Who sends less than whole lines isn't the kernel. */
    if (length == 0 || message[length - 1] != '\0')
        return false;
    const char *subsystem = value_of(message, length, "SUBSYSTEM=");
    const char *action = value_of(message, length, "ACTION=");
    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_strcmp0(subsystem, known[i].subsystem) == 0 && g_strcmp0(action, known[i].action) == 0) {
            *ret_event = known[i].event;
            return true;
        }
    return false;
}

static gboolean
on_message(gint fd, GIOCondition condition, gpointer data)
{
    const KtHostEvents *events = data;
    char message[MOST_BYTES];
    struct sockaddr_nl from = {0};
    socklen_t size = sizeof from;
    (void)condition;
    ssize_t length = recvfrom(fd, message, sizeof message, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
    /* More came than there was room for: anything may be among it. */
    KtEvent event = KT_EVENT_HOST_CHANGED;
    bool is_much = length < 0 && errno == ENOBUFS;
    /* Processes have numbers, the kernel is 0. */
    bool is_known = length > 0 && from.nl_pid == 0 && kt_host_event_parse(message, (gsize)length, &event);
    if (is_much || is_known)
        events->seen(event, events->user_data);
    return G_SOURCE_CONTINUE;
}

KtHostEvents *
kt_host_events_new(KtHostEventSeen seen, gpointer user_data, GError **error)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        kt_set_error_errno(error, errno, "the kernel's events cannot be heard");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    KtHostEvents *events = g_new0(KtHostEvents, 1);
    events->fd = fd;
    events->seen = seen;
    events->user_data = user_data;
    events->source = g_unix_fd_add(fd, G_IO_IN, on_message, events);
    return events;
}

void
kt_host_events_free(KtHostEvents *events)
{
    if (!events)
        return;
    g_source_remove(events->source);
    close(events->fd);
    g_free(events);
}
