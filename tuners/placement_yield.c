/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Moves a vCPU to a CPU that nobody else has, if its domain may have it; whether it did. */
static bool
move_to_idle(KtState *state, guint vcpu, guint pu)
{
    gint from = state->pu[vcpu];
    kt_state_release(state, vcpu);
    if (kt_state_can_take(state, kt_state_domain_of(state, vcpu), pu)) {
        kt_state_take(state, vcpu, pu);
        return true;
    }
    kt_state_take(state, vcpu, (guint)from);
    return false;
}

static void
move_back(KtState *state, guint vcpu, guint pu)
{
    kt_state_release(state, vcpu);
    kt_state_take(state, vcpu, pu);
}

/* Whether two vCPUs of a domain may have a core together though there are others: `share`, or both are
 * threads of one guest core. */
static bool
may_pair(const KtModel *model, const KtModelDomain *domain, guint vcpu, guint mate)
{
    gint core = model->vcpus[vcpu].guest_core;
    return domain->wish->smt == KT_SMT_SHARE || (core >= 0 && core == model->vcpus[mate].guest_core);
}

/* A CPU without owner on another core that such a vCPU of its domain has; -1: there is none. */
static gint
find_beside_mates(const KtState *state, guint vcpu)
{
    const KtModel *model = state->model;
    const KtModelDomain *domain = &model->domains[kt_state_domain_of(state, vcpu)];
    guint home = model->topology->pus[state->pu[vcpu]].core;
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        guint core = model->topology->pus[state->pu[i]].core;
        if (core == home || !may_pair(model, domain, vcpu, i))
            continue;
        const KtIndices *pus = &model->core_pus[core];
        for (guint j = 0; j < pus->n; j++) {
            if (state->owner[pus->items[j]] < 0 && model->usable[pus->items[j]])
                return (gint)pus->items[j];
        }
    }
    return -1;
}

/* The first vCPU of the domain that could have a whole core and has none; -1: none. */
static gint
find_doubled(const KtState *state, const KtModelDomain *domain)
{
    if (domain->fate != KT_FATE_EXCLUSIVE || domain->wish->smt != KT_SMT_AUTO)
        return -1;
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        gint pu = state->pu[i];
        if (pu >= 0 && state->cores[state->model->topology->pus[pu].core].n_doubled > 0)
            return (gint)i;
    }
    return -1;
}

/* Gives the core of @pu, which is spare, to a vCPU on a sibling, where that lowers the total below @least. */
static bool
give(KtState *state, guint pu, double least)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->n_domains; i++) {
        gint vcpu = find_doubled(state, &model->domains[i]);
        guint from = vcpu < 0 ? 0 : (guint)state->pu[vcpu];
        if (vcpu < 0 || !move_to_idle(state, (guint)vcpu, pu))
            continue;
        if (kt_state_total(state) < least)
            return true;
        move_back(state, (guint)vcpu, from);
    }
    return false;
}

/* Whether it is alone on a core, of which its domain has more than its vCPUs fill. */
static bool
may_yield(const KtState *state, guint vcpu)
{
    guint index = kt_state_domain_of(state, vcpu);
    const KtDomainState *domain = &state->domains[index];
    const KtModelDomain *it = &state->model->domains[index];
    guint core = state->model->topology->pus[state->pu[vcpu]].core;
    return it->wish->smt != KT_SMT_ISOLATE && state->n_doubled > 0 && state->cores[core].n_owned == 1 &&
           domain->n_seated == it->n_vcpus && (domain->n_cores - 1) * state->core_threads >= domain->n_seated;
}

bool
kt_improve_by_yielding(KtState *state, guint vcpu)
{
    gint beside = may_yield(state, vcpu) ? find_beside_mates(state, vcpu) : -1;
    if (beside < 0)
        return false;
    guint pu = (guint)state->pu[vcpu];
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - state->model->worth;
    kt_state_save_epochs(state);
    bool moved = move_to_idle(state, vcpu, (guint)beside);
    if (moved && give(state, pu, least))
        return true;
    if (moved)
        move_back(state, vcpu, pu);
    kt_mark_restore(state, mark);
    kt_state_restore_epochs(state);
    return false;
}
