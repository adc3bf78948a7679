/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/verb.h"

/** All verbs, in the order in which people meet them; ends with a NULL name. The command line, --help and the
 * manual pages read it. */
extern const KtVerb kt_verbs[];
