/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/pins.h"
#include "tuners/placement.h"

/**
 * What pins of running threads and of those that boot have in common. Private to tuners/pins*.c.
 */

/** One thread, or several that go to the same place, and where it is to go. */
typedef struct {
    const KtValue *value;
    KtXmlField field;
    const char *item;       /* "vcpu 0" */
    const KtCpuset *live;   /* its affinity now; NULL = it doesn't run */
    const KtCpuset *pinned; /* its explicit pin in the persistent definition, or NULL */
    const KtCpuset *wanted;
    bool unpin; /* no explicit pin is to be left */
    const char *reason;
} KtPinWish;

/** Stages the pin, unless the next boot from @def runs the thread just there anyway. */
void kt_pin_stage(KtPlan *plan, guint index, const KtDomainDef *def, const KtPinWish *wish);

/** Whether placement refused the seat; the plan says so then. */
bool kt_pin_refused(KtPlan *plan, const KtDesired *desired, guint index, const KtSeat *seat);

/** Why the vCPUs go where @value, cpu.placement, has them. */
const char *kt_pin_vcpu_reason(const KtSeat *seat, const KtValue *value);
