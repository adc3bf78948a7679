/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Each improvement lowers the total by KtModel.worth, so climbing ends; this ends it in reasonable time. */
#define MAX_ROUNDS 40

static bool
improve_units(KtState *state, const KtModelDomain *domain)
{
    bool better = false;
    for (guint i = 0; i < domain->n_units; i++) {
        if (state->units[domain->first_unit + i].hall)
            better |= kt_improve_unit(state, domain->first_unit + i);
    }
    return better;
}

/* Improves domain @index; whether that was possible. */
static bool
improve(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    if (domain->fate == KT_FATE_EXCLUSIVE)
        return state->domains[index].n_seated > 0 && kt_improve_exclusive(state, index, true);
    return domain->fate == KT_FATE_SHARED && improve_units(state, domain);
}

void
kt_improve_alone(KtState *state, guint index)
{
    const KtModelDomain *domain = &state->model->domains[index];
    bool better = true;
    for (guint i = 0; better && i < MAX_ROUNDS; i++) {
        if (domain->fate == KT_FATE_EXCLUSIVE)
            better = state->domains[index].n_seated > 0 && kt_improve_exclusive(state, index, false);
        else
            better = domain->fate == KT_FATE_SHARED && improve_units(state, domain);
    }
}

/* Regions that own CPUs have filled up belong to no set: the next solve couldn't see that they did. */
static bool
prune(KtState *state)
{
    bool any = false;
    for (guint i = 0; i < state->model->n_units; i++) {
        if (state->units[i].hall)
            any |= kt_prune_unit(state, i);
    }
    return any;
}

/* The order in which domains are improved: common sets first. While many of them are the whole machine, as on
 * a host that was never tuned, every trial with an own CPU would touch all of it. Owned. */
static guint *
improving_order(const KtModel *model)
{
    guint *order = g_new0(guint, model->n_domains + 1);
    guint n = 0;
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].fate == KT_FATE_SHARED)
            order[n++] = i;
    }
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].fate != KT_FATE_SHARED)
            order[n++] = i;
    }
    return order;
}

/* Improves one after the other until all in a row could not be improved; whether any was. */
static bool
climb(KtState *state, const guint *order, guint n)
{
    guint in_vain = 0;
    bool better = false;
    for (guint64 i = 0; n > 0 && in_vain < n && i < (guint64)n * MAX_ROUNDS; i++) {
        in_vain = improve(state, order[i % n]) ? 0 : in_vain + 1;
        better |= in_vain == 0;
    }
    return better;
}

void
kt_climb(KtState *state)
{
    g_autofree guint *order = improving_order(state->model);
    do {
        /* What is looked at again after a vain look is only what has changed: in the end it is all. */
        do
            kt_state_forget_vain(state);
        while (climb(state, order, state->model->n_domains));
    } while (prune(state));
}
