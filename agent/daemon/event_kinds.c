/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/event_kinds.h"

static const struct {
    const char *words;
    KtEventSeats seats;
} kinds[KT_N_EVENTS] = {
    /* Each of our own runs brings about some of the first three: were all placed anew for them, a guest that
     * starts would move others on and on. */
    [KT_EVENT_TUNED] = {"tuned", KT_SEATS_EDITED},
    [KT_EVENT_DEFINED] = {"defined", KT_SEATS_EDITED},
    [KT_EVENT_UNDEFINED] = {"undefined", KT_SEATS_EDITED},
    [KT_EVENT_STARTED] = {"started", KT_SEATS_OF_ALL},
    [KT_EVENT_STOPPED] = {"stopped", KT_SEATS_OF_ALL},
    [KT_EVENT_CRASHED] = {"crashed", KT_SEATS_OF_ALL},
    [KT_EVENT_ASLEEP] = {"asleep", KT_SEATS_OF_ALL},
    [KT_EVENT_CHANGED] = {"changed", KT_SEATS_OF_ALL},
    [KT_EVENT_DEVICE_ADDED] = {"device added", KT_SEATS_OF_ALL},
    [KT_EVENT_DEVICE_REMOVED] = {"device removed", KT_SEATS_OF_ALL},
    [KT_EVENT_MEMORY_RESIZED] = {"memory resized", KT_SEATS_OF_ALL},
    [KT_EVENT_SUSPENDED] = {"suspended", KT_SEATS_OF_NONE},
    [KT_EVENT_RESUMED] = {"resumed", KT_SEATS_OF_NONE},
    [KT_EVENT_SHUT_DOWN] = {"shut down", KT_SEATS_OF_NONE},
    [KT_EVENT_REBOOTED] = {"rebooted", KT_SEATS_OF_NONE},
    [KT_EVENT_AGENT_UP] = {"agent up", KT_SEATS_OF_NONE},
    [KT_EVENT_JOB_DONE] = {"job done", KT_SEATS_OF_NONE},
    [KT_EVENT_MEMORY_MOVED] = {"memory moved", KT_SEATS_OF_NONE},
    [KT_EVENT_WAITS_FOR_CPU] = {"a guest waits for a CPU", KT_SEATS_OF_ALL},
    [KT_EVENT_LIBVIRT_GONE] = {"libvirt's daemon is gone", KT_SEATS_OF_ALL},
    [KT_EVENT_CPU_OFFLINE] = {"CPU went offline", KT_SEATS_OF_ALL},
    [KT_EVENT_CPU_ONLINE] = {"CPU came online", KT_SEATS_OF_ALL},
    [KT_EVENT_MEMORY_OFFLINE] = {"memory went offline", KT_SEATS_OF_ALL},
    [KT_EVENT_MEMORY_ONLINE] = {"memory came online", KT_SEATS_OF_ALL},
    [KT_EVENT_HOST_CHANGED] = {"the host changed much", KT_SEATS_OF_ALL},
    [KT_EVENT_DAEMON_STARTED] = {"started", KT_SEATS_OF_ALL},
    [KT_EVENT_PROFILE_READ] = {"profile read again", KT_SEATS_OF_ALL},
    [KT_EVENT_RELEASED] = {"released", KT_SEATS_OF_ALL},
    [KT_EVENT_NOT_ALL_DONE] = {"not all was done", KT_SEATS_OF_ALL},
    [KT_EVENT_TRIED_AGAIN] = {"tried again", KT_SEATS_OF_ALL},
    [KT_EVENT_NEXT_TRY] = {"time for another try", KT_SEATS_OF_ALL},
    [KT_EVENT_WINDOW_OPENS] = {"a restart-window opens", KT_SEATS_OF_ALL},
    [KT_EVENT_POOL_UNUSED] = {"huge pages were unused for long", KT_SEATS_OF_ALL},
    [KT_EVENT_FULL_LOOK] = {"time for a full look", KT_SEATS_OF_ALL},
};

const char *
kt_event_words(KtEvent event)
{
    return kinds[event].words;
}

KtEventSeats
kt_event_seats(KtEvent event)
{
    return kinds[event].seats;
}
