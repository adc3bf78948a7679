/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "probes/ksm.h"

/**
 * How `ksm.mode = auto` is governed. Pure: from what is seen now and what was seen before follow the knobs.
 *
 * ksmd has two paces. It *rests*: looks at a few pages a second, which costs a few thousandths of a CPU and
 * finds out what has changed. It *sweeps*: goes over all memory as fast as ksm.max-cpu allows. A page is
 * merged when ksmd comes by a second time and finds it unchanged, so a sweep is two passes.
 *
 * A sweep has to be worth it: what it is expected to save (memory that was never compared, and merged pages
 * that were found written to) for the CPU time of two passes. The bar is lower where memory is short, and
 * rises for a while with each sweep that didn't reach it: that keeps it from swinging. A sweep ends when all
 * has been compared, or when a pass saved too little for its CPU time.
 */

/** What ksmd may take of one CPU where ksm.max-cpu doesn't say, percent: the kernel's advisor begins with it.
 */
#define KT_KSM_MAX_CPU_PERCENT 70

/** What saving memory must bring to be worth its CPU time, MiB a CPU-second: 100 s for a GiB, that stays. */
#define KT_KSM_WORTH_MIB 10.0
#define KT_KSM_WORTH_SHORT_MIB 1.0

/** What the governor sees. KT_ABSENT = not told. */
typedef struct {
    gint64 now_usec; /* monotonic */
    const KtKsm *ksm;
    guint64 page_kib;
    gint64 total_kib;
    gint64 available_kib;
    double stalled_percent; /* of the last 10 s some task waited for memory (PSI); negative = not told */
    gint64 guest_pages;     /* resident anonymous pages of all processes whose memory may be merged */
    bool guests_changed;    /* some started, stopped or got memory since the last look */
} KtKsmSight;

/** What the profile says, KT_ABSENT = nothing. */
typedef struct {
    gint64 max_cpu_percent;
    gint64 sleep_millisecs;
    gint64 smart_scan; /* what it was before it was governed: for while ksmd rests */
} KtKsmWish;

typedef enum { KT_KSM_REST, KT_KSM_SWEEP } KtKsmPace;

/** Why ksmd rests, or sweeps. */
typedef enum {
    KT_KSM_NOTHING_TO_DO,    /* nothing is worth a sweep */
    KT_KSM_NO_MEMORY,        /* no process has memory that may be merged */
    KT_KSM_ALL_COMPARED,     /* the sweep is through */
    KT_KSM_NOT_WORTH_IT,     /* its last pass saved too little */
    KT_KSM_SETTLING,         /* guests are still filling their memory */
    KT_KSM_NEVER_COMPARED,   /* memory that ksmd doesn't know yet */
    KT_KSM_WRITTEN_TO,       /* merged pages were taken apart by writes */
    KT_KSM_FOUND_BY_THE_WAY, /* resting ksmd merged more than it cost */
    KT_KSM_GUESTS_CHANGED,   /* and how much memory they have isn't known */
} KtKsmCause;

/** Figures of one look that later ones are compared with. */
typedef struct {
    gint64 usec;
    gint64 cpu_usec;   /* KT_ABSENT = not told */
    gint64 scanned;    /* pages since boot; KT_ABSENT = not told */
    gint64 full_scans; /* 0 = not told */
    gint64 sharing;
    gint64 guest_pages;
    double saved_mib; /* less what KSM itself takes, where the kernel tells */
} KtKsmMark;

/** What the governor remembers from look to look. All zero at the beginning. */
typedef struct {
    bool begun;
    KtKsmPace pace;
    KtKsmCause cause;
    double cause_mib, cause_seconds; /* what the cause is about, for people */
    bool is_short;                   /* of memory */
    guint caution;                   /* factor of the bar, 1, 2, 4, … */
    gint64 eased_usec;               /* when it was set, or last halved */
    double page_usec;                /* CPU time that ksmd takes for a page */
    double merge_share;              /* how much of memory that was compared for the first time was merged */
    gint64 never_known;              /* guests' pages that ksmd never gets to know: QEMU's own */
    double written_pages;            /* merged pages written to since the last sweep, estimated */
    gint64 settling_usec;            /* since when guests are filling their memory, 0 = they aren't */
    double fresh_pages;              /* that the sweep began for */
    bool from_nothing;               /* it began with no page known: its first pass is a whole one */
    guint passes;                    /* ends of passes since it began */
    KtKsmMark last, sweep, pass;     /* the last look; when the sweep, and its present pass, began */
    KtKsmMark measured;              /* from when on the CPU time a page is measured next */
} KtKsmCourse;

/** What the knobs are to be. KT_ABSENT, NULL = this kernel lacks it. */
typedef struct {
    gint64 run;
    const char *advisor_mode;
    gint64 smart_scan;
    gint64 sleep_millisecs;
    gint64 pages_to_scan;
} KtKsmKnobs;

/** One look: what to write, and when to look again. @course is brought forward. */
KtKsmKnobs
kt_ksm_govern(KtKsmCourse *course, const KtKsmWish *wish, const KtKsmSight *sight, gint64 *ret_next_usec);

/** The knobs with which ksmd rests, whatever @course has come to. */
KtKsmKnobs kt_ksm_resting(const KtKsmCourse *course, const KtKsmWish *wish, const KtKsm *ksm);

/** Why it is so, in one line for people. Owned. */
char *kt_ksm_reason(const KtKsmCourse *course);

/** "rest", "sweep". */
const char *kt_ksm_pace_name(KtKsmPace pace);

/** Memory that is saved, MiB: the kernel's own account (general_profit) where it has one, so that KSM's
 * metadata count, else merged pages. */
double kt_ksm_saved_mib(const KtKsm *ksm, guint64 page_kib);
