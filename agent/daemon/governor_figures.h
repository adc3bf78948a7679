/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/governor.h"

/** What the governor tells. Private to it. */

void kt_governor_figures_init(KtGovernorFigures *figures);
void kt_governor_figures_clear(KtGovernorFigures *figures);
KtGovernorFigures *kt_governor_figures_copy(const KtGovernorFigures *figures);

/** Looks at the processes of @guests (KtKsmGuest). Gives their resident anonymous pages, of those whose
 * memory may be merged; KT_ABSENT where that isn't known of any. */
gint64 kt_governor_figures_of_guests(KtGovernorFigures *figures, const KtRoot *root, const GPtrArray *guests);

/** What KSM saves and costs. @before: the look before, its usec 0 where there was none. */
void kt_governor_figures_of_ksm(KtGovernorFigures *figures, const KtKsmSight *sight, const KtKsmMark *before);

/** What the governor has come to. */
void
kt_governor_figures_of_course(KtGovernorFigures *figures, const KtKsmCourse *course, const KtKsmKnobs *knobs);
