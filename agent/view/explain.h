/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"
#include "probes/kernel.h"
#include "probes/memory.h"
#include "probes/pools.h"
#include "profiles/settings.h"

/** `explain`: what the settings table says, and what of it this host has now. */

/** Where present values come from; each may be NULL. */
typedef struct {
    const KtMemory *memory;
    const KtKernel *kernel;
    const KtPools *pools;
} KtPresent;

/** The present value of a host setting as a profile would have it; NULL = none, or not known. Owned. */
char *kt_present_value(const KtPresent *present, KtSettingId id);

/** All of one setting. */
void kt_view_setting(GString *out, const KtStyle *style, const KtSetting *setting, const KtPresent *present);

/** All settings, a line or two each. */
void kt_view_settings(GString *out, const KtStyle *style);

/** One setting (@only), or all (NULL). Owned. */
char *kt_view_settings_json(const KtSetting *only, const KtPresent *present);
