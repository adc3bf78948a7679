/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** Where QEMU's own threads of a domain, its emulator and its IOThreads, go once its vCPUs have their seats.
 */

/**
 * Resolves a value of cpu.emulator or cpu.iothreads for a domain that has a seat (kt_seats_find()). NULL
 * where it is refused (for @item). *@ret_reason: why there. Owned, both.
 */
KtCpuset *
kt_near_resolve(KtPlan *plan, guint domain, const KtValue *value, const char *item, char **ret_reason);
