/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/journey.h"

#include "agent/daemon/decisions.h"
#include "agent/daemon/following_pace.h"
#include "agent/exec/page_journey.h"
#include "agent/exec/page_mover.h"
#include "base/error.h"
#include "probes/kernel.h"
#include "probes/memory.h"

struct KtJourney {
    const KtJourneySetup *setup;
    KtJournalStep *step;
    char *profile;
    char *why;
    KtCpuset *to;
    KtPageMover *mover;
    KtJournal *reader; /* while it is under way */
    KtFollowingState state;
    char *reason;
    gint64 began_usec; /* monotonic; 0 = not recorded as begun */
    gint64 waits_usec; /* since when something is in the way; 0 = nothing is */
    gint64 ended_usec; /* 0 = not yet */
    bool recorded;     /* its end is */
};

KtJourney *
kt_journey_new(const KtJourneySetup *setup, KtJournalStep *step, const char *profile, const char *why)
{
    KtJourney *journey = g_new0(KtJourney, 1);
    journey->setup = setup;
    journey->step = step;
    journey->profile = g_strdup(profile);
    journey->why = g_strdup(why);
    journey->state = KT_FOLLOWING_WAITS;
    journey->reason = g_strdup("waits for its turn");
    return journey;
}

void
kt_journey_free(KtJourney *journey)
{
    if (!journey)
        return;
    kt_journal_step_free(journey->step);
    kt_cpuset_free(journey->to);
    kt_page_mover_free(journey->mover);
    kt_journal_close(journey->reader);
    g_free(journey->profile);
    g_free(journey->why);
    g_free(journey->reason);
    g_free(journey);
}

const KtJournalStep *
kt_journey_step(const KtJourney *journey)
{
    return journey->step;
}

gint64
kt_journey_ended_usec(const KtJourney *journey)
{
    return journey->ended_usec;
}

bool
kt_journey_is_moving(const KtJourney *journey)
{
    return !journey->ended_usec && journey->state == KT_FOLLOWING_MOVES;
}

bool
kt_journey_is_over(const KtJourney *journey)
{
    return journey->recorded;
}

static const KtJournalAction *
only_action(const KtJournalStep *step)
{
    return step->actions->pdata[0];
}

bool
kt_journey_is(const KtJourney *journey, const KtJournalStep *step)
{
    return g_strcmp0(journey->step->domain_uuid, step->domain_uuid) == 0 &&
           g_strcmp0(journey->step->process, step->process) == 0 &&
           g_strcmp0(only_action(journey->step)->to, only_action(step)->to) == 0;
}

/* @reason is taken over. */
static void
set_state(KtJourney *journey, KtFollowingState state, char *reason)
{
    journey->state = state;
    g_free(journey->reason);
    journey->reason = reason;
}

/* The same for good. */
static void
end(KtJourney *journey, KtFollowingState state, char *reason)
{
    set_state(journey, state, reason);
    journey->ended_usec = g_get_monotonic_time();
}

void
kt_journey_leave(KtJourney *journey, const char *reason)
{
    if (!journey->ended_usec)
        end(journey, KT_FOLLOWING_LEFT, g_strdup(reason));
}

static bool
record_begin(KtJournal *journal, gpointer data, GError **error)
{
    KtJourney *journey = data;
    if (!kt_page_journey_begin(journal, journey->profile, journey->step, error))
        return false;
    journey->mover = kt_page_mover_new(journey->setup->root, journey->step->process, journey->to);
    journey->began_usec = g_get_monotonic_time();
    return true;
}

static void
tell(KtJourney *journey, const char *message)
{
    KtOutcome outcome = {journey->step, (char *)message};
    if (journey->state == KT_FOLLOWING_LEFT)
        kt_decision_log_left(&outcome, journey->step->run, journey->why);
    else
        kt_decision_log(&outcome, journey->step->run, journey->why);
}

/* False where it can't begin: it waits then, or has ended. */
static bool
begin(KtJourney *journey)
{
    g_autoptr(GError) error = NULL;
    if ((journey->to || (journey->to = kt_page_journey_nodes(journey->step, &error))) &&
        (journey->mover || kt_journal_turn(&journey->setup->turn, record_begin, journey, &error)) &&
        (journey->reader = kt_journal_open(journey->setup->turn.state_dir, KT_JOURNAL_READ, &error))) {
        set_state(journey, KT_FOLLOWING_MOVES, NULL);
        tell(journey, NULL);
        return true;
    }
    if (g_error_matches(error, KT_ERROR, KT_ERROR_HELD))
        set_state(journey, KT_FOLLOWING_WAITS, g_strdup(error->message));
    else
        end(journey, KT_FOLLOWING_STAYS, g_strdup(error->message));
    return false;
}

static KtResult
result_of(const KtJourney *journey)
{
    switch (journey->state) {
    case KT_FOLLOWING_THERE:
        return KT_RESULT_DONE;
    case KT_FOLLOWING_STAYS:
        return KT_RESULT_FAILED;
    case KT_FOLLOWING_WAITS:
    case KT_FOLLOWING_MOVES:
    case KT_FOLLOWING_LEFT:
        break;
    }
    return KT_RESULT_SKIPPED;
}

/* "512 MiB moved in 2.1 s", and why no more of it. Owned. */
static char *
sum_up(const KtJourney *journey)
{
    double seconds = (double)(journey->ended_usec - journey->began_usec) / G_USEC_PER_SEC;
    return g_strdup_printf("%" G_GINT64_FORMAT " MiB moved in %.1f s%s%s",
                           kt_page_mover_moved_kib(journey->mover) / 1024, seconds,
                           journey->reason ? "; " : "", journey->reason ? journey->reason : "");
}

static bool
record_end(KtJournal *journal, gpointer data, GError **error)
{
    KtJourney *journey = data;
    g_autofree char *detail = sum_up(journey);
    return kt_page_journey_end(journal, journey->step, result_of(journey),
                               kt_page_mover_moved_kib(journey->mover) > 0, detail, error);
}

/* Records the end, and tells it. Where that isn't possible the step stays begun, which rollback mends too. */
static gint64
conclude(KtJourney *journey, gint64 now_usec)
{
    g_autoptr(GError) error = NULL;
    if (journey->recorded)
        return G_MAXINT64;
    if (journey->began_usec && !kt_journal_turn(&journey->setup->turn, record_end, journey, &error)) {
        if (g_error_matches(error, KT_ERROR, KT_ERROR_HELD))
            return now_usec + KT_JOURNAL_TURN_USEC;
        g_warning("domain %s: where its memory is could not be recorded: %s", journey->step->domain_name,
                  error->message);
    }
    journey->recorded = true;
    g_clear_pointer(&journey->reader, kt_journal_close);
    /* What wasn't wanted any more before it began was never decided. */
    if (journey->began_usec || journey->state != KT_FOLLOWING_LEFT) {
        g_autofree char *message = journey->began_usec ? sum_up(journey) : g_strdup(journey->reason);
        journey->step->result = result_of(journey);
        tell(journey, message);
    }
    return G_MAXINT64;
}

/* Somebody who moves this memory too has begun later, and knows why. */
static void
respect_others(KtJourney *journey)
{
    g_autoptr(GError) error = NULL;
    bool overtaken;
    if (!kt_page_journey_is_overtaken(journey->reader, journey->step, &overtaken, &error))
        end(journey, KT_FOLLOWING_LEFT, g_strdup(error->message));
    else if (overtaken)
        end(journey, KT_FOLLOWING_LEFT, g_strdup("another run has moved it since"));
}

/* The node of those with the most room. */
static KtNodeMemory
choose_node(const KtJourney *journey)
{
    KtNodeMemory best = {
        .os = (guint)hwloc_bitmap_first(journey->to), .free_kib = KT_ABSENT, .total_kib = KT_ABSENT};
    unsigned os;
    hwloc_bitmap_foreach_begin(os, journey->to)
    {
        KtNodeMemory node;
        if (kt_node_memory_read(journey->setup->root, os, &node, NULL) && node.free_kib > best.free_kib)
            best = node;
    }
    hwloc_bitmap_foreach_end();
    return best;
}

/* What stands in the way now; NULL = nothing. Owned. */
static char *
find_obstacle(const KtJourney *journey, const KtNodeMemory *node)
{
    KtPressure pressure;
    bool told = kt_memory_pressure_read(journey->setup->root, &pressure, NULL);
    const KtFollowingSight sight = {
        .stalled_percent = told ? pressure.some_avg10 : -1,
        .node = node->os,
        .free_kib = node->free_kib,
        .total_kib = node->total_kib,
    };
    return kt_following_obstacle(&sight, journey->state == KT_FOLLOWING_WAITS);
}

/* What the last batch has come to. */
static void
judge(KtJourney *journey, KtPagesState state)
{
    switch (state) {
    case KT_PAGES_ON_THE_WAY:
        set_state(journey, KT_FOLLOWING_MOVES, NULL);
        break;
    case KT_PAGES_THERE:
        end(journey, KT_FOLLOWING_THERE, NULL);
        break;
    case KT_PAGES_STUCK:
        end(journey, KT_FOLLOWING_STAYS,
            g_strdup_printf("%" G_GINT64_FORMAT " MiB stay elsewhere: the kernel moves no more of it",
                            kt_page_mover_left_kib(journey->mover) / 1024));
        break;
    case KT_PAGES_GONE:
        end(journey, KT_FOLLOWING_LEFT, g_strdup("the guest does not run in that process any more"));
        break;
    }
}

/* @obstacle is taken over. What waits too long gives up: a later plan may know better. */
static gint64
wait_for_room(KtJourney *journey, char *obstacle, gint64 now_usec)
{
    if (!journey->waits_usec)
        journey->waits_usec = now_usec;
    if (now_usec - journey->waits_usec >= KT_FOLLOWING_LONGEST_WAIT_USEC) {
        end(journey, KT_FOLLOWING_STAYS, obstacle);
        return now_usec;
    }
    set_state(journey, KT_FOLLOWING_WAITS, obstacle);
    return now_usec + KT_FOLLOWING_PATIENCE_USEC;
}

/* One batch, after which it rests. */
static gint64
move_on(KtJourney *journey, gint64 now_usec)
{
    g_autoptr(GError) error = NULL;
    KtNodeMemory node = choose_node(journey);
    char *obstacle = find_obstacle(journey, &node);
    if (obstacle)
        return wait_for_room(journey, obstacle, now_usec);
    journey->waits_usec = 0;
    gint64 before = kt_page_mover_moved_kib(journey->mover);
    KtPagesState state;
    if (!kt_page_mover_move(journey->mover, node.os, KT_FOLLOWING_BATCH_KIB, &state, &error)) {
        end(journey, KT_FOLLOWING_STAYS, g_strdup(error->message));
        return now_usec;
    }
    judge(journey, state);
    gint64 took = g_get_monotonic_time() - now_usec;
    return now_usec + took + kt_following_rest_usec(kt_page_mover_moved_kib(journey->mover) - before, took);
}

gint64
kt_journey_go_on(KtJourney *journey, gint64 now_usec)
{
    if (!journey->ended_usec && !journey->reader && !begin(journey))
        return journey->ended_usec ? now_usec : now_usec + KT_JOURNAL_TURN_USEC;
    if (!journey->ended_usec)
        respect_others(journey);
    return journey->ended_usec ? conclude(journey, now_usec) : move_on(journey, now_usec);
}

gint64
kt_journey_moved_kib(const KtJourney *journey)
{
    return journey->mover ? kt_page_mover_moved_kib(journey->mover) : 0;
}

KtFollowed *
kt_journey_figures(const KtJourney *journey)
{
    KtFollowed *followed = g_new0(KtFollowed, 1);
    followed->name = g_strdup(journey->step->domain_name);
    followed->from = g_strdup(only_action(journey->step)->from);
    followed->to = g_strdup(only_action(journey->step)->to);
    followed->state = journey->state;
    followed->reason = g_strdup(journey->reason);
    followed->moved_kib = kt_journey_moved_kib(journey);
    followed->left_kib = journey->mover ? kt_page_mover_left_kib(journey->mover) : 0;
    return followed;
}
