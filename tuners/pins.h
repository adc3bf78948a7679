/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * Stages the pin that cpu.iothreads gives to an IOThread of an active domain that doesn't run yet, but is in
 * the definition or will be after this plan. Nothing to do where no section names cpu.iothreads, or the
 * domain is shut off. False where it is refused.
 */
bool kt_pins_stage_iothread(KtPlan *plan, const KtDesired *desired, guint domain, guint id);
