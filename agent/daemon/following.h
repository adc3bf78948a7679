/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/event_kinds.h"
#include "agent/exec/journal.h"
#include "base/root.h"

/**
 * The thread in which memory follows its guest to other nodes: one guest after the other, in batches, at a
 * rate, waiting while memory is short. The keeper's looks and runs don't wait for it. All calls may come from
 * any thread.
 */
typedef struct KtFollowing KtFollowing;

typedef enum {
    KT_FOLLOWING_WAITS, /* for its turn, or until something is over */
    KT_FOLLOWING_MOVES,
    KT_FOLLOWING_THERE,
    KT_FOLLOWING_STAYS, /* it can't be moved: huge pages, locked, a device; or the kernel moves no more of it
                         */
    KT_FOLLOWING_LEFT,  /* given up: it has ended, is wanted elsewhere, or somebody took it back */
} KtFollowingState;

/** "waits", "moves", "there", "stays", "left". */
const char *kt_following_state_name(KtFollowingState state);

/** What there is to tell of one guest. */
typedef struct {
    char *name;
    char *from; /* nodes, as the plan found them */
    char *to;   /* NULL = nowhere */
    KtFollowingState state;
    char *reason; /* one line, or NULL */
    gint64 moved_kib, left_kib;
} KtFollowed;

void kt_followed_free(KtFollowed *followed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtFollowed, kt_followed_free)

/** Starts it. @journal is held while the journal is open for writing; it, @root and @state_dir outlive it.
 * @seen is told in the default main context of guests whose memory has arrived. */
KtFollowing *kt_following_new(const KtRoot *root, const char *state_dir, GMutex *journal, KtEventSeen seen,
                              gpointer user_data);

/** Ends it after the batch that is under way; what has moved stays where it is. */
void kt_following_free(KtFollowing *following);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtFollowing, kt_following_free)

/** What a plan of @profile wants, all of it: @steps (KtJournalStep, kt_page_journeys_take()), and of whom
 * memory has to stay where it is (KtFollowed); both are taken over. What isn't wanted any more ends. @why:
 * what was seen that led to it. */
void kt_following_tell(KtFollowing *following, const char *profile, GPtrArray *steps, GPtrArray *staying,
                       const char *why);

/** Whether all of @steps are known to it: nothing new is to be done for them. */
bool kt_following_knows(KtFollowing *following, const GPtrArray *steps);

/** KtFollowed, by name. Owned. */
GPtrArray *kt_following_figures(KtFollowing *following);

/** What has moved of all guests since it was started, those that have ended too. */
gint64 kt_following_moved_kib(KtFollowing *following);
