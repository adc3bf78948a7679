/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/patience.h"

#include <stdbool.h>

/** A call that ends when it is told to. */
typedef struct {
    GMutex mutex;
    GCond changed;
    bool may_end;
    bool freed;
} Slow;

static void
slow_call(gpointer data)
{
    Slow *slow = data;
    g_mutex_lock(&slow->mutex);
    while (!slow->may_end)
        g_cond_wait(&slow->changed, &slow->mutex);
    g_mutex_unlock(&slow->mutex);
}

static void
slow_free(gpointer data)
{
    Slow *slow = data;
    g_mutex_lock(&slow->mutex);
    slow->freed = true;
    g_cond_signal(&slow->changed);
    g_mutex_unlock(&slow->mutex);
}

static void
test_in_time(void)
{
    Slow slow = {.may_end = true};

    g_assert_true(kt_patience_run(slow_call, &slow, slow_free, 60) == &slow);

    g_assert_false(slow.freed);
}

static void
test_too_late(void)
{
    Slow slow = {.may_end = false};
    gint64 before = g_get_monotonic_time();

    g_assert_null(kt_patience_run(slow_call, &slow, slow_free, 1));

    g_assert_cmpint(g_get_monotonic_time() - before, >=, G_USEC_PER_SEC);
    g_mutex_lock(&slow.mutex);
    g_assert_false(slow.freed);
    slow.may_end = true;
    g_cond_signal(&slow.changed);
    /* Who was given up frees what it was given. */
    while (!slow.freed)
        g_cond_wait(&slow.changed, &slow.mutex);
    g_mutex_unlock(&slow.mutex);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patience/in-time", test_in_time);
    g_test_add_func("/patience/too-late", test_too_late);
    return g_test_run();
}
