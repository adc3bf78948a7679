/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/tuner.h"

/** What the tuners of NIC settings share. */

/** What the profile wants of one NIC. */
typedef struct {
    KtPlan *plan;
    const KtDesired *desired;
    guint domain;
    const KtDomainDef *def; /* the persistent definition, of a transient domain the live one */
    const KtNicDef *nic;
    const KtValue *value;
    const char *item; /* "nic MAC", NULL where it has none */
} KtNicWish;

/** Calls @tune for each NIC that the profile wants something of by setting @id. Of those with one MAC only
 * for the first: what there is to refuse is refused with that. */
void kt_nics_each(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, KtSettingId id,
                  void (*tune)(const KtNicWish *wish));

/** Whether this model (NULL = default) is one of the virtio NICs. */
bool kt_nic_is_virtio(const char *model);
