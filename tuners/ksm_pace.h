/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/ksm_governor.h"

/** How fast ksmd goes, private to the governor. ksmd looks at pages_to_scan pages, sleeps, and begins again.
 */

/** CPU time a page before it was measured, µs: rather too much. */
#define KT_KSM_FIRST_PAGE_USEC 4.0

/** Learns the CPU time a page from what happened since the last look. */
void kt_ksm_learn_speed(KtKsmCourse *course, const KtKsm *ksm, const KtKsmMark *now);

/** The knobs for the present pace; pages_to_scan stays where it is near enough. @pages: of one pass,
 * KT_ABSENT = not known. */
KtKsmKnobs kt_ksm_knobs(const KtKsmCourse *course, const KtKsmWish *wish, const KtKsm *ksm, gint64 pages);

/** In how many µs to look after a sweep again: often enough that it isn't missed when it is through. */
gint64 kt_ksm_sweep_look_usec(const KtKsmCourse *course, const KtKsmWish *wish, gint64 pages);
