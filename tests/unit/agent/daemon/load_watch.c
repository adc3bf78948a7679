/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/load_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_root.h"

#define PROCESS "proc/4242"
#define THREAD PROCESS "/task/4243"
/* More than a busy machine ever takes. */
#define PATIENCE_USEC G_TIME_SPAN_MINUTE
#define UUID "00000000-0000-0000-0000-000000000001"

/* A guest for whom it was planned again waits for long. */
static const KtLoadTimes times = {
    .every_usec = 20 * G_TIME_SPAN_MILLISECOND,
    .bad_usec = 40 * G_TIME_SPAN_MILLISECOND,
    .hold_off_usec = G_TIME_SPAN_HOUR,
    .most_usec = G_TIME_SPAN_HOUR,
};

/** A host with a guest whose only vCPU waits ever longer, and who is told of it. */
typedef struct {
    FakeHost *host;
    char *state;
    GMutex journal;
    KtLoadWatch *watch;
    int schedstat;
    gint64 delay_ns;
    _Atomic guint *n_warnings;
    char *seen;
} Scene;

static void
on_seen(const char *uuid, KtEvent event, const char *words, gpointer data)
{
    Scene *scene = data;
    g_assert_null(uuid);
    g_assert_cmpint(event, ==, KT_EVENT_WAITS_FOR_CPU);
    g_assert_null(scene->seen);
    scene->seen = g_strdup(words);
}

static GLogWriterOutput
count_warnings(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    _Atomic guint *n_warnings = data;
    (void)fields, (void)n;
    *n_warnings += (level & G_LOG_LEVEL_WARNING) != 0;
    return G_LOG_WRITER_HANDLED;
}

static GPtrArray *
the_guest(void)
{
    GPtrArray *guests = g_ptr_array_new_with_free_func((GDestroyNotify)kt_watched_guest_free);
    KtWatchedGuest *guest = g_new0(KtWatchedGuest, 1);
    *guest = (KtWatchedGuest){g_strdup(UUID), g_strdup("a"), g_strdup("4242:777"), true};
    g_ptr_array_add(guests, guest);
    return guests;
}

static Scene *
scene_new(gconstpointer n_warnings)
{
    static const FakeFile files[] = {
        {PROCESS "/stat", "4242 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 777 0"},
        {PROCESS "/task/4242/comm", "qemu"},
        {PROCESS "/task/4242/status", "Cpus_allowed_list:\t0\n"},
        {THREAD "/comm", "CPU 0/KVM"},
        {THREAD "/status", "Cpus_allowed_list:\t0\n"},
        {THREAD "/schedstat", "0 0000000000000000000 1"},
        {NULL, NULL},
    };
    Scene *scene = g_new0(Scene, 1);
    scene->host = fake_host_new(files);
    scene->state = g_build_filename(scene->host->directory, "state", NULL);
    g_assert_cmpint(mkdir(scene->state, 0700), ==, 0);
    g_autofree char *schedstat = g_build_filename(scene->host->directory, THREAD "/schedstat", NULL);
    scene->schedstat = open(schedstat, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(scene->schedstat, >=, 0);
    g_mutex_init(&scene->journal);
    scene->n_warnings = (_Atomic guint *)n_warnings;
    *scene->n_warnings = 0;
    scene->watch =
        kt_load_watch_new(&times, scene->host->root, scene->state, &scene->journal, on_seen, scene);
    kt_load_watch_tell(scene->watch, the_guest());
    return scene;
}

static void
scene_free(Scene *scene)
{
    kt_load_watch_free(scene->watch);
    g_mutex_clear(&scene->journal);
    close(scene->schedstat);
    fake_host_free(scene->host);
    g_free(scene->state);
    g_free(scene->seen);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

/* A moment goes by in which it has waited for a CPU. */
static void
wait_on(Scene *scene)
{
    char text[64];
    scene->delay_ns += 10000000;
    int length = snprintf(text, sizeof text, "0 %019" G_GINT64_FORMAT " 1", scene->delay_ns);
    g_assert_cmpint(pwrite(scene->schedstat, text, (gsize)length, 0), ==, length);
    g_main_context_iteration(NULL, FALSE);
}

/* As many as several samples take. */
static void
wait_long(Scene *scene)
{
    gint64 end = g_get_monotonic_time() + 10 * times.every_usec;
    while (g_get_monotonic_time() < end)
        wait_on(scene);
}

/* Until it is to be planned again. */
static void
wait_for_plan(Scene *scene)
{
    gint64 end = g_get_monotonic_time() + PATIENCE_USEC;
    while (!scene->seen && g_get_monotonic_time() < end)
        wait_on(scene);
    g_assert_nonnull(scene->seen);
}

static guint
tries_of(const Scene *scene)
{
    g_autoptr(GPtrArray) figures = kt_load_watch_figures(scene->watch);
    g_assert_cmpuint(figures->len, ==, 1);
    return ((const KtLoadFigures *)figures->pdata[0])->tries;
}

/* Whether anything is recorded of it. */
static bool
is_recorded(const Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournal) journal = kt_journal_open(scene->state, KT_JOURNAL_READ, &error);
    g_autoptr(KtSnapshot) snapshot = g_new0(KtSnapshot, 1);
    KtDomain *domain = kt_domain_new("a", UUID);
    KtVcpu *vcpu = g_new0(KtVcpu, 1);
    g_assert_no_error(error);
    vcpu->online = true;
    g_ptr_array_add(domain->vcpus, vcpu);
    domain->process = g_strdup("4242:777");
    snapshot->domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    g_ptr_array_add(snapshot->domains, domain);
    g_assert_true(kt_journal_fill_loads(journal, snapshot, &error));
    g_assert_no_error(error);
    return domain->recent_load > 0;
}

/* Who waits leads to a plan, and what was measured is there for it. */
static void
test_planned(gconstpointer n_warnings)
{
    g_autoptr(Scene) scene = scene_new(n_warnings);
    wait_for_plan(scene);
    g_assert_true(g_str_has_prefix(scene->seen, "a waits for a CPU "));
    g_assert_true(is_recorded(scene));
    kt_load_watch_note_planned(scene->watch, g_get_monotonic_time());
    g_assert_cmpuint(kt_load_watch_replans(scene->watch), ==, 1);
    g_assert_cmpuint(tries_of(scene), ==, 1);
    g_assert_cmpuint(*scene->n_warnings, ==, 0);
}

/* A look that failed tells nothing, and one that had begun before didn't know the loads: until there is
 * another one nothing is tried, and nothing else decided. */
static void
test_not_planned_yet(gconstpointer n_warnings)
{
    g_autoptr(Scene) scene = scene_new(n_warnings);
    gint64 before = g_get_monotonic_time();
    wait_for_plan(scene);
    kt_load_watch_note_planned(scene->watch, before);
    wait_long(scene);
    g_assert_cmpuint(kt_load_watch_replans(scene->watch), ==, 0);
    g_assert_cmpuint(tries_of(scene), ==, 0);
    kt_load_watch_note_planned(scene->watch, g_get_monotonic_time());
    kt_load_watch_note_planned(scene->watch, g_get_monotonic_time());
    g_assert_cmpuint(kt_load_watch_replans(scene->watch), ==, 1);
    g_assert_cmpuint(tries_of(scene), ==, 1);
}

/* What could not be recorded is decided again once it can: the guest waits still. */
static void
test_cannot_be_recorded(gconstpointer n_warnings)
{
    g_autoptr(Scene) scene = scene_new(n_warnings);
    g_assert_cmpint(chmod(scene->state, 0777), ==, 0);
    gint64 end = g_get_monotonic_time() + PATIENCE_USEC;
    while (*scene->n_warnings == 0 && g_get_monotonic_time() < end)
        wait_on(scene);
    g_assert_cmpuint(*scene->n_warnings, ==, 1);
    g_assert_cmpuint(kt_load_watch_replans(scene->watch), ==, 0);
    wait_long(scene);
    g_assert_cmpuint(*scene->n_warnings, ==, 1);

    g_assert_cmpint(chmod(scene->state, 0700), ==, 0);
    wait_for_plan(scene);
    g_assert_true(is_recorded(scene));
}

/* What can't be read for some samples isn't forgotten. */
static void
test_unreadable_for_a_while(gconstpointer n_warnings)
{
    static const char garbage[] = "- -";
    g_autoptr(Scene) scene = scene_new(n_warnings);
    wait_for_plan(scene);
    kt_load_watch_note_planned(scene->watch, g_get_monotonic_time());
    g_assert_cmpint(pwrite(scene->schedstat, garbage, strlen(garbage), 0), ==, strlen(garbage));
    g_usleep((gulong)(10 * times.every_usec));
    g_assert_cmpuint(tries_of(scene), ==, 1);
}

/* While a run of the daemon's has the journal it waits for it. */
static void
test_waits_for_the_journal(gconstpointer n_warnings)
{
    g_autoptr(Scene) scene = scene_new(n_warnings);
    g_mutex_lock(&scene->journal);
    wait_long(scene);
    g_assert_null(scene->seen);
    g_mutex_unlock(&scene->journal);
    wait_for_plan(scene);
    g_assert_true(is_recorded(scene));
    g_assert_cmpuint(*scene->n_warnings, ==, 0);
}

int
main(int argc, char **argv)
{
    _Atomic guint n_warnings = 0;
    g_test_init(&argc, &argv, NULL);
    /* A warning is counted, not the end. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_log_set_writer_func(count_warnings, &n_warnings, NULL);
    g_test_add_data_func("/load-watch/planned", &n_warnings, test_planned);
    g_test_add_data_func("/load-watch/not-planned-yet", &n_warnings, test_not_planned_yet);
    g_test_add_data_func("/load-watch/cannot-be-recorded", &n_warnings, test_cannot_be_recorded);
    g_test_add_data_func("/load-watch/unreadable-for-a-while", &n_warnings, test_unreadable_for_a_while);
    g_test_add_data_func("/load-watch/waits-for-the-journal", &n_warnings, test_waits_for_the_journal);
    return g_test_run();
}
