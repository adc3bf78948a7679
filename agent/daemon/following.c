/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/following.h"

#include "agent/daemon/journey.h"
#include "agent/exec/page_journey.h"
#include "base/error.h"

/* What a look has seen may be from before the end of a journey. */
#define AGAIN_USEC G_TIME_SPAN_MINUTE
/* What the kernel doesn't move now it won't in a minute either. */
#define STUCK_AGAIN_USEC (30 * G_TIME_SPAN_MINUTE)
/* How long the daemon's end waits for who has the journal. */
#define END_TRIES 5
#define END_USEC (100 * G_TIME_SPAN_MILLISECOND)

struct KtFollowing {
    GThread *thread;
    KtJourneySetup setup;
    char *state_dir;
    KtEventSeen seen;
    gpointer user_data;
    /* Only the thread touches these. */
    GPtrArray *journeys; /* KtJourney, in the order of their turns */
    bool is_heir;        /* what a daemon that was killed has left begun may still be recorded so */
    gint64 parted_kib;   /* what those that are no longer in journeys had moved */
    GMutex mutex;        /* of what follows */
    GCond told;
    bool stopping;
    bool news;          /* something was told that the thread doesn't know yet */
    GPtrArray *steps;   /* KtJournalStep: what is wanted; taken over by the thread */
    GPtrArray *staying; /* KtFollowed */
    char *profile;
    char *why;
    GPtrArray *wanted;  /* "UUID process nodes" of what was told last: char * */
    GPtrArray *figures; /* KtFollowed */
    gint64 moved_kib;   /* by all of them */
};

void
kt_followed_free(KtFollowed *followed)
{
    if (!followed)
        return;
    g_free(followed->name);
    g_free(followed->from);
    g_free(followed->to);
    g_free(followed->reason);
    g_free(followed);
}

static GPtrArray *
followed_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)kt_followed_free);
}

static KtFollowed *
copy(const KtFollowed *followed)
{
    KtFollowed *twin = g_memdup2(followed, sizeof *followed);
    twin->name = g_strdup(followed->name);
    twin->from = g_strdup(followed->from);
    twin->to = g_strdup(followed->to);
    twin->reason = g_strdup(followed->reason);
    return twin;
}

const char *
kt_following_state_name(KtFollowingState state)
{
    static const char *const names[] = {
        [KT_FOLLOWING_WAITS] = "waits", [KT_FOLLOWING_MOVES] = "moves", [KT_FOLLOWING_THERE] = "there",
        [KT_FOLLOWING_STAYS] = "stays", [KT_FOLLOWING_LEFT] = "left",
    };
    return names[state];
}

/* On its way to the main context. */
typedef struct {
    KtEventSeen seen;
    gpointer user_data;
    char *uuid;
} Arrival;

static void
arrival_free(gpointer data)
{
    Arrival *arrival = data;
    g_free(arrival->uuid);
    g_free(arrival);
}

static gboolean
deliver(gpointer data)
{
    const Arrival *arrival = data;
    arrival->seen(arrival->uuid, KT_EVENT_MEMORY_MOVED, NULL, arrival->user_data);
    return G_SOURCE_REMOVE;
}

/* What was planned for is to be looked at again: others count on the room that there is now. */
static void
announce_arrival(const KtFollowing *following, const KtJourney *journey)
{
    Arrival *arrival = g_new0(Arrival, 1);
    arrival->seen = following->seen;
    arrival->user_data = following->user_data;
    arrival->uuid = g_strdup(kt_journey_step(journey)->domain_uuid);
    /* The main loop owns it from here. */
    g_idle_add_full(G_PRIORITY_DEFAULT, deliver, arrival, arrival_free);
    /* cppcheck-suppress memleak */
}

/* Whether @steps ask for @journey, and which. */
static bool
is_wanted(const KtJourney *journey, const GPtrArray *steps, guint *ret_index)
{
    for (guint i = 0; i < steps->len; i++)
        if (kt_journey_is(journey, steps->pdata[i])) {
            *ret_index = i;
            return true;
        }
    return false;
}

/* From when on one that has ended may be tried again. What was given up at once: who took it back may have
 * had a reason, which is judged then. */
static gint64
due_again_usec(const KtJourney *journey)
{
    g_autoptr(KtFollowed) figures = kt_journey_figures(journey);
    if (figures->state == KT_FOLLOWING_LEFT)
        return 0;
    return kt_journey_ended_usec(journey) +
           (figures->state == KT_FOLLOWING_STAYS ? STUCK_AGAIN_USEC : AGAIN_USEC);
}

/* Takes over what was told: what is wanted and on its way goes on, what isn't wanted ends, and the rest
 * begins. With the mutex held. */
static void
take_over(KtFollowing *following, gint64 now_usec)
{
    following->news = false;
    if (!following->steps)
        return;
    g_autoptr(GPtrArray) steps = g_steal_pointer(&following->steps);
    for (guint i = 0; i < following->journeys->len;) {
        KtJourney *journey = following->journeys->pdata[i];
        guint index = 0;
        bool wanted = is_wanted(journey, steps, &index);
        bool goes = kt_journey_is_over(journey) && (!wanted || due_again_usec(journey) <= now_usec);
        if (!wanted)
            kt_journey_leave(journey, "it is no longer wanted there");
        if (wanted && !goes)
            g_ptr_array_remove_index(steps, index);
        if (!goes) {
            i++;
            continue;
        }
        following->parted_kib += kt_journey_moved_kib(journey);
        g_ptr_array_remove_index(following->journeys, i);
    }
    for (guint i = 0; i < steps->len; i++)
        g_ptr_array_add(following->journeys, kt_journey_new(&following->setup, steps->pdata[i],
                                                            following->profile, following->why));
    /* The journeys own them from here. */
    g_ptr_array_set_free_func(steps, NULL);
}

/* What a step asks for. Owned. */
static char *
name_wish(const KtJournalStep *step)
{
    const KtJournalAction *action = step->actions->pdata[0];
    return g_strjoin(" ", step->domain_uuid, step->process, action->to, NULL);
}

/* What may be tried again isn't known any more: the next plan judges anew whether it is still wanted. */
static void
forget_wish(KtFollowing *following, const KtJourney *journey)
{
    g_autofree char *wish = name_wish(kt_journey_step(journey));
    guint index;
    g_mutex_lock(&following->mutex);
    if (g_ptr_array_find_with_equal_func(following->wanted, wish, g_str_equal, &index))
        g_ptr_array_remove_index(following->wanted, index);
    g_mutex_unlock(&following->mutex);
}

/* One that has ended: gives when it may be tried again. */
static gint64
look_back(KtFollowing *following, const KtJourney *journey, gint64 now_usec)
{
    gint64 due = due_again_usec(journey);
    if (due > now_usec)
        return due;
    forget_wish(following, journey);
    return G_MAXINT64;
}

static bool
end_killed(KtJournal *journal, gpointer data, GError **error)
{
    (void)data;
    return kt_page_journeys_end_killed(journal, error);
}

static bool
find_killed(const KtFollowing *following, bool *ret_was, GError **error)
{
    g_autoptr(KtJournal) journal = kt_journal_open(following->state_dir, KT_JOURNAL_READ, error);
    return journal && kt_page_journey_was_killed(journal, ret_was, error);
}

/* Before anything is begun: what a daemon that was killed has left begun has ended. False where somebody is
 * at the journal. */
static bool
inherit(KtFollowing *following)
{
    g_autoptr(GError) error = NULL;
    bool was_killed = false;
    if (following->is_heir &&
        (!find_killed(following, &was_killed, &error) ||
         (was_killed && !kt_journal_turn(&following->setup.turn, end_killed, NULL, &error)))) {
        if (g_error_matches(error, KT_ERROR, KT_ERROR_HELD))
            return false;
        g_warning("what memory was on its way when the daemon was killed isn't known: %s", error->message);
    }
    following->is_heir = false;
    return true;
}

/* Those that have ended are recorded, and the first of the others goes on that can. Gives when to call again.
 */
static gint64
go_on(KtFollowing *following)
{
    gint64 next = G_MAXINT64;
    bool moving = false;
    if (!inherit(following))
        return g_get_monotonic_time() + KT_JOURNAL_TURN_USEC;
    for (guint i = 0; i < following->journeys->len; i++) {
        KtJourney *journey = following->journeys->pdata[i];
        bool over = kt_journey_ended_usec(journey) > 0;
        if (moving && !over)
            continue;
        next = MIN(next, kt_journey_go_on(journey, g_get_monotonic_time()));
        moving = moving || kt_journey_is_moving(journey);
        if (kt_journey_ended_usec(journey) == 0)
            continue;
        next = MIN(next, look_back(following, journey, g_get_monotonic_time()));
        if (!over)
            announce_arrival(following, journey);
    }
    return next;
}

/* With the mutex held. */
static void
publish(KtFollowing *following)
{
    g_ptr_array_set_size(following->figures, 0);
    following->moved_kib = following->parted_kib;
    for (guint i = 0; i < following->journeys->len; i++) {
        g_ptr_array_add(following->figures, kt_journey_figures(following->journeys->pdata[i]));
        following->moved_kib += kt_journey_moved_kib(following->journeys->pdata[i]);
    }
}

/* Waits until something is told, or it is time. */
static void
wait(KtFollowing *following, gint64 until_usec)
{
    while (!following->stopping && !following->news) {
        if (until_usec == G_MAXINT64)
            g_cond_wait(&following->told, &following->mutex);
        else if (!g_cond_wait_until(&following->told, &following->mutex, until_usec))
            break;
    }
}

/* The daemon ends: what is on its way stays where it is, and that is recorded. */
static void
leave_all(KtFollowing *following)
{
    gint64 next = 0;
    for (guint i = 0; i < following->journeys->len; i++)
        kt_journey_leave(following->journeys->pdata[i], "the daemon has ended");
    for (guint i = 0; i < END_TRIES && next != G_MAXINT64; i++) {
        if (i > 0)
            g_usleep(END_USEC);
        next = go_on(following);
    }
}

static gpointer
follow(gpointer data)
{
    KtFollowing *following = data;
    gint64 next = G_MAXINT64;
    g_mutex_lock(&following->mutex);
    for (wait(following, next); !following->stopping; wait(following, next)) {
        take_over(following, g_get_monotonic_time());
        g_mutex_unlock(&following->mutex);
        next = go_on(following);
        g_mutex_lock(&following->mutex);
        publish(following);
    }
    g_mutex_unlock(&following->mutex);
    leave_all(following);
    return NULL;
}

KtFollowing *
kt_following_new(const KtRoot *root, const char *state_dir, GMutex *journal, KtEventSeen seen,
                 gpointer user_data)
{
    KtFollowing *following = g_new0(KtFollowing, 1);
    following->state_dir = g_strdup(state_dir);
    following->is_heir = true;
    following->setup = (KtJourneySetup){root, {following->state_dir, journal}};
    following->seen = seen;
    following->user_data = user_data;
    following->journeys = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journey_free);
    following->figures = followed_new();
    following->staying = followed_new();
    following->wanted = g_ptr_array_new_with_free_func(g_free);
    g_mutex_init(&following->mutex);
    g_cond_init(&following->told);
    following->thread = g_thread_new("following", follow, following);
    return following;
}

void
kt_following_free(KtFollowing *following)
{
    if (!following)
        return;
    g_mutex_lock(&following->mutex);
    following->stopping = true;
    g_cond_signal(&following->told);
    g_mutex_unlock(&following->mutex);
    g_thread_join(following->thread);
    g_ptr_array_unref(following->journeys);
    g_ptr_array_unref(following->figures);
    g_ptr_array_unref(following->staying);
    g_ptr_array_unref(following->wanted);
    g_clear_pointer(&following->steps, g_ptr_array_unref);
    g_mutex_clear(&following->mutex);
    g_cond_clear(&following->told);
    g_free(following->state_dir);
    g_free(following->profile);
    g_free(following->why);
    g_free(following);
}

void
kt_following_tell(KtFollowing *following, const char *profile, GPtrArray *steps, GPtrArray *staying,
                  const char *why)
{
    g_mutex_lock(&following->mutex);
    g_clear_pointer(&following->steps, g_ptr_array_unref);
    g_ptr_array_unref(following->staying);
    g_ptr_array_set_size(following->wanted, 0);
    for (guint i = 0; i < steps->len; i++)
        g_ptr_array_add(following->wanted, name_wish(steps->pdata[i]));
    following->steps = steps;
    following->staying = staying;
    g_free(following->profile);
    g_free(following->why);
    following->profile = g_strdup(profile);
    following->why = g_strdup(why);
    following->news = true;
    g_cond_signal(&following->told);
    g_mutex_unlock(&following->mutex);
}

bool
kt_following_knows(KtFollowing *following, const GPtrArray *steps)
{
    bool all = true;
    g_mutex_lock(&following->mutex);
    for (guint i = 0; i < steps->len && all; i++) {
        g_autofree char *wish = name_wish(steps->pdata[i]);
        all = g_ptr_array_find_with_equal_func(following->wanted, wish, g_str_equal, NULL);
    }
    g_mutex_unlock(&following->mutex);
    return all;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    const KtFollowed *one = *(const KtFollowed *const *)a, *other = *(const KtFollowed *const *)b;
    return g_strcmp0(one->name, other->name);
}

GPtrArray *
kt_following_figures(KtFollowing *following)
{
    GPtrArray *all = followed_new();
    g_mutex_lock(&following->mutex);
    for (guint i = 0; i < following->figures->len; i++)
        g_ptr_array_add(all, copy(following->figures->pdata[i]));
    for (guint i = 0; i < following->staying->len; i++)
        g_ptr_array_add(all, copy(following->staying->pdata[i]));
    g_mutex_unlock(&following->mutex);
    g_ptr_array_sort(all, compare_names);
    return all;
}

gint64
kt_following_moved_kib(KtFollowing *following)
{
    g_mutex_lock(&following->mutex);
    gint64 kib = following->moved_kib;
    g_mutex_unlock(&following->mutex);
    return kib;
}
