/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * Nothing that can be held may end or stop this program while a guest is out of its process: it would stay
 * there. Who tries is told that it waits, and is obeyed when the guest is back.
 */
typedef struct KtSignalHold KtSignalHold;

/** Holds Ctrl-C and its like in this thread and in those that it starts from now on. */
KtSignalHold *kt_signal_hold(void);

/** Lets them go; one that came meanwhile takes effect. */
void kt_signal_release(KtSignalHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtSignalHold, kt_signal_release)
