/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/loop.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>

#include "agent/daemon/active.h"
#include "agent/daemon/control.h"
#include "agent/daemon/loop_parts.h"
#include "agent/daemon/notify.h"
#include "agent/verbs/control.h"
#include "agent/view/errors_json.h"
#include "base/diagnostic.h"
#include "probes/connection.h"

/** What no event tells of is found by a full look. */
#define FULL_LOOK_SECONDS (10 * 60)
/** How often what was left is tried again before the next full look. */
#define MOST_REPEATS 3
/** A worker at a step that may take its time, a guest's memory written to disk or moved, is stuck after this.
 * To be killed then would leave the guest away. */
#define LONG_STEP_USEC G_TIME_SPAN_HOUR

static void consider(KtLoop *loop);

static gboolean
on_due(gpointer data)
{
    KtLoop *loop = data;
    loop->due = 0;
    consider(loop);
    return G_SOURCE_REMOVE;
}

static void
note(KtLoop *loop, KtEvent event)
{
    kt_changes_add(loop->changes, NULL, event, NULL, g_get_monotonic_time());
    consider(loop);
}

/** From any thread. */
static void
on_progress(bool lasts, gpointer data)
{
    KtLoop *loop = data;
    gint64 patience = lasts ? MAX(LONG_STEP_USEC, loop->watchdog_usec) : loop->watchdog_usec;
    atomic_store(&loop->stuck_usec, g_get_monotonic_time() + patience);
}

static void
begin_look(KtLoop *loop, gint64 now)
{
    loop->busy = true;
    on_progress(false, loop);
    g_clear_handle_id(&loop->retry, g_source_remove);
    kt_worker_look(loop->worker, kt_changes_take(loop->changes, now), g_steal_pointer(&loop->next_profile));
}

/** Has the worker look where something has changed and it is time, or sees to it that it will. */
static void
consider(KtLoop *loop)
{
    if (loop->busy || loop->stopping)
        return;
    gint64 now = g_get_monotonic_time();
    gint64 due = kt_changes_due(loop->changes);
    g_clear_handle_id(&loop->due, g_source_remove);
    if (due == G_MAXINT64)
        return;
    if (due <= now)
        begin_look(loop, now);
    else
        loop->due = g_timeout_add((guint)((due - now) / 1000 + 1), on_due, loop);
}

/** Events of libvirt, or of who works beside the worker; in this thread. */
static void
on_event(const char *uuid, KtEvent event, const char *words, gpointer data)
{
    KtLoop *loop = data;
    g_debug("event: %s %s", uuid ? uuid : "-", words ? words : kt_event_words(event));
    kt_changes_add(loop->changes, uuid, event, words, g_get_monotonic_time());
    consider(loop);
}

/** The kernel's events, in this thread. */
static void
on_host_event(KtEvent event, gpointer data)
{
    note(data, event);
}

static void
hear_host(KtLoop *loop)
{
    g_autoptr(GError) failure = NULL;
    loop->host_events = kt_host_events_new(on_host_event, loop, &failure);
    if (!loop->host_events)
        g_warning("%s: a CPU that comes or goes is found by the next full look", failure->message);
}

static gboolean
on_retry(gpointer data)
{
    KtLoop *loop = data;
    loop->retry = 0;
    note(loop, KT_EVENT_TRIED_AGAIN);
    return G_SOURCE_REMOVE;
}

static void
retry_later(KtLoop *loop)
{
    loop->wait_seconds = loop->wait_seconds ? MIN(2 * loop->wait_seconds, KT_LOOP_MOST_WAIT_SECONDS) : 1;
    g_clear_handle_id(&loop->retry, g_source_remove);
    loop->retry = g_timeout_add_seconds(loop->wait_seconds, on_retry, loop);
}

/** What isn't done is done later: soon, where somebody else is in the way, or nothing could be looked at or
 * recorded at all; at once, where just some step was. */
static void
follow_up(KtLoop *loop, const KtLook *look)
{
    bool is_stuck = look->end == KT_LOOK_FAILED && !look->again;
    if (look->end == KT_LOOK_NO_HYPERVISOR || look->end == KT_LOOK_LOCKED || is_stuck) {
        retry_later(loop);
        return;
    }
    loop->wait_seconds = 0;
    loop->repeats = look->again ? loop->repeats + 1 : 0;
    if (look->again && loop->repeats <= MOST_REPEATS)
        note(loop, KT_EVENT_NOT_ALL_DONE);
}

static gboolean
on_window(gpointer data)
{
    KtLoop *loop = data;
    loop->window = 0;
    note(loop, KT_EVENT_WINDOW_OPENS);
    return G_SOURCE_REMOVE;
}

static gboolean
on_next_try(gpointer data)
{
    KtLoop *loop = data;
    loop->next_try = 0;
    note(loop, KT_EVENT_NEXT_TRY);
    return G_SOURCE_REMOVE;
}

static gboolean
on_shrink(gpointer data)
{
    KtLoop *loop = data;
    loop->shrink = 0;
    note(loop, KT_EVENT_POOL_UNUSED);
    return G_SOURCE_REMOVE;
}

static void
await(KtLoop *loop, guint *source, gint64 usec, GSourceFunc on_time)
{
    g_clear_handle_id(source, g_source_remove);
    if (usec > 0)
        *source = g_timeout_add_seconds((guint)(usec / G_USEC_PER_SEC) + 1, on_time, loop);
}

static void
on_look_done(KtLook *look, gpointer data)
{
    KtLoop *loop = data;
    loop->busy = false;
    kt_loop_tell(loop, look);
    kt_loop_count(loop, look);
    kt_look_keep_known(look, loop->last);
    kt_look_free(loop->last);
    loop->last = look;
    g_autofree char *status = kt_loop_status_line(loop);
    kt_notify_status(status);
    if (loop->stopping) {
        g_main_loop_quit(loop->main);
        return;
    }
    follow_up(loop, look);
    /* Each look finds these anew, should the clock be set meanwhile. */
    await(loop, &loop->window, look->opens_usec, on_window);
    await(loop, &loop->next_try, look->retry_usec, on_next_try);
    await(loop, &loop->shrink, look->shrinks_usec, on_shrink);
    consider(loop);
}

static gboolean
on_full_look(gpointer data)
{
    note(data, KT_EVENT_FULL_LOOK);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_watchdog(gpointer data)
{
    KtLoop *loop = data;
    if (!loop->busy || g_get_monotonic_time() < atomic_load(&loop->stuck_usec))
        kt_notify_alive();
    return G_SOURCE_CONTINUE;
}

/** The step that is being done is done; the loop ends with it. */
static gboolean
on_terminate(gpointer data)
{
    KtLoop *loop = data;
    if (loop->stopping)
        return G_SOURCE_CONTINUE;
    loop->stopping = true;
    kt_notify_stopping();
    g_cancellable_cancel(loop->stop);
    kt_loop_tell_end();
    if (!loop->busy)
        g_main_loop_quit(loop->main);
    return G_SOURCE_CONTINUE;
}

/** Why the profile can't be kept as it is written now: a document, and said in the log. */
static json_t *
refuse_profile(const KtLoop *loop, const GPtrArray *diagnostics, const GError *error)
{
    kt_loop_tell_mistakes(loop, diagnostics, error);
    return error ? kt_error_json(error->message) : kt_errors_json(diagnostics);
}

/** Takes the profile as it is written now; a bad one keeps what there is. Gives the answer to who asked. */
static json_t *
reload(KtLoop *loop)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(GError) error = NULL;
    KtProfile *profile =
        kt_daemon_profile_load(loop->setup->named, loop->setup->state_dir, diagnostics, &error);
    if (!profile)
        return refuse_profile(loop, diagnostics, error);
    g_free(loop->profile_name);
    loop->profile_name = g_strdup(profile->name);
    kt_profile_free(loop->next_profile);
    loop->next_profile = profile;
    kt_loop_tell_profile(loop, KT_EVENT_PROFILE_READ);
    note(loop, KT_EVENT_PROFILE_READ);
    return kt_loop_status_json(loop);
}

static gboolean
on_hangup(gpointer data)
{
    KtLoop *loop = data;
    kt_notify_reloading();
    json_decref(reload(loop));
    g_autofree char *status = kt_loop_status_line(loop);
    kt_notify_ready(status);
    return G_SOURCE_CONTINUE;
}

static json_t *
on_question(const json_t *question, gpointer data)
{
    KtLoop *loop = data;
    const char *ask = json_string_value(json_object_get(question, "ask"));
    if (g_strcmp0(ask, "status") == 0)
        return kt_loop_status_json(loop);
    if (g_strcmp0(ask, "reload") == 0)
        return reload(loop);
    if (g_strcmp0(ask, "release") == 0) {
        if (json_is_true(json_object_get(question, "host")))
            kt_governing_take(loop->governing);
        note(loop, KT_EVENT_RELEASED);
        return kt_loop_status_json(loop);
    }
    return kt_error_json("the daemon doesn't know this question; is it of an older version?");
}

static void
add_sources(KtLoop *loop)
{
    g_unix_signal_add(SIGTERM, on_terminate, loop);
    g_unix_signal_add(SIGINT, on_terminate, loop);
    g_unix_signal_add(SIGHUP, on_hangup, loop);
    g_timeout_add_seconds(FULL_LOOK_SECONDS, on_full_look, loop);
    loop->watchdog_usec = kt_notify_watchdog_usec();
    if (loop->watchdog_usec > 0)
        g_timeout_add((guint)(loop->watchdog_usec / 2000), on_watchdog, loop);
}

static KtWorker *
new_worker(KtLoop *loop)
{
    const KtKeeperSetup setup = {
        .uri = loop->setup->uri,
        .state_dir = loop->setup->state_dir,
        .stop = loop->stop,
        .seen = on_event,
        .progress = on_progress,
        .user_data = loop,
        .governing = loop->governing,
        .following = loop->following,
        .load = loop->load,
        .journal = &loop->journal,
    };
    return kt_worker_new(kt_keeper_new(&setup), on_look_done, loop);
}

static void
loop_clear(KtLoop *loop)
{
    kt_host_events_free(loop->host_events);
    kt_worker_free(loop->worker);
    kt_load_watch_free(loop->load);
    kt_following_free(loop->following);
    kt_governing_free(loop->governing);
    kt_loop_told_clear(&loop->told);
    kt_root_free(loop->root);
    g_mutex_clear(&loop->journal);
    kt_metrics_server_free(loop->metrics);
    kt_control_free(loop->control);
    kt_changes_free(loop->changes);
    kt_profile_free(loop->next_profile);
    kt_look_free(loop->last);
    g_clear_object(&loop->stop);
    g_clear_pointer(&loop->main, g_main_loop_unref);
    g_free(loop->profile_name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtLoop, loop_clear)

bool
kt_loop_run(const KtLoopSetup *setup, KtProfile *profile, GError **error)
{
    g_auto(KtLoop) loop = {.setup = setup, .next_profile = profile};
    g_autofree char *path = kt_control_path(setup->state_dir);
    loop.profile_name = g_strdup(profile->name);
    loop.began_usec = g_get_real_time();
    loop.stop = g_cancellable_new();
    loop.changes = kt_changes_new();
    loop.main = g_main_loop_new(NULL, FALSE);
    loop.control = kt_control_new(path, on_question, &loop, error);
    if (!loop.control || !(loop.root = kt_root_open("/", error)))
        return false;
    if (!kt_loop_serve_metrics(&loop, error))
        return false;
    kt_connection_events_are_run();
    loop.governing = kt_governing_new(loop.root, setup->state_dir, &loop.journal);
    loop.following = kt_following_new(loop.root, setup->state_dir, &loop.journal, on_event, &loop);
    loop.load =
        kt_load_watch_new(&kt_load_times, loop.root, setup->state_dir, &loop.journal, on_event, &loop);
    loop.worker = new_worker(&loop);
    add_sources(&loop);
    hear_host(&loop);
    kt_loop_tell_profile(&loop, KT_EVENT_DAEMON_STARTED);
    note(&loop, KT_EVENT_DAEMON_STARTED);
    /* Not only after the first look: that may disturb guests, which takes its time, and from here on it is
     * watched. */
    kt_notify_ready("looks at everything");
    g_main_loop_run(loop.main);
    return true;
}
