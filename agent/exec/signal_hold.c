/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/signal_hold.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

struct KtSignalHold {
    sigset_t held, before;
    GThread *watcher; /* NULL: who started this thread holds and watches already */
    gint over;
    int caught; /* 0 = none came */
};

/** Takes those that come, for kt_signal_release() to send them again. */
static gpointer
watch(gpointer user_data)
{
    KtSignalHold *hold = user_data;
    static const struct timespec interval = {.tv_nsec = 50 * 1000 * 1000};
    while (!g_atomic_int_get(&hold->over)) {
        int number = sigtimedwait(&hold->held, NULL, &interval);
        if (number <= 0)
            continue;
        g_message("%s: a guest is away; this waits until it is back",
                  number == SIGINT ? "interrupted" : g_strsignal(number));
        hold->caught = number;
    }
    return NULL;
}

KtSignalHold *
kt_signal_hold(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    KtSignalHold *hold = g_new0(KtSignalHold, 1);
    sigemptyset(&hold->held);
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaddset(&hold->held, numbers[i]);
    pthread_sigmask(SIG_BLOCK, &hold->held, &hold->before);
    if (!sigismember(&hold->before, SIGINT))
        hold->watcher = g_thread_new("signals", watch, hold);
    return hold;
}

void
kt_signal_release(KtSignalHold *hold)
{
    if (!hold)
        return;
    g_atomic_int_set(&hold->over, 1);
    if (hold->watcher)
        g_thread_join(hold->watcher);
    if (hold->caught != 0)
        kill(getpid(), hold->caught);
    pthread_sigmask(SIG_SETMASK, &hold->before, NULL);
    g_free(hold);
}
