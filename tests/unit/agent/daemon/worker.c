/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/worker.h"

#include <libvirt/virterror.h>

#include "probes/connection.h"
#include "tests/unit/fake_root.h"

#define LOOKS 5

/* For the leak checker: a driver without a daemon takes the callback for the daemon's end, and forgets to
 * free it. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:connect_hypervisor\n";
}

/** What the main loop was told. */
typedef struct {
    GThread *main;
    guint n_told;
    guint n_elsewhere; /* in another thread */
    guint n_done;      /* changes made in all looks */
    KtLookEnd last;
    char *message;
    GCancellable *stop;
    char *state;
    GMutex journal;
    KtGoverning *governing;
    KtFollowing *following;
    KtLoadWatch *load;
    _Atomic guint progress;
} Told;

static void
quiet(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

static void
on_seen(const char *uuid, KtEvent event, const char *words, gpointer data)
{
    (void)uuid, (void)event, (void)words, (void)data;
}

static void
on_progress(bool lasts, gpointer data)
{
    Told *told = data;
    g_assert_false(lasts);
    told->progress++;
}

static void
on_done(KtLook *look, gpointer data)
{
    Told *told = data;
    told->n_told++;
    told->n_elsewhere += g_thread_self() != told->main;
    told->n_done += look->n_done;
    told->last = look->end;
    g_free(told->message);
    told->message = g_strdup(look->message);
    kt_look_free(look);
}

static KtWorker *
worker_on_test_driver(Told *told)
{
    const KtKeeperSetup setup = {.uri = "test:///default",
                                 .state_dir = told->state,
                                 .stop = told->stop,
                                 .seen = on_seen,
                                 .progress = on_progress,
                                 .governing = told->governing,
                                 .following = told->following,
                                 .load = told->load,
                                 .journal = &told->journal,
                                 .user_data = told};
    return kt_worker_new(kt_keeper_new(&setup), on_done, told);
}

static KtChangeSet *
everything(void)
{
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, NULL, KT_EVENT_DAEMON_STARTED, NULL, 0);
    return kt_changes_take(changes, 0);
}

static KtProfile *
profile(const char *text)
{
    g_autoptr(GPtrArray) mistakes = g_ptr_array_new();
    KtProfile *parsed = kt_profile_parse("x.conf", text, mistakes);
    g_assert_cmpuint(mistakes->len, ==, 0);
    return parsed;
}

static void
test_looks_in_its_thread(void)
{
    /* given a keeper of a profile with one wish for the test driver's domain */
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    Told told = {.main = g_thread_self(), .stop = g_cancellable_new()};
    told.state = g_build_filename(host->directory, "state", NULL);
    g_mutex_init(&told.journal);
    told.governing = kt_governing_new(host->root, told.state, &told.journal);
    told.following = kt_following_new(host->root, told.state, &told.journal, on_seen, &told);
    told.load = kt_load_watch_new(&kt_load_times, host->root, told.state, &told.journal, on_seen, &told);
    KtWorker *worker = worker_on_test_driver(&told);

    /* when it is to look several times, while this thread goes on */
    for (guint i = 0; i < LOOKS; i++)
        kt_worker_look(worker, everything(), i == 0 ? profile("[domain test]\nmemory.ksm = no\n") : NULL);
    while (told.n_told < LOOKS)
        g_main_context_iteration(NULL, TRUE);
    kt_worker_free(worker);
    kt_load_watch_free(told.load);
    kt_following_free(told.following);
    kt_governing_free(told.governing);
    g_mutex_clear(&told.journal);

    /* then each is told here, the first has made the change, and the others found nothing to do */
    g_assert_cmpstr(told.message, ==, NULL);
    g_assert_cmpint(told.last, ==, KT_LOOK_DONE);
    g_assert_cmpuint(told.n_elsewhere, ==, 0);
    g_assert_cmpuint(told.n_done, ==, 1);
    g_assert_cmpuint(told.progress, >, 0);
    g_free(told.message);
    g_free(told.state);
    g_object_unref(told.stop);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, quiet);
    /* As the daemon does: else libvirt's own thread would be the one that is told. */
    kt_connection_events_are_run();
    g_test_add_func("/worker/looks-in-its-thread", test_looks_in_its_thread);
    return g_test_run();
}
