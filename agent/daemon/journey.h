/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/following.h"
#include "agent/daemon/journal_turn.h"

/**
 * The memory of one guest on its way: agent/exec/page_journey in the journal, agent/exec/page_mover for the
 * pages. Private to following. Calls block for a batch, and are made from one thread.
 */
typedef struct KtJourney KtJourney;

/** What journeys share; all of it outlives them. */
typedef struct {
    const KtRoot *root;
    KtJournalTurn turn;
} KtJourneySetup;

/** Of @step, which is taken over. @why: what was seen that led to it. Nothing is done yet. */
KtJourney *
kt_journey_new(const KtJourneySetup *setup, KtJournalStep *step, const char *profile, const char *why);
void kt_journey_free(KtJourney *journey);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtJourney, kt_journey_free)

/** Whether it is what @step asks for: the same guest, in the same process, to the same nodes. */
bool kt_journey_is(const KtJourney *journey, const KtJournalStep *step);

/** Goes on by one batch, where nothing is in the way. Gives when to call again (monotonic, µs); G_MAXINT64:
 * it has ended, and that is recorded. */
gint64 kt_journey_go_on(KtJourney *journey, gint64 now_usec);

/** Gives it up for @reason, unless it has ended. Recorded by the next kt_journey_go_on(). */
void kt_journey_leave(KtJourney *journey, const char *reason);

/** When it ended (monotonic, µs); 0 = not yet. */
gint64 kt_journey_ended_usec(const KtJourney *journey);

/** Whether it goes on: it isn't over, and doesn't wait. */
bool kt_journey_is_moving(const KtJourney *journey);

/** Whether that it has ended is recorded too: it can go. */
bool kt_journey_is_over(const KtJourney *journey);

/** Borrowed. */
const KtJournalStep *kt_journey_step(const KtJourney *journey);

/** What it has moved so far. */
gint64 kt_journey_moved_kib(const KtJourney *journey);

/** As it is now; owned. */
KtFollowed *kt_journey_figures(const KtJourney *journey);
