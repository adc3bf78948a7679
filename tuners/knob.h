/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/** Host settings that are one file below /sys or /proc/sys. */

/** What a value does, for people. */
typedef struct {
    const char *word; /* the kernel's word, "yes", "no"; NULL = any value */
    const char *reason;
} KtEffect;

/** One file and its setting. */
typedef struct {
    KtSettingId id;
    const char *path;
    const char *name; /* what this kernel lacks where the file is absent */
    const KtEffect
        *effects;     /* ends with a NULL word, whose reason (may be NULL) is that of all other values */
    const char *word; /* of a setting with the kernel's words: the present one; NULL = absent */
    gint64 number;    /* of any other: the present number; KT_ABSENT = absent */
    gint64
        per_file_unit; /* how many of the setting's units (µs, …) are one of the file's; 0 and 1: the same */
    gint64 per_unit;   /* the other way round: how many of the file's are one of the setting's */
    const char *fixed;     /* where this kernel lets nobody write it: the way out; else NULL */
    const char *file_unit; /* the file's unit, for people, where it differs: "ms" */
} KtKnob;

/** Plans what @value wants of the file; what isn't possible is refused. Returns the action (borrowed, until
 * the next one is planned), or NULL where there is none. */
KtAction *kt_knob_set(KtPlan *plan, const KtValue *value, const KtKnob *knob);

/** The same for what the profile says of it, where it says something of this host's. */
KtAction *kt_knob_tune(KtPlan *plan, const KtDesired *desired, const KtKnob *knob);

/** The host's value where it is named and this host's settings may be changed, else NULL; that is refused. */
const KtValue *kt_knob_wish(KtPlan *plan, const KtDesired *desired, KtSettingId id);
