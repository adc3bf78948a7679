/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/verb.h"

/**
 * Verbs of the daemon, and those that talk with it.
 */

/** Keeps a profile true until it is told to end. */
KtExit kt_verb_daemon(const KtOptions *options);

/** Has the daemon read its profile again. */
KtExit kt_verb_reload(const KtOptions *options);
