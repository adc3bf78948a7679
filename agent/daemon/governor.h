/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/root.h"
#include "tuners/ksm_governor.h"
#include "tuners/ksm_guests.h"

/**
 * `ksm.mode = auto`: looks at KSM when it is due and sets its knobs, by tuners/ksm_governor.h. All that it
 * changes is one run in the journal, with the values from before the first change: rollback gives back those.
 *
 * A value that isn't the one that was written last is somebody's: then all of it is left alone until
 * kt_governor_take(). Calls block for files and the journal, and are made from one thread at a time.
 */
typedef struct KtGovernor KtGovernor;

/** The verb of the governor's runs. */
#define KT_GOVERNOR_VERB "govern"

typedef enum {
    KT_GOVERNOR_OFF,     /* the profile doesn't ask for it */
    KT_GOVERNOR_ACTIVE,  /* governs */
    KT_GOVERNOR_WAITING, /* another kvm-tune is at work: the knobs stay as they are until it has ended */
    KT_GOVERNOR_LEFT,    /* somebody has set a knob, or a rollback has given it back */
    KT_GOVERNOR_UNABLE,  /* this kernel has no KSM, or its files can't be read or written */
} KtGovernorState;

/** What a guest has of it. */
typedef struct {
    char *name;
    double merged_mib; /* of its pages, those that are merged; negative = not told */
    double profit_mib; /* saved, less what KSM itself needs for it; may be negative; NAN = not told */
    char *obstacle;    /* why none of its memory is merged; NULL = it is */
} KtGovernedGuest;

/** What there is to tell, of the last look. */
typedef struct {
    KtGovernorState state;
    char *reason; /* one line */
    KtKsmPace pace;
    bool is_short; /* of memory */
    guint sweeps;  /* begun since the daemon started */
    gint64 run, pages_to_scan, sleep_millisecs;
    double saved_mib;        /* now; less what KSM itself needs, where the kernel tells */
    double ksmd_percent;     /* of one CPU, since the look before; negative = not told */
    double ksmd_seconds;     /* its CPU time since the host was started; negative = not told */
    double mib_a_cpu_second; /* what is saved now for that time; NAN = not told */
    GPtrArray *guests;       /* KtGovernedGuest, by name */
} KtGovernorFigures;

void kt_governor_figures_free(KtGovernorFigures *figures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtGovernorFigures, kt_governor_figures_free)

/** Nothing is asked for yet. @state_dir is the journal's; both outlive it. */
KtGovernor *kt_governor_new(const KtRoot *root, const char *state_dir);

/** Leaves everything as it is; see kt_governor_hand_over(). */
void kt_governor_free(KtGovernor *governor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtGovernor, kt_governor_free)

/** What the profile named @profile asks for from now on; @wish NULL: KSM isn't to be governed. */
void kt_governor_wish(KtGovernor *governor, const char *profile, const KtKsmWish *wish);

/** The guests that run now (KtKsmGuest), taken over. Others than before are a reason to look soon. */
void kt_governor_guests(KtGovernor *governor, GPtrArray *guests);

/** Looks, and sets what is to be set. Gives when to call again (monotonic, µs; G_MAXINT64: not before
 * something was asked for); earlier is harmless. What goes wrong is in the figures. */
gint64 kt_governor_look(KtGovernor *governor, gint64 now_usec);

/** Takes over what was left to somebody: `release`. */
void kt_governor_take(KtGovernor *governor);

/** The daemon ends: the kernel's advisor goes on, where it has one, with the same ceiling; else ksmd rests.
 * Errors: held (another kvm-tune has the journal), conflict, io. */
bool kt_governor_hand_over(KtGovernor *governor, GError **error);

/** Borrowed; as of the last look. */
const KtGovernorFigures *kt_governor_figures(const KtGovernor *governor);

/** "off", "active", "waiting", "left", "unable". */
const char *kt_governor_state_name(KtGovernorState state);
