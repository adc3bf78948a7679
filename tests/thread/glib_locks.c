/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/**
 * ThreadSanitizer knows the locks of pthreads. GLib's are made of atomics and futexes, in a library that
 * isn't instrumented: it is told of them here, else what they guard looks like a race.
 *
 * Linked into every program of a build with KT_SANITIZE=thread, with --wrap for each function: the linker
 * sends the calls of kvm-tune's own code to __wrap_NAME, and __real_NAME is GLib's.
 */

void __real_g_mutex_lock(GMutex *mutex);
void __wrap_g_mutex_lock(GMutex *mutex);
gboolean __real_g_mutex_trylock(GMutex *mutex);
gboolean __wrap_g_mutex_trylock(GMutex *mutex);
void __real_g_mutex_unlock(GMutex *mutex);
void __wrap_g_mutex_unlock(GMutex *mutex);
void __real_g_cond_wait(GCond *cond, GMutex *mutex);
void __wrap_g_cond_wait(GCond *cond, GMutex *mutex);
gboolean __real_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end);
gboolean __wrap_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end);
gboolean __real_g_once_init_enter(volatile void *location);
gboolean __wrap_g_once_init_enter(volatile void *location);
void __real_g_once_init_leave(volatile void *location, gsize result);
void __wrap_g_once_init_leave(volatile void *location, gsize result);
void __real_g_async_queue_push(GAsyncQueue *queue, gpointer data);
void __wrap_g_async_queue_push(GAsyncQueue *queue, gpointer data);
gpointer __real_g_async_queue_pop(GAsyncQueue *queue);
gpointer __wrap_g_async_queue_pop(GAsyncQueue *queue);
guint __real_g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify);
guint __wrap_g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify);

void
__wrap_g_mutex_lock(GMutex *mutex)
{
    __tsan_mutex_pre_lock(mutex, 0);
    __real_g_mutex_lock(mutex);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean
__wrap_g_mutex_trylock(GMutex *mutex)
{
    __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
    gboolean locked = __real_g_mutex_trylock(mutex);
    __tsan_mutex_post_lock(mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
    return locked;
}

static void
told_unlocked(GMutex *mutex)
{
    __tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
}

static void
told_locked(GMutex *mutex)
{
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

void
__wrap_g_mutex_unlock(GMutex *mutex)
{
    told_unlocked(mutex);
    __real_g_mutex_unlock(mutex);
}

/* Who waits holds the lock before and after, not meanwhile. */
void
__wrap_g_cond_wait(GCond *cond, GMutex *mutex)
{
    told_unlocked(mutex);
    __real_g_cond_wait(cond, mutex);
    told_locked(mutex);
}

gboolean
__wrap_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end)
{
    told_unlocked(mutex);
    gboolean woken = __real_g_cond_wait_until(cond, mutex, end);
    told_locked(mutex);
    return woken;
}

/* What was done before the one left is seen by all who enter after it. */
gboolean
__wrap_g_once_init_enter(volatile void *location)
{
    gboolean first = __real_g_once_init_enter(location);
    __tsan_acquire((void *)location);
    return first;
}

void
__wrap_g_once_init_leave(volatile void *location, gsize result)
{
    __tsan_release((void *)location);
    __real_g_once_init_leave(location, result);
}

/* Who takes something out of a queue sees what was done before it was put in. */
void
__wrap_g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    __tsan_release(queue);
    __real_g_async_queue_push(queue, data);
}

gpointer
__wrap_g_async_queue_pop(GAsyncQueue *queue)
{
    gpointer data = __real_g_async_queue_pop(queue);
    __tsan_acquire(queue);
    return data;
}

/** A function that the main context is to call. */
typedef struct {
    GSourceFunc function;
    gpointer data;
    GDestroyNotify notify;
} Handed;

static gboolean
call_handed(gpointer data)
{
    Handed *handed = data;
    __tsan_acquire(handed);
    return handed->function(handed->data);
}

static void
free_handed(gpointer data)
{
    Handed *handed = data;
    if (handed->notify)
        handed->notify(handed->data);
    g_free(handed);
}

/* The same of the main context's thread, and what another thread hands to it. */
guint
__wrap_g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
    Handed *handed = g_new(Handed, 1);
    *handed = (Handed){.function = function, .data = data, .notify = notify};
    __tsan_release(handed);
    return __real_g_idle_add_full(priority, call_handed, handed, free_handed);
}
