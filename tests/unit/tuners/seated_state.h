/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement_search.h"

/** A state with own CPUs as they are before. */
static inline KtState *
seated(const KtModel *model)
{
    KtState *state = kt_state_new(model, true);
    g_assert_true(kt_seat_all(state, (KtWay){.present = true, .changed = KT_NO_DOMAIN}));
    return state;
}

/** The vCPU that has this CPU. */
static inline guint
owner_of(const KtState *state, guint pu)
{
    g_assert_cmpint(state->owner[pu], >=, 0);
    return (guint)state->owner[pu];
}
