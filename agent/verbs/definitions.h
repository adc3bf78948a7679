/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "tuners/plan.h"

/**
 * `plan --xml-dir`: writes @directory/LABEL.xml for each domain whose persistent definition would change, the
 * full result; only what the plan names differs. Makes the directory. Errors: io, access, parse.
 */
bool kt_write_definitions(const KtPlan *plan, const char *directory, GError **error);
