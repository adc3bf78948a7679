/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/load_watch.h"

#include <stdlib.h>

#include "agent/daemon/decisions.h"
#include "agent/daemon/journal_turn.h"
#include "base/error.h"
#include "probes/qemu_process.h"

struct KtLoadWatch {
    GThread *thread;
    const KtLoadTimes *times;
    const KtRoot *root;
    char *state_dir;
    KtJournalTurn turn;
    KtEventSeen seen;
    gpointer user_data;
    GPtrArray *guests;   /* KtWatchedGuest; only the thread touches it, and the next four */
    GHashTable *threads; /* process → KtQemuThreads: threads aren't looked for each time */
    GPtrArray *loads;    /* KtMeasuredLoad: to be planned with from now on; NULL = nothing was decided */
    char *seen_now;      /* why */
    char *trouble;       /* why the last decision came to nothing; NULL = it came true */
    GMutex mutex;        /* of what follows */
    GCond told;
    bool stopping;
    GPtrArray *news; /* KtWatchedGuest that the thread doesn't know yet; NULL = none */
    KtLoadJudge *judge;
    gint64 recorded_usec; /* when loads were recorded that no look has planned with yet; 0 = there are none */
    guint64 n_replans;
};

void
kt_watched_guest_free(KtWatchedGuest *guest)
{
    if (!guest)
        return;
    g_free(guest->uuid);
    g_free(guest->name);
    g_free(guest->process);
    g_free(guest);
}

static void
clear_decision(KtLoadWatch *watch)
{
    g_clear_pointer(&watch->loads, g_ptr_array_unref);
    g_clear_pointer(&watch->seen_now, g_free);
}

/* Threads of processes that are there no more go, and of who may have got vCPUs they are looked for anew.
 * With the mutex held. */
static void
take_over(KtLoadWatch *watch)
{
    if (!watch->news)
        return;
    g_ptr_array_unref(watch->guests);
    watch->guests = g_steal_pointer(&watch->news);
    g_hash_table_remove_all(watch->threads);
}

static const KtQemuThreads *
find_threads(KtLoadWatch *watch, const char *process, gint64 pid)
{
    KtQemuThreads *threads = g_hash_table_lookup(watch->threads, process);
    if (!threads && (threads = kt_qemu_threads_read(watch->root, pid)))
        g_hash_table_insert(watch->threads, g_strdup(process), threads);
    return threads;
}

static gint
compare_ids(gconstpointer a, gconstpointer b)
{
    guint one = GPOINTER_TO_UINT(*(const gconstpointer *)a),
          other = GPOINTER_TO_UINT(*(const gconstpointer *)b);
    return one < other ? -1 : one > other;
}

/* Times of its vCPUs, by their ids; false where one of them can't be read. */
static bool
read_times(const KtRoot *root, gint64 pid, const KtQemuThreads *threads, GArray *time_ns, GArray *delay_ns)
{
    guint n;
    g_autofree gpointer *ids = g_hash_table_get_keys_as_array(threads->vcpu_tids, &n);
    qsort(ids, n, sizeof *ids, compare_ids);
    for (guint i = 0; i < n; i++) {
        gint64 ran, waited;
        kt_qemu_vcpu_times(root, pid, threads, GPOINTER_TO_UINT(ids[i]), &ran, &waited);
        if (ran == KT_ABSENT || waited == KT_ABSENT)
            return false;
        g_array_append_val(time_ns, ran);
        g_array_append_val(delay_ns, waited);
    }
    return n > 0;
}

/* Its threads may be others by now. */
static void
keep(KtLoadWatch *watch, const KtWatchedGuest *guest, gint64 now_usec)
{
    g_hash_table_remove(watch->threads, guest->process);
    g_mutex_lock(&watch->mutex);
    kt_load_judge_keep(watch->judge, guest->uuid, now_usec);
    g_mutex_unlock(&watch->mutex);
}

static void
look_at(KtLoadWatch *watch, const KtWatchedGuest *guest, gint64 now_usec)
{
    gint64 pid = guest->process ? g_ascii_strtoll(guest->process, NULL, 10) : 0;
    g_autofree char *identity = pid > 0 ? kt_qemu_process_identity(watch->root, pid) : NULL;
    if (!identity || g_strcmp0(identity, guest->process) != 0)
        return;
    const KtQemuThreads *threads = find_threads(watch, guest->process, pid);
    g_autoptr(GArray) time_ns = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) delay_ns = g_array_new(FALSE, FALSE, sizeof(gint64));
    if (!threads || !read_times(watch->root, pid, threads, time_ns, delay_ns)) {
        keep(watch, guest, now_usec);
        return;
    }
    const KtLoadSample sample = {
        .uuid = guest->uuid,
        .name = guest->name,
        .process = guest->process,
        .now_usec = now_usec,
        .placed = guest->placed,
        .n = time_ns->len,
        .time_ns = (const gint64 *)(gpointer)time_ns->data,
        .delay_ns = (const gint64 *)(gpointer)delay_ns->data,
    };
    g_mutex_lock(&watch->mutex);
    kt_load_judge_add(watch->judge, &sample);
    g_mutex_unlock(&watch->mutex);
}

/* On its way to the main context. */
typedef struct {
    KtEventSeen seen;
    gpointer user_data;
    char *words;
} Message;

static void
message_free(gpointer data)
{
    Message *message = data;
    g_free(message->words);
    g_free(message);
}

static gboolean
deliver(gpointer data)
{
    const Message *message = data;
    message->seen(NULL, KT_EVENT_WAITS_FOR_CPU, message->words, message->user_data);
    return G_SOURCE_REMOVE;
}

/* @words are taken over. */
static void
announce(const KtLoadWatch *watch, char *words)
{
    Message *message = g_new0(Message, 1);
    message->seen = watch->seen;
    message->user_data = watch->user_data;
    message->words = words;
    /* The main loop owns it from here. */
    g_idle_add_full(G_PRIORITY_DEFAULT, deliver, message, message_free);
    /* cppcheck-suppress memleak */
}

static void
look(KtLoadWatch *watch)
{
    gint64 now = g_get_monotonic_time();
    char *seen = NULL;
    for (guint i = 0; i < watch->guests->len; i++)
        look_at(watch, watch->guests->pdata[i], now);
    clear_decision(watch);
    g_mutex_lock(&watch->mutex);
    kt_load_judge_forget(watch->judge, now);
    if (!watch->recorded_usec && kt_load_judge_is_due(watch->judge, now, &seen)) {
        watch->seen_now = seen;
        watch->loads = kt_load_judge_loads(watch->judge);
    }
    g_mutex_unlock(&watch->mutex);
}

static bool
record(KtJournal *journal, gpointer loads, GError **error)
{
    return kt_journal_set_loads(journal, loads, error);
}

static void
note_recorded(KtLoadWatch *watch)
{
    g_mutex_lock(&watch->mutex);
    watch->recorded_usec = g_get_monotonic_time();
    kt_load_judge_decide(watch->judge, watch->recorded_usec);
    g_mutex_unlock(&watch->mutex);
    g_clear_pointer(&watch->trouble, g_free);
    kt_decision_log_load(watch->seen_now, NULL);
    announce(watch, g_steal_pointer(&watch->seen_now));
}

/* Said once: the next looks come to the same. */
static void
note_trouble(KtLoadWatch *watch, const char *trouble)
{
    if (g_strcmp0(watch->trouble, trouble) == 0)
        return;
    kt_decision_log_load(watch->seen_now, trouble);
    g_free(watch->trouble);
    watch->trouble = g_strdup(trouble);
}

/* What was decided is recorded, which verbs beside the daemon read, and it is planned anew. False where
 * somebody is at the journal: it is to be tried again. */
static bool
carry_out(KtLoadWatch *watch)
{
    g_autoptr(GError) error = NULL;
    if (!watch->loads)
        return true;
    if (kt_journal_turn(&watch->turn, record, watch->loads, &error))
        note_recorded(watch);
    else if (g_error_matches(error, KT_ERROR, KT_ERROR_HELD))
        return false;
    else
        note_trouble(watch, error->message);
    clear_decision(watch);
    return true;
}

/* With the mutex held. */
static void
wait(KtLoadWatch *watch, gint64 until_usec)
{
    while (!watch->stopping && g_cond_wait_until(&watch->told, &watch->mutex, until_usec))
        continue;
}

static gpointer
watch_load(gpointer data)
{
    KtLoadWatch *watch = data;
    gint64 next = 0;
    g_mutex_lock(&watch->mutex);
    while (!watch->stopping) {
        bool due = g_get_monotonic_time() >= next;
        if (due) {
            next = g_get_monotonic_time() + watch->times->every_usec;
            take_over(watch);
        }
        g_mutex_unlock(&watch->mutex);
        if (due)
            look(watch);
        bool done = carry_out(watch);
        g_mutex_lock(&watch->mutex);
        wait(watch, done ? next : g_get_monotonic_time() + KT_JOURNAL_TURN_USEC);
    }
    g_mutex_unlock(&watch->mutex);
    return NULL;
}

static void
free_threads(gpointer threads)
{
    kt_qemu_threads_free(threads);
}

static GPtrArray *
guests_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)kt_watched_guest_free);
}

KtLoadWatch *
kt_load_watch_new(const KtLoadTimes *times, const KtRoot *root, const char *state_dir, GMutex *journal,
                  KtEventSeen seen, gpointer user_data)
{
    KtLoadWatch *watch = g_new0(KtLoadWatch, 1);
    watch->times = times;
    watch->root = root;
    watch->state_dir = g_strdup(state_dir);
    watch->turn = (KtJournalTurn){watch->state_dir, journal};
    watch->seen = seen;
    watch->user_data = user_data;
    watch->guests = guests_new();
    watch->threads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_threads);
    watch->judge = kt_load_judge_new(times);
    g_mutex_init(&watch->mutex);
    g_cond_init(&watch->told);
    watch->thread = g_thread_new("load", watch_load, watch);
    return watch;
}

void
kt_load_watch_free(KtLoadWatch *watch)
{
    if (!watch)
        return;
    g_mutex_lock(&watch->mutex);
    watch->stopping = true;
    g_cond_signal(&watch->told);
    g_mutex_unlock(&watch->mutex);
    g_thread_join(watch->thread);
    g_ptr_array_unref(watch->guests);
    g_clear_pointer(&watch->news, g_ptr_array_unref);
    g_hash_table_unref(watch->threads);
    clear_decision(watch);
    g_free(watch->trouble);
    g_free(watch->state_dir);
    kt_load_judge_free(watch->judge);
    g_mutex_clear(&watch->mutex);
    g_cond_clear(&watch->told);
    g_free(watch);
}

void
kt_load_watch_tell(KtLoadWatch *watch, GPtrArray *guests)
{
    g_mutex_lock(&watch->mutex);
    g_clear_pointer(&watch->news, g_ptr_array_unref);
    watch->news = guests;
    g_mutex_unlock(&watch->mutex);
}

void
kt_load_watch_note_planned(KtLoadWatch *watch, gint64 began_usec)
{
    g_mutex_lock(&watch->mutex);
    if (watch->recorded_usec && began_usec >= watch->recorded_usec) {
        watch->recorded_usec = 0;
        kt_load_judge_note_tried(watch->judge, g_get_monotonic_time());
        watch->n_replans++;
    }
    g_mutex_unlock(&watch->mutex);
}

guint64
kt_load_watch_replans(KtLoadWatch *watch)
{
    g_mutex_lock(&watch->mutex);
    guint64 n = watch->n_replans;
    g_mutex_unlock(&watch->mutex);
    return n;
}

GPtrArray *
kt_load_watch_figures(KtLoadWatch *watch)
{
    g_mutex_lock(&watch->mutex);
    GPtrArray *figures = kt_load_judge_figures(watch->judge);
    g_mutex_unlock(&watch->mutex);
    return figures;
}
