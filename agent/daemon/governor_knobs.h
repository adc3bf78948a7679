/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/moving.h"
#include "tuners/ksm_governor.h"

/** KSM's files as the governor sets them, and what the journal knows of them. Private to the governor. */

typedef enum {
    KT_KNOB_PAGES,
    KT_KNOB_SLEEP,
    KT_KNOB_SMART_SCAN,
    KT_KNOB_MAX_CPU, /* the advisor's; set only when it takes over */
    KT_KNOB_RUN,
    KT_KNOB_ADVISOR,
    KT_N_KNOBS,
} KtKsmKnob;

/** A value for each knob; NULL = leave it. Owned strings. */
typedef struct {
    char *values[KT_N_KNOBS];
} KtKnobValues;

void kt_knob_values_clear(KtKnobValues *values);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtKnobValues, kt_knob_values_clear)

/** What the files hold now; NULL = this kernel lacks it. */
KtKnobValues kt_knob_values_of(const KtKsm *ksm);

/** What the governor wants. */
KtKnobValues kt_knob_values_wanted(const KtKsmKnobs *knobs);

/** With the kernel's advisor in charge. */
KtKnobValues kt_knob_values_for_advisor(const KtKsmWish *wish, const KtKsm *ksm);

/** The recorded step of a knob, or NULL. Borrowed. */
KtJournalStep *kt_knob_step(const KtJournalRun *run, KtKsmKnob knob);

/** Begins the governor's run: every knob that this kernel has, with what it holds now. NULL on error. */
KtJournalRun *
kt_knobs_begin(KtJournal *journal, const char *verb, const char *profile, const KtKsm *ksm, GError **error);

/** The first knob that holds a value that isn't the governor's; KT_N_KNOBS: none. What the advisor sets by
 * itself is nobody's. */
KtKsmKnob kt_knobs_find_foreign(const KtJournalRun *run, const KtKsm *ksm);

/** Writes those of @wanted that differ from what is there, through the journal. Errors: as kt_moving_write().
 */
bool kt_knobs_write(const KtRoot *root, KtJournal *journal, const KtJournalRun *run, const KtKsm *ksm,
                    const KtKnobValues *wanted, GError **error);

/** Whether something of @wanted differs from what is there. */
bool kt_knobs_differ(const KtJournalRun *run, const KtKsm *ksm, const KtKnobValues *wanted);

/** "pages_to_scan": for messages. */
const char *kt_knob_name(KtKsmKnob knob);
