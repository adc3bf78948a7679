/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/settings.h"

/** The rows of the table by scope. Private to profiles/: everybody else asks kt_setting(). */

#define KT_N_HOST_SETTINGS KT_SETTING_CPU_PLACEMENT
#define KT_N_DOMAIN_SETTINGS (KT_N_SETTINGS - KT_N_HOST_SETTINGS)

extern const KtSetting kt_host_settings[KT_N_HOST_SETTINGS];     /* by id */
extern const KtSetting kt_domain_settings[KT_N_DOMAIN_SETTINGS]; /* by id, less KT_N_HOST_SETTINGS */

/** The words of a setting, in the order that people read them. NULL-terminated. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define UNTOUCHED "left as it is"
