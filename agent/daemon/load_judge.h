/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/loads.h"

/**
 * Whether a placement measures so badly that it is to be planned again with the load that was measured. Pure:
 * the clock (monotonic, µs) is an argument.
 *
 * A vCPU that waits for a CPU more than a tenth of the time, for three minutes, is badly placed; it is well
 * again below half of that. Planning again is tried at most once in ten minutes for all guests together;
 * where it brought a guest nothing, that guest leads to the next try after twenty minutes, then forty, up to
 * eight hours, until it has been well.
 */
typedef struct KtLoadJudge KtLoadJudge;

/** Times that are judged; tests have shorter ones. */
typedef struct {
    gint64 every_usec;    /* between two samples */
    gint64 bad_usec;      /* so long it has to wait too much */
    gint64 hold_off_usec; /* between two plans; the first of the waits that double */
    gint64 most_usec;     /* that they double to */
} KtLoadTimes;

/** A minute, three minutes, ten minutes, eight hours. */
extern const KtLoadTimes kt_load_times;

/** What a guest's threads have done since it was started; of its online vCPUs. */
typedef struct {
    const char *uuid;
    const char *name;
    const char *process; /* names this run of it: from another one nothing is compared */
    gint64 now_usec;
    bool placed; /* its place is kvm-tune's: only then it leads to a plan */
    guint n;
    const gint64 *time_ns;  /* by thread: what it has run */
    const gint64 *delay_ns; /* what it has waited for a CPU */
} KtLoadSample;

/** How a guest fares. */
typedef enum {
    KT_LOAD_UNKNOWN, /* watched for too short a time, or paused */
    KT_LOAD_WELL,
    KT_LOAD_WAITS, /* too much, but not for long enough yet */
    KT_LOAD_BAD,   /* planning again is due */
    KT_LOAD_TRIED, /* it was planned again; whether that helps is seen after a while */
} KtLoadState;

/** "unknown", "well", "waits", "bad", "tried". */
const char *kt_load_state_name(KtLoadState state);

/** What there is to tell of a guest. */
typedef struct {
    char *uuid;
    char *name;
    bool placed;
    KtLoadState state;
    double load;            /* mean of its vCPUs over the last minutes, those left out in which it was paused,
                               CPUs' worth of work; 0 = unknown */
    double delay_percent;   /* of the time, by the vCPU that waits most, since the sample before; negative =
                               unknown */
    gint64 since_usec;      /* since when it waits too much; 0 = it doesn't */
    gint64 not_before_usec; /* it leads to no plan before that; 0 = any time */
    guint tries;            /* in a row, without its having been well since */
} KtLoadFigures;

void kt_load_figures_free(KtLoadFigures *figures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLoadFigures, kt_load_figures_free)

/** @times outlive it. */
KtLoadJudge *kt_load_judge_new(const KtLoadTimes *times);
void kt_load_judge_free(KtLoadJudge *judge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLoadJudge, kt_load_judge_free)

/** Takes a sample of a guest. */
void kt_load_judge_add(KtLoadJudge *judge, const KtLoadSample *sample);

/** Keeps what is known of a guest that runs, though no sample could be taken of it now; where nothing is
 * known nothing is. */
void kt_load_judge_keep(KtLoadJudge *judge, const char *uuid, gint64 now_usec);

/** Forgets whom no sample was taken of since @usec, and who wasn't kept. */
void kt_load_judge_forget(KtLoadJudge *judge, gint64 usec);

/** Whether to plan again now. What was seen is *@ret_seen, one line, owned; untouched where not. */
bool kt_load_judge_is_due(const KtLoadJudge *judge, gint64 now_usec, char **ret_seen);

/** It is to be planned again for those for whom it is due. */
void kt_load_judge_decide(KtLoadJudge *judge, gint64 now_usec);

/** It was planned again for those for whom that was decided: now it counts as tried. */
void kt_load_judge_note_tried(KtLoadJudge *judge, gint64 now_usec);

/** KtMeasuredLoad of all guests, as it is now, 0 where it isn't known: to plan with once
 * kt_load_judge_is_due() said yes. Between two plans loads don't change, so that nothing moves for it. Owned.
 */
GPtrArray *kt_load_judge_loads(const KtLoadJudge *judge);

/** KtLoadFigures by name. Owned. */
GPtrArray *kt_load_judge_figures(const KtLoadJudge *judge);
