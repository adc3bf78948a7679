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

/** Whether what @left tells of was before a mark of @marks (KtManual) for the same item of domain @uuid
 * (NULL: of the host) was released. */
bool
kt_drift_is_released(const GPtrArray *marks, const KtAction *action, const char *uuid, const KtLeft *left);

/** What is manual by @marks (KtManual) is as if nobody had named it: one item, or where a setting's values
 * hang on each other, as a placement's do, all of the domain's. What can't be seen of here is left. */
void kt_drift_unname(KtDesired *desired, const KtSnapshot *snapshot, const GPtrArray *marks);
