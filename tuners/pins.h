/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * Stages the pin that cpu.iothreads gives to an IOThread that doesn't run yet, but is in the definition of a
 * domain that has a seat (kt_seats_find()), or will be after this plan. Nothing to do where no section names
 * cpu.iothreads, or the domain has no seat. False where it is refused.
 */
bool kt_pins_stage_iothread(KtPlan *plan, const KtDesired *desired, guint domain, guint id);

/** Stages all pins of a domain that is shut off, where it starts by itself: of its vCPUs, its emulator and
 * the IOThreads that its definition has. */
void kt_pins_stage_shut_off(KtPlan *plan, const KtDesired *desired, guint domain);
