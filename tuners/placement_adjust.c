/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* The model's index of a domain in the caller's order, or KT_NO_DOMAIN. */
static guint
find_domain(const KtModel *model, guint index)
{
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].index == index)
            return i;
    }
    return KT_NO_DOMAIN;
}

KtPlacement *
kt_placement_adjust(const KtPlacementProblem *problem, guint changed, guint max_others)
{
    g_autoptr(KtModel) model = kt_model_new(problem);
    kt_admit(model);
    g_autoptr(KtState) state = kt_state_new(model, true);
    guint domain = find_domain(model, changed);
    kt_seat_all(state, (KtWay){.present = true, .in_place = true, .changed = domain});
    while (domain != KT_NO_DOMAIN && kt_improve(state, domain))
        ;
    for (guint i = 0, n_moved = 0; i < model->n_domains && n_moved < max_others; i++)
        n_moved += i != domain && kt_improve(state, i);
    return kt_placement_extract(state);
}
