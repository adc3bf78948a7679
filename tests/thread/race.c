/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

/**
 * Two threads that count with one counter. ThreadSanitizer must say nothing where that is under a lock of
 * GLib's
 * ("locked"), handed over with a condition ("handed"), or done once before anybody goes on ("once");
 * "unlocked" it is a race that must be found.
 */

typedef struct {
    GMutex mutex;
    GCond changed;
    gboolean ready;
    gsize once;
    guint count;
} Shared;

static gpointer
count_locked(gpointer data)
{
    Shared *shared = data;
    for (guint i = 0; i < 1000; i++) {
        g_mutex_lock(&shared->mutex);
        shared->count++;
        g_mutex_unlock(&shared->mutex);
    }
    return NULL;
}

static gpointer
count_unlocked(gpointer data)
{
    Shared *shared = data;
    for (guint i = 0; i < 1000; i++)
        shared->count++;
    return NULL;
}

static gpointer
hand_over(gpointer data)
{
    Shared *shared = data;
    shared->count++;
    g_mutex_lock(&shared->mutex);
    shared->ready = TRUE;
    g_cond_signal(&shared->changed);
    g_mutex_unlock(&shared->mutex);
    return NULL;
}

static gpointer
take_over(gpointer data)
{
    Shared *shared = data;
    g_mutex_lock(&shared->mutex);
    while (!shared->ready)
        g_cond_wait(&shared->changed, &shared->mutex);
    g_mutex_unlock(&shared->mutex);
    shared->count++;
    return NULL;
}

static gpointer
count_once(gpointer data)
{
    Shared *shared = data;
    if (g_once_init_enter(&shared->once)) {
        shared->count++;
        g_once_init_leave(&shared->once, 1);
    }
    return GUINT_TO_POINTER(shared->count);
}

static const struct {
    const char *how;
    GThreadFunc one, other;
} ways[] = {
    {"locked", count_locked, count_locked},
    {"handed", hand_over, take_over},
    {"once", count_once, count_once},
    {"unlocked", count_unlocked, count_unlocked},
};

int
main(int argc, char **argv)
{
    for (guint i = 0; argc == 2 && i < G_N_ELEMENTS(ways); i++) {
        if (!g_str_equal(ways[i].how, argv[1]))
            continue;
        Shared shared = {0};
        GThread *one = g_thread_new("one", ways[i].one, &shared);
        GThread *other = g_thread_new("other", ways[i].other, &shared);
        g_thread_join(one);
        g_thread_join(other);
        return 0;
    }
    g_printerr("race locked|handed|once|unlocked\n");
    return 2;
}
