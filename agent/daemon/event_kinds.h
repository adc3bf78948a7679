/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** What may lead to a look. */
typedef enum {
    /* libvirt's, of one domain */
    KT_EVENT_DEFINED,
    KT_EVENT_UNDEFINED,
    KT_EVENT_STARTED, /* or came from another host */
    KT_EVENT_SUSPENDED,
    KT_EVENT_RESUMED,
    KT_EVENT_STOPPED,
    KT_EVENT_SHUT_DOWN,
    KT_EVENT_ASLEEP,
    KT_EVENT_CRASHED,
    KT_EVENT_CHANGED, /* in a way that this kvm-tune doesn't know */
    KT_EVENT_REBOOTED,
    KT_EVENT_DEVICE_ADDED,
    KT_EVENT_DEVICE_REMOVED,
    KT_EVENT_AGENT_UP,
    KT_EVENT_TUNED,
    KT_EVENT_JOB_DONE,
    KT_EVENT_MEMORY_RESIZED,
    /* of who works beside the worker, of one domain */
    KT_EVENT_MEMORY_MOVED,
    /* of all of them: anything may have changed */
    KT_EVENT_WAITS_FOR_CPU,
    KT_EVENT_LIBVIRT_GONE,
    KT_EVENT_CPU_OFFLINE,
    KT_EVENT_CPU_ONLINE,
    KT_EVENT_MEMORY_OFFLINE,
    KT_EVENT_MEMORY_ONLINE,
    KT_EVENT_HOST_CHANGED,
    KT_EVENT_DAEMON_STARTED,
    KT_EVENT_PROFILE_READ,
    KT_EVENT_RELEASED,
    KT_EVENT_NOT_ALL_DONE,
    KT_EVENT_TRIED_AGAIN,
    KT_EVENT_NEXT_TRY,
    KT_EVENT_WINDOW_OPENS,
    KT_EVENT_POOL_UNUSED,
    KT_EVENT_FULL_LOOK,
    KT_N_EVENTS
} KtEvent;

/** For whom an event of one domain may bring a better seat. */
typedef enum {
    KT_SEATS_OF_ALL, /* others may have to move, too */
    KT_SEATS_EDITED, /* the domain was pinned or defined: by us, which leaves everybody's seat as good as it
                      * was, or by somebody else, whom it may have brought elsewhere */
    KT_SEATS_OF_NONE,
} KtEventSeats;

/** In a word or two what has happened: "device added". */
const char *kt_event_words(KtEvent event);

KtEventSeats kt_event_seats(KtEvent event);

/** Told of each event: the domain's UUID, or NULL where anything may have changed. @words: what was seen,
 * NULL = kt_event_words(). */
typedef void (*KtEventSeen)(const char *uuid, KtEvent event, const char *words, gpointer user_data);
