/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ksm_pace.h"

#include <math.h>

#include "tuners/ksm.h"

/* While sweeping ksmd sleeps as ksmtuned has it at its shortest. While resting a second: older kernels take a
 * new value only when the present sleep is over (before Linux 4.20). */
#define SWEEP_SLEEP_MSEC 10
#define REST_SLEEP_MSEC 1000

/* What resting ksmd may take of a CPU; where memory is short it finds out earlier what has changed. */
#define REST_SHARE 0.003
#define REST_SHARE_SHORT 0.02

/* Resting, a pass needn't take less. */
#define REST_PASS_SECONDS 60

/* 100 % of a CPU with a sleep in it. */
#define SHARE_MAX 0.98

#define PAGES_MIN 4
#define PAGES_MAX 100000

/* What a page can't cost less, or more: figures beyond are of a disturbed measurement. */
#define PAGE_USEC_MIN 0.1
#define PAGE_USEC_MAX 100.0

/* CPU time that is enough to measure by. */
#define LEAST_CPU_USEC 5000

#define LOOK_MIN_USEC (G_USEC_PER_SEC / 10)
#define LOOK_MAX_USEC (10 * G_USEC_PER_SEC)

static double
max_share(const KtKsmWish *wish)
{
    gint64 percent = wish->max_cpu_percent == KT_ABSENT ? KT_KSM_MAX_CPU_PERCENT : wish->max_cpu_percent;
    return MIN((double)percent / 100, SHARE_MAX);
}

static double
share(const KtKsmCourse *course, const KtKsmWish *wish)
{
    if (course->pace == KT_KSM_SWEEP)
        return max_share(wish);
    return MIN(course->is_short ? REST_SHARE_SHORT : REST_SHARE, max_share(wish) / 2);
}

static gint64
sleep_msec(const KtKsmCourse *course, const KtKsmWish *wish)
{
    if (wish->sleep_millisecs != KT_ABSENT)
        return wish->sleep_millisecs;
    return course->pace == KT_KSM_SWEEP ? SWEEP_SLEEP_MSEC : REST_SLEEP_MSEC;
}

void
kt_ksm_learn_speed(KtKsmCourse *course, const KtKsm *ksm, const KtKsmMark *now)
{
    const KtKsmMark *last = &course->measured;
    if (now->cpu_usec == KT_ABSENT || last->cpu_usec == KT_ABSENT)
        return;
    double cpu = (double)(now->cpu_usec - last->cpu_usec), time = (double)(now->usec - last->usec);
    if (cpu < LEAST_CPU_USEC || time <= 0)
        return;
    double pages;
    if (now->scanned != KT_ABSENT && last->scanned != KT_ABSENT)
        pages = (double)(now->scanned - last->scanned);
    else /* As many rounds as there were sleeps. */
        pages = (time - MIN(cpu, time * SHARE_MAX)) / (1000 * (double)MAX(ksm->sleep_millisecs, 1)) *
                (double)ksm->pages_to_scan;
    if (pages < PAGES_MIN)
        return;
    double measured = CLAMP(cpu / pages, PAGE_USEC_MIN, PAGE_USEC_MAX);
    /* Too fast is put right at once, too slow by and by. */
    course->page_usec = measured > course->page_usec ? measured : (course->page_usec + measured) / 2;
    course->measured = *now;
}

/* Pages a round so that ksmd takes its share. */
static gint64
pages_to_scan(const KtKsmCourse *course, const KtKsmWish *wish, gint64 all)
{
    double sleep_usec = 1000 * (double)sleep_msec(course, wish);
    double part = share(course, wish);
    double pages = part / (1 - part) * sleep_usec / course->page_usec;
    if (course->pace == KT_KSM_REST && all != KT_ABSENT)
        pages = MIN(pages, (double)all * sleep_usec / REST_PASS_SECONDS / G_USEC_PER_SEC);
    return (gint64)CLAMP(round(pages), PAGES_MIN, PAGES_MAX);
}

/* Whether the present value does as well: it isn't written again for a little more or less. */
static bool
is_near(const KtKsmCourse *course, gint64 present, gint64 wanted)
{
    double ratio = (double)present / (double)wanted;
    if (course->pace == KT_KSM_SWEEP)
        return ratio > 0.75 && ratio < 1.1;
    return ratio > 0.4 && ratio < 2;
}

KtKsmKnobs
kt_ksm_knobs(const KtKsmCourse *course, const KtKsmWish *wish, const KtKsm *ksm, gint64 pages)
{
    KtKsmKnobs knobs = {
        .run = KT_KSM_ON,
        .advisor_mode = ksm->advisor_mode ? KT_KSM_NO_ADVISOR : NULL,
        .sleep_millisecs = sleep_msec(course, wish),
        .pages_to_scan = pages_to_scan(course, wish, pages),
        .smart_scan = ksm->smart_scan,
    };
    /* It passes over pages that were often looked at in vain: then a new page finds none of their kind. */
    if (ksm->smart_scan != KT_ABSENT)
        knobs.smart_scan = course->pace == KT_KSM_SWEEP ? 0 : wish->smart_scan;
    if (ksm->sleep_millisecs == knobs.sleep_millisecs && ksm->pages_to_scan != KT_ABSENT &&
        is_near(course, ksm->pages_to_scan, knobs.pages_to_scan))
        knobs.pages_to_scan = ksm->pages_to_scan;
    return knobs;
}

gint64
kt_ksm_sweep_look_usec(const KtKsmCourse *course, const KtKsmWish *wish, gint64 pages)
{
    double left = (double)(course->last.usec - course->sweep.usec) / 8;
    if (course->last.scanned != KT_ABSENT && course->sweep.scanned != KT_ABSENT) {
        double done = (double)(course->last.scanned - course->sweep.scanned);
        left = MAX(2 * (double)pages - done, 0) * course->page_usec / share(course, wish) / 2;
    }
    return (gint64)CLAMP(left, LOOK_MIN_USEC, LOOK_MAX_USEC);
}
