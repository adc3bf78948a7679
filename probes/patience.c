/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/patience.h"

#include <signal.h>

#include <stdbool.h>

/** Shared by who waits and the thread; who comes last frees it. */
typedef struct {
    GMutex mutex;
    GCond changed;
    bool done;
    bool abandoned;
    KtPatienceCall call;
    gpointer data;
    GDestroyNotify free_data;
} Wait;

static void
wait_free(Wait *wait)
{
    g_mutex_clear(&wait->mutex);
    g_cond_clear(&wait->changed);
    g_free(wait);
}

static gpointer
run(gpointer user_data)
{
    Wait *wait = user_data;
    wait->call(wait->data);
    g_mutex_lock(&wait->mutex);
    bool abandoned = wait->abandoned;
    wait->done = true;
    g_cond_signal(&wait->changed);
    g_mutex_unlock(&wait->mutex);
    if (abandoned) {
        wait->free_data(wait->data);
        wait_free(wait);
    }
    return NULL;
}

gpointer
kt_patience_run(KtPatienceCall call, gpointer data, GDestroyNotify free_data, guint seconds)
{
    Wait *wait = g_new0(Wait, 1);
    g_mutex_init(&wait->mutex);
    g_cond_init(&wait->changed);
    wait->call = call;
    wait->data = data;
    wait->free_data = free_data;

    gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    /* A thread that is left behind must not be the one that takes a signal: who holds them would be ended. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    GThread *thread = g_thread_new("patience", run, wait);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    g_mutex_lock(&wait->mutex);
    while (!wait->done && g_cond_wait_until(&wait->changed, &wait->mutex, end))
        ;
    bool done = wait->done;
    wait->abandoned = !done;
    g_mutex_unlock(&wait->mutex);
    if (!done) {
        g_thread_unref(thread);
        return NULL;
    }
    g_thread_join(thread);
    wait_free(wait);
    return data;
}
