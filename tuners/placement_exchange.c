/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

static const KtModelDomain *
domain_of(const KtState *state, guint vcpu)
{
    return &state->model->domains[kt_state_domain_of(state, vcpu)];
}

/* Exchanges the CPUs of two vCPUs of different domains where that is worth it. */
static bool
improve_by_exchange(KtState *state, guint vcpu, guint other)
{
    guint pu = (guint)state->pu[vcpu], other_pu = (guint)state->pu[other];
    const KtPu *pus = state->model->topology->pus;
    if (!kt_model_may_be_on(domain_of(state, vcpu), pus[other_pu].node) ||
        !kt_model_may_be_on(domain_of(state, other), pus[pu].node))
        return false;
    KtMark mark = kt_mark(state);
    double least = kt_state_total(state) - state->model->worth;
    kt_state_save_epochs(state);
    kt_state_exchange(state, vcpu, other);
    if (kt_state_total(state) < least)
        return true;
    kt_state_exchange(state, vcpu, other);
    kt_mark_restore(state, mark);
    kt_state_restore_epochs(state);
    return false;
}

static bool
isolates(const KtState *state, guint vcpu)
{
    return domain_of(state, vcpu)->wish->smt == KT_SMT_ISOLATE;
}

static guint
count_siblings(const KtState *state, guint vcpu)
{
    return state->model->core_pus[state->model->topology->pus[state->pu[vcpu]].core].n;
}

/* Whether an exchange is legal: both isolate or neither does, or there is nobody to be isolated from. */
static bool
may_exchange(const KtState *state, guint vcpu, guint other)
{
    return isolates(state, vcpu) == isolates(state, other) ||
           (count_siblings(state, vcpu) == 1 && count_siblings(state, other) == 1);
}

/* Exchanges with the strangers in @zone. */
static bool
improve_in_zone(KtState *state, guint vcpu, guint zone)
{
    const KtZone *it = &state->model->zones->zones[zone];
    const KtModelDomain *domain = domain_of(state, vcpu);
    for (guint i = 0; i < it->n_pus; i++) {
        gint other = state->owner[it->pus[i]];
        if (other < 0 || domain_of(state, (guint)other) == domain)
            continue;
        if (may_exchange(state, vcpu, (guint)other) && improve_by_exchange(state, vcpu, (guint)other))
            return true;
    }
    return false;
}

/* Whether a vCPU shares its core with an exclusive one of another domain. */
static bool
has_stranger(const KtState *state, guint vcpu)
{
    const KtIndices *pus = &state->model->core_pus[state->model->topology->pus[state->pu[vcpu]].core];
    for (guint i = 0; i < pus->n; i++) {
        gint other = state->owner[pus->items[i]];
        if (other >= 0 && domain_of(state, (guint)other) != domain_of(state, vcpu))
            return true;
    }
    return false;
}

static bool
is_on_other_kind(const KtState *state, guint vcpu)
{
    gint wanted = domain_of(state, vcpu)->kind, kind = state->model->topology->pus[state->pu[vcpu]].kind;
    return wanted >= 0 && kind >= 0 && kind != wanted;
}

/* Whether the vCPU could be in a group of its own: `spread`, and there is another one of its domain beside
 * it. */
static bool
is_crowded(const KtState *state, guint vcpu)
{
    const KtDomainState *domain = &state->domains[kt_state_domain_of(state, vcpu)];
    return domain->group_vcpus && domain->n_groups < MIN(domain->n_seated, state->spread_groups) &&
           domain->group_vcpus[state->model->topology->pus[state->pu[vcpu]].group] > 1;
}

/* Exchanges it with a stranger in a group that has none of its domain. */
static bool
improve_spread(KtState *state, guint vcpu)
{
    const KtDomainState *domain = &state->domains[kt_state_domain_of(state, vcpu)];
    const KtZones *zones = state->model->zones;
    for (guint i = 0; i < zones->n_zones; i++) {
        if (domain->group_vcpus[zones->zones[i].group] == 0 && improve_in_zone(state, vcpu, i))
            return true;
    }
    return false;
}

bool
kt_improve_by_exchange(KtState *state, guint vcpu)
{
    if (is_crowded(state, vcpu) && (improve_spread(state, vcpu) || kt_improve_spread_by_core(state, vcpu)))
        return true;
    if (kt_improve_by_yielding(state, vcpu))
        return true;
    for (guint i = 0; is_on_other_kind(state, vcpu) && i < state->model->zones->n_zones; i++) {
        if (improve_in_zone(state, vcpu, i))
            return true;
    }
    const KtModelDomain *domain = domain_of(state, vcpu);
    const guint *of_pu = state->model->zones->of_pu;
    guint home = of_pu[state->pu[vcpu]];
    g_autofree guint64 *seen = g_new0(guint64, state->model->zones->n_zones / 64 + 1);
    kt_bit_set(seen, home, !has_stranger(state, vcpu));
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        guint zone = of_pu[state->pu[i]];
        if (i == vcpu || kt_bit(seen, zone))
            continue;
        kt_bit_set(seen, zone, true);
        if (improve_in_zone(state, vcpu, zone))
            return true;
    }
    return false;
}
