/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/memory.h"
#include "profiles/desired.h"
#include "tuners/plan.h"

/** KSM, shared by the files of its tuner and by the step that changes merge_across_nodes. */

#define KT_KSM "sys/kernel/mm/ksm/"

/** Words of `advisor_mode`. */
#define KT_KSM_NO_ADVISOR "none"
#define KT_KSM_ADVISOR "scan-time"

/** What the kernel puts into pages_to_scan whenever the advisor is turned off (mm/ksm.c,
 * set_advisor_defaults()). */
#define KT_KSM_DEFAULT_PAGES_TO_SCAN 100

/** What `run` holds: Documentation/admin-guide/mm/ksm.rst. */
typedef enum { KT_KSM_OFF = 0, KT_KSM_ON = 1, KT_KSM_UNMERGE = 2 } KtKsmRun;

/** Why merged pages can't be taken apart: every one of them then needs memory of its own. NULL where there is
 * enough. Owned. */
char *kt_ksm_unmerge_obstacle(const KtMemory *memory);

/** MiB that taking all merged pages apart needs. */
gint64 kt_ksm_unmerge_mib(const KtMemory *memory);

/**
 * The parameters of ksmd: all are set before it is started or stopped. @mode: the value of ksm.mode that may
 * be acted upon, or NULL.
 */
void kt_ksm_tune_parameters(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan,
                            const KtValue *mode);
