/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ksm_governor.h"

#include "tuners/ksm.h"
#include "tuners/ksm_pace.h"

/* Memory is short where less than this is available, as ksmtuned has it (KSM_THRES_COEF), or tasks wait for
 * it; it is no longer where there is more, and nobody waits. */
#define SHORT_PERCENT 20
#define ENOUGH_PERCENT 25
#define STALLED_PERCENT 10.0
#define FLOWING_PERCENT 2.0

/* Before anything was learned: about what guests of one kind shared in studies (XLH, ATC'13). */
#define FIRST_MERGE_SHARE 0.2
#define LEAST_MERGE_SHARE 0.05

#define CAUTION_MAX 8
#define EASE_USEC (10 * 60 * G_USEC_PER_SEC)

/* Guests that start fill their memory: pages that are still changing cost and bring nothing. */
#define SETTLE_USEC (60 * G_USEC_PER_SEC)
#define SETTLE_LOOK_USEC (5 * G_USEC_PER_SEC)

#define REST_LOOK_USEC (15 * G_USEC_PER_SEC)
#define SHORT_LOOK_USEC (10 * G_USEC_PER_SEC)

/* Less than this isn't worth a look. */
#define LEAST_MIB 1.0

/* A sweep is through when this part of memory has not been compared. */
#define LEFT_SHARE 0.001

static double
mib(double pages, const KtKsmSight *sight)
{
    return pages * (double)sight->page_kib / 1024;
}

double
kt_ksm_saved_mib(const KtKsm *ksm, guint64 page_kib)
{
    if (ksm->general_profit != KT_ABSENT)
        return (double)ksm->general_profit / (1 << 20);
    return (double)(MAX(ksm->pages_sharing, 0) * (gint64)page_kib) / 1024;
}

static KtKsmMark
mark_of(const KtKsmSight *sight)
{
    const KtKsm *ksm = sight->ksm;
    return (KtKsmMark){
        .usec = sight->now_usec,
        .cpu_usec = ksm->ksmd_cpu_usec,
        .scanned = ksm->pages_scanned,
        .full_scans = MAX(ksm->full_scans, 0),
        .sharing = MAX(ksm->pages_sharing, 0),
        .guest_pages = sight->guest_pages,
        .saved_mib = kt_ksm_saved_mib(ksm, sight->page_kib),
    };
}

static gint64
known_pages(const KtKsmSight *sight)
{
    return MAX(kt_ksm_known_pages(sight->ksm), 0);
}

/* All pages that a pass has to do with. */
static gint64
all_pages(const KtKsmSight *sight)
{
    return MAX(known_pages(sight), sight->guest_pages);
}

/* Guests' pages that ksmd doesn't know, though it could. */
static gint64
unknown_pages(const KtKsmCourse *course, const KtKsmSight *sight)
{
    if (sight->guest_pages == KT_ABSENT)
        return 0;
    return MAX(sight->guest_pages - known_pages(sight) - course->never_known, 0);
}

static double
cpu_seconds(const KtKsmMark *from, const KtKsmMark *to)
{
    if (from->cpu_usec == KT_ABSENT || to->cpu_usec == KT_ABSENT)
        return 0;
    return (double)MAX(to->cpu_usec - from->cpu_usec, 0) / G_USEC_PER_SEC;
}

/* MiB a CPU-second that are worth it, before caution. */
static double
worth(const KtKsmCourse *course)
{
    return course->is_short ? KT_KSM_WORTH_SHORT_MIB : KT_KSM_WORTH_MIB;
}

static void
judge_memory(KtKsmCourse *course, const KtKsmSight *sight)
{
    bool told = sight->total_kib > 0 && sight->available_kib != KT_ABSENT;
    double percent = told ? 100.0 * (double)sight->available_kib / (double)sight->total_kib : 100;
    if (percent < SHORT_PERCENT || sight->stalled_percent >= STALLED_PERCENT)
        course->is_short = true;
    else if (percent > ENOUGH_PERCENT && sight->stalled_percent < FLOWING_PERCENT)
        course->is_short = false;
}

static void
begin(KtKsmCourse *course, const KtKsmSight *sight)
{
    *course = (KtKsmCourse){
        .begun = true,
        .caution = 1,
        .eased_usec = sight->now_usec,
        .page_usec = KT_KSM_FIRST_PAGE_USEC,
        .merge_share = FIRST_MERGE_SHARE,
        .last = mark_of(sight),
        .measured = mark_of(sight),
    };
}

/* Merged pages that were found written to since the last look. Resting ksmd has seen only some of all pages:
 * those that it has seen stand for the others. Pages of guests that are gone aren't written to. */
static double
newly_written(const KtKsmCourse *course, const KtKsmSight *sight, const KtKsmMark *now)
{
    const KtKsmMark *last = &course->last;
    double lost = (double)(last->sharing - now->sharing);
    if (now->guest_pages != KT_ABSENT && last->guest_pages != KT_ABSENT)
        lost -= (double)MAX(last->guest_pages - now->guest_pages, 0);
    else if (sight->guests_changed)
        return 0;
    if (lost <= 0)
        return 0;
    double seen = now->scanned == KT_ABSENT ? 0 : (double)(now->scanned - last->scanned);
    double all = (double)all_pages(sight);
    double scale = seen > 0 && seen < all ? all / seen : 1;
    return MIN(lost * scale, (double)last->sharing);
}

static void
start_sweep(KtKsmCourse *course, const KtKsmSight *sight, const KtKsmMark *now, KtKsmCause cause)
{
    course->pace = KT_KSM_SWEEP;
    course->cause = cause;
    course->settling_usec = 0;
    course->passes = 0;
    course->from_nothing = known_pages(sight) <= all_pages(sight) / 100;
    course->sweep = course->pass = *now;
}

static void
start_rest(KtKsmCourse *course, KtKsmCause cause)
{
    course->pace = KT_KSM_REST;
    course->cause = cause;
}

/* Whether guests are filling their memory just now, so that it is better to wait; not for ever, and not where
 * memory is short. */
static bool
is_settling(KtKsmCourse *course, const KtKsmMark *now, double fresh)
{
    const KtKsmMark *last = &course->last;
    bool known = now->guest_pages != KT_ABSENT && last->guest_pages != KT_ABSENT;
    bool growing = known && (double)(now->guest_pages - last->guest_pages) > fresh / 10;
    if (!growing || course->is_short) {
        course->settling_usec = 0;
        return false;
    }
    if (course->settling_usec == 0)
        course->settling_usec = now->usec;
    return now->usec - course->settling_usec < SETTLE_USEC;
}

/* Whether a sweep for these pages is expected to save enough for the CPU time of two passes. */
static bool
is_worth_it(const KtKsmCourse *course, const KtKsmSight *sight, double fresh)
{
    double saves = mib(fresh * course->merge_share, sight);
    double costs = 2 * (double)all_pages(sight) * course->page_usec / G_USEC_PER_SEC;
    return saves >= LEAST_MIB && saves >= worth(course) * course->caution * costs;
}

static void
ease(KtKsmCourse *course, const KtKsmMark *now)
{
    if (now->usec - course->eased_usec < EASE_USEC)
        return;
    course->caution = MAX(course->caution / 2, 1);
    course->eased_usec = now->usec;
}

/* Resting ksmd merged: there is more of that. */
static bool
finds_by_the_way(const KtKsmCourse *course, const KtKsmMark *now)
{
    double found = now->saved_mib - course->last.saved_mib;
    return found >= LEAST_MIB && found >= worth(course) * course->caution * cpu_seconds(&course->last, now);
}

static void
consider_sweep(KtKsmCourse *course, const KtKsmSight *sight, const KtKsmMark *now)
{
    gint64 unknown = unknown_pages(course, sight);
    course->written_pages += newly_written(course, sight, now);
    double fresh = (double)unknown + course->written_pages;
    ease(course, now);
    course->fresh_pages = fresh;
    if (all_pages(sight) == 0 && sight->guest_pages != KT_ABSENT) {
        start_rest(course, KT_KSM_NO_MEMORY);
    } else if (is_worth_it(course, sight, fresh)) {
        course->cause_mib = mib(fresh, sight);
        if (is_settling(course, now, fresh))
            start_rest(course, KT_KSM_SETTLING);
        else
            start_sweep(course, sight, now,
                        (double)unknown >= course->written_pages ? KT_KSM_NEVER_COMPARED : KT_KSM_WRITTEN_TO);
    } else if (sight->guest_pages == KT_ABSENT && sight->guests_changed && course->caution == 1) {
        start_sweep(course, sight, now, KT_KSM_GUESTS_CHANGED);
    } else if (finds_by_the_way(course, now)) {
        course->cause_mib = now->saved_mib - course->last.saved_mib;
        course->cause_seconds = cpu_seconds(&course->last, now);
        start_sweep(course, sight, now, KT_KSM_FOUND_BY_THE_WAY);
    } else if (course->cause == KT_KSM_SETTLING || course->cause == KT_KSM_NO_MEMORY) {
        start_rest(course, KT_KSM_NOTHING_TO_DO);
    }
}

/* Remembers what the sweep taught. */
static void
learn_from_sweep(KtKsmCourse *course, const KtKsmSight *sight, const KtKsmMark *now)
{
    double gained = now->saved_mib - course->sweep.saved_mib;
    double seconds = cpu_seconds(&course->sweep, now);
    bool paid = gained >= worth(course) * seconds;
    course->caution = paid ? 1 : MIN(course->caution * 2, CAUTION_MAX);
    course->eased_usec = now->usec;
    if (course->fresh_pages > 0) {
        double share = CLAMP(gained / mib(course->fresh_pages, sight), LEAST_MERGE_SHARE, 1);
        course->merge_share = (course->merge_share + share) / 2;
    }
    course->written_pages = 0;
}

/* What a whole pass didn't come by is none of ksmd's memory: QEMU's own. */
static void
learn_from_pass(KtKsmCourse *course, const KtKsmSight *sight)
{
    if (sight->guest_pages != KT_ABSENT)
        course->never_known = MAX(sight->guest_pages - known_pages(sight), 0);
}

/* How many passes over all memory have ended since the sweep began: it began somewhere. */
static guint
whole_passes(const KtKsmCourse *course)
{
    return course->from_nothing || course->passes == 0 ? course->passes : course->passes - 1;
}

/* Whether the pass that has just ended saved too little for its CPU time. */
static bool
was_vain(const KtKsmCourse *course, const KtKsmMark *now)
{
    double saved = now->saved_mib - course->pass.saved_mib;
    return saved < LEAST_MIB || saved < worth(course) * cpu_seconds(&course->pass, now);
}

/* Why the sweep is to end; its own cause where it isn't. */
static KtKsmCause
end_of_sweep(const KtKsmCourse *course, const KtKsmSight *sight, const KtKsmMark *now, bool pass_ended)
{
    double left = (double)(unknown_pages(course, sight) + MAX(sight->ksm->pages_volatile, 0));
    if (all_pages(sight) == 0)
        return KT_KSM_NO_MEMORY;
    /* What always changes is never compared. */
    if (whole_passes(course) >= 1 && left <= LEFT_SHARE * (double)all_pages(sight))
        return KT_KSM_ALL_COMPARED;
    if (whole_passes(course) < 2 || !pass_ended)
        return course->cause;
    if (was_vain(course, now))
        return KT_KSM_NOT_WORTH_IT;
    /* All that stayed as it was has been compared: another pass would be for what has changed since. */
    if (!is_worth_it(course, sight, left))
        return KT_KSM_ALL_COMPARED;
    return course->cause;
}

static void
consider_rest(KtKsmCourse *course, const KtKsmSight *sight, const KtKsmMark *now)
{
    guint ended = (guint)MAX(now->full_scans - course->pass.full_scans, 0);
    course->passes += ended;
    if (ended > 0 && whole_passes(course) >= 1)
        learn_from_pass(course, sight);
    KtKsmCause cause = end_of_sweep(course, sight, now, ended > 0);
    if (cause != course->cause) {
        course->cause_mib = now->saved_mib - course->pass.saved_mib;
        course->cause_seconds = cpu_seconds(&course->pass, now);
        learn_from_sweep(course, sight, now);
        start_rest(course, cause);
    }
    if (ended > 0)
        course->pass = *now;
}

static gint64
next_look(const KtKsmCourse *course, const KtKsmWish *wish, const KtKsmSight *sight)
{
    if (course->pace == KT_KSM_SWEEP)
        return kt_ksm_sweep_look_usec(course, wish, all_pages(sight));
    if (course->cause == KT_KSM_SETTLING)
        return SETTLE_LOOK_USEC;
    return course->is_short ? SHORT_LOOK_USEC : REST_LOOK_USEC;
}

KtKsmKnobs
kt_ksm_govern(KtKsmCourse *course, const KtKsmWish *wish, const KtKsmSight *sight, gint64 *ret_next_usec)
{
    KtKsmMark now = mark_of(sight);
    if (!course->begun)
        begin(course, sight);
    kt_ksm_learn_speed(course, sight->ksm, &now);
    judge_memory(course, sight);
    if (course->pace == KT_KSM_REST)
        consider_sweep(course, sight, &now);
    else
        consider_rest(course, sight, &now);
    course->last = now;
    *ret_next_usec = sight->now_usec + next_look(course, wish, sight);
    KtKsmKnobs knobs = kt_ksm_knobs(course, wish, sight->ksm,
                                    sight->guest_pages == KT_ABSENT ? KT_ABSENT : all_pages(sight));
    if (knobs.pages_to_scan != sight->ksm->pages_to_scan ||
        knobs.sleep_millisecs != sight->ksm->sleep_millisecs)
        course->measured = now;
    return knobs;
}

KtKsmKnobs
kt_ksm_resting(const KtKsmCourse *course, const KtKsmWish *wish, const KtKsm *ksm)
{
    KtKsmCourse resting = *course;
    resting.pace = KT_KSM_REST;
    resting.page_usec = course->begun ? course->page_usec : KT_KSM_FIRST_PAGE_USEC;
    return kt_ksm_knobs(&resting, wish, ksm, KT_ABSENT);
}
