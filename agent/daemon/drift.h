/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/manual.h"
#include "profiles/desired.h"

/**
 * Whose a difference is: the profile's, which puts it right, or somebody's, who changed it on purpose. Pure.
 * In doubt it is somebody's.
 */
typedef enum {
    KT_DRIFT_OURS, /* kvm-tune never set it, or it is as kvm-tune left it and something else is wanted now, or
                    * a machine reset it: the guest or the host was started anew, a CPU went away, the
                    * kernel's affinity is no longer what libvirt says that it is */
    KT_DRIFT_CHANGED, /* somebody did, and nothing else explains it */
    KT_DRIFT_UNDONE,  /* somebody rolled it back */
} KtDrift;

/** Judges the difference that @action of @plan would put right. @left: what was left there last, NULL =
 * nothing ever.
 * @boot: the kernel's boot id, NULL = unknown. */
KtDrift kt_drift_judge(const KtPlan *plan, const KtAction *action, const KtLeft *left, const char *boot);

/** The pin that @def (NULL = none) has for thread @item, as "vcpu 1"; NULL = none, or there is no such
 * thread. */
const KtCpuset *kt_drift_find_pin(const KtDomainDef *def, const char *item);

/** The mark of @marks (KtManual) for the same item of domain @uuid (NULL: of the host) that was released
 * after what @left tells of; NULL = none. Until it is given back, what is found there counts no more,
 * whatever it is; nor of other items, where all of the setting are left alone together. Borrowed. */
const KtManual *
kt_drift_find_released(const GPtrArray *marks, const KtAction *action, const char *uuid, const KtLeft *left);

/** From here on @left tells of what @mark, which was given back, was then: what somebody changes later is his
 * anew. */
void kt_drift_take_released(const KtManual *mark, const KtAction *action, KtLeft *left);

/** What is manual by @marks (KtManual) is as if nobody had named it: one item, or where a setting's values
 * hang on each other, as a placement's do, all of the domain's. What can't be seen of here is left. */
void kt_drift_unname(KtDesired *desired, const KtSnapshot *snapshot, const GPtrArray *marks);
