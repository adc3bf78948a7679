/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "agent/daemon/changes.h"
#include "agent/daemon/events.h"
#include "agent/daemon/following.h"
#include "agent/daemon/governing.h"
#include "agent/daemon/load_watch.h"
#include "profiles/profile.h"

/**
 * The daemon's work: looks at the host and its guests, plans, and carries out what differs from the profile,
 * as `plan` and `apply` do. Every call blocks; all are made from one thread.
 */
typedef struct KtKeeper KtKeeper;

/** Called whenever something got done. @lasts: what comes next may take its time, see kt_step_lasts(). */
typedef void (*KtKeeperProgress)(bool lasts, gpointer user_data);

/** What a keeper is made of; strings are borrowed and outlive it. */
typedef struct {
    const char *uri;       /* NULL = as virsh for root */
    const char *state_dir; /* where the journal is */
    GCancellable *stop;    /* once cancelled nothing more is begun; borrowed */
    KtEventSeen seen;      /* told of libvirt's events */
    KtKeeperProgress progress;
    gpointer user_data;     /* of both */
    KtGoverning *governing; /* told of each plan; borrowed */
    KtFollowing *following; /* told whose memory is to move; borrowed */
    KtLoadWatch *load;      /* told whom to watch; borrowed */
    GMutex *journal;        /* held while the journal is open; borrowed */
} KtKeeperSetup;

/** How a look ended. */
typedef enum {
    KT_LOOK_DONE,
    KT_LOOK_NO_HYPERVISOR, /* libvirt doesn't answer: only what needs no guest was looked at */
    KT_LOOK_LOCKED,        /* another kvm-tune is at work: nothing was changed */
    KT_LOOK_FAILED,        /* see the message */
} KtLookEnd;

/** What is wanted and not done. */
typedef struct {
    char *domain; /* NULL = host */
    char *setting;
    char *item;
    char *reason;
    char *source;
} KtLookRefusal;

/** What a look came to. */
typedef struct {
    KtLookEnd end;
    char *message;     /* why not; NULL where it is done */
    char *failure;     /* without a hypervisor: why not even the host was put right; NULL where it was */
    char *why;         /* what was seen that led to it */
    gint64 began_usec; /* wall clock, µs since the epoch */
    gint64 took_usec;
    bool sees_guests; /* else the numbers, and the refusals, are those of the last one that saw them */
    guint n_domains;  /* running ones */
    guint n_done;     /* changes made */
    gint64 run;       /* in the journal; 0 = nothing was to be done */
    guint n_refused;
    GPtrArray *refusals; /* KtLookRefusal, as many */
    guint n_pending;     /* staged values that wait for a power cycle */
    guint n_manual;      /* items that are somebody's */
    gint64 opens_usec;   /* until a restart-window opens, 0 = none will */
    gint64 retry_usec;   /* until what is left out after a failure gets another try, 0 = nothing is */
    gint64 shrinks_usec; /* until a pool that nobody wants any more is to shrink, 0 = none is */
    bool taken_back;     /* its run failed, and was rolled back */
    bool again; /* what was planned for had changed meanwhile, or a step failed and the rest is to be done */
} KtLook;

void kt_look_free(KtLook *look);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLook, kt_look_free)

/** Where @look didn't see the guests, what @last (NULL = there is none) says of them is what is known. */
void kt_look_keep_known(KtLook *look, const KtLook *last);

KtKeeper *kt_keeper_new(const KtKeeperSetup *setup);

/** Ends the connection too. */
void kt_keeper_free(KtKeeper *keeper);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtKeeper, kt_keeper_free)

/** The profile that is kept from now on; it is taken over. */
void kt_keeper_use(KtKeeper *keeper, KtProfile *profile);

/** Looks, since @changes were seen, and puts right. Never NULL. */
KtLook *kt_keeper_look(KtKeeper *keeper, const KtChangeSet *changes);
