/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

void
kt_placement_free(KtPlacement *placement)
{
    if (!placement)
        return;
    for (guint i = 0; i < placement->n_seats; i++) {
        KtSeat *seat = &placement->seats[i];
        for (guint j = 0; j < seat->n_vcpus; j++)
            kt_cpuset_free(seat->vcpus[j]);
        g_free(seat->vcpus);
        kt_cpuset_free(seat->memory_nodes);
        g_free(seat->reason);
        g_free(seat->refusal);
    }
    g_free(placement->seats);
    g_free(placement);
}

/* Room for the sets. */
static KtPlacement *
placement_new(const KtPlacementProblem *problem)
{
    KtPlacement *placement = g_new0(KtPlacement, 1);
    placement->n_seats = problem->n_domains;
    placement->seats = g_new0(KtSeat, problem->n_domains + 1);
    for (guint i = 0; i < problem->n_domains; i++) {
        placement->seats[i].n_vcpus = problem->domains[i].n_vcpus;
        placement->seats[i].vcpus = g_new0(KtCpuset *, problem->domains[i].n_vcpus + 1);
    }
    return placement;
}

KtPlacement *
kt_placement_present(const KtPlacementProblem *problem)
{
    KtPlacement *placement = placement_new(problem);
    for (guint i = 0; i < problem->n_domains; i++) {
        for (guint j = 0; j < problem->domains[i].n_vcpus; j++)
            placement->seats[i].vcpus[j] = hwloc_bitmap_dup(problem->domains[i].vcpus[j].before);
    }
    return placement;
}

/* Borrowed. @sets: KtHall → KtCpuset: many vCPUs have one set. */
static const KtCpuset *
hall_set(const KtState *state, const KtHall *hall, GHashTable *sets)
{
    KtCpuset *set = g_hash_table_lookup(sets, hall);
    if (set)
        return set;
    set = hwloc_bitmap_alloc();
    for (guint i = 0; i < state->model->topology->n_pus; i++) {
        if (kt_bit(hall->pus, i))
            hwloc_bitmap_set(set, state->model->topology->pus[i].os);
    }
    g_hash_table_insert(sets, (gpointer)hall, set);
    return set;
}

static KtCpuset *
extract_vcpu(const KtState *state, guint index, const KtModelDomain *domain, GHashTable *sets)
{
    const KtModelVcpu *vcpu = &state->model->vcpus[index];
    const KtHall *hall = state->units[vcpu->unit].hall;
    if (state->pu[index] >= 0) {
        KtCpuset *set = hwloc_bitmap_alloc();
        hwloc_bitmap_only(set, state->model->topology->pus[state->pu[index]].os);
        return set;
    }
    return hwloc_bitmap_dup(hall ? hall_set(state, hall, sets) : domain->wish->vcpus[vcpu->vcpu].before);
}

/* How many of a domain's vCPUs would find a CPU, or a whole core, as things are. */
static guint
count_free(const KtState *state, const KtModelDomain *domain)
{
    const KtModel *model = state->model;
    guint n_free = 0;
    for (guint i = 0; i < model->topology->n_cores; i++) {
        const KtIndices *pus = &model->core_pus[i];
        bool isolate = domain->wish->smt == KT_SMT_ISOLATE;
        guint n_here = 0;
        for (guint j = 0; j < pus->n && !state->cores[i].isolated; j++) {
            guint pu = pus->items[j];
            n_here += model->usable[pu] && state->owner[pu] < 0 &&
                      kt_model_may_be_on(domain, model->topology->pus[pu].node);
        }
        n_free += isolate ? n_here > 0 && state->cores[i].n_owned == 0 : n_here;
    }
    return n_free;
}

KtPlacement *
kt_placement_extract(const KtState *state)
{
    const KtModel *model = state->model;
    KtPlacement *placement = placement_new(model->problem);
    g_autoptr(GHashTable) sets = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)kt_cpuset_free);
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[i];
        KtSeat *seat = &placement->seats[domain->index];
        if (domain->refusal)
            seat->refusal = g_strdup(domain->refusal);
        else if (domain->fate == KT_FATE_EXCLUSIVE && state->domains[i].staying)
            seat->refusal = kt_admit_describe_fragmented(domain, count_free(state, domain));
        g_assert(seat->vcpus != NULL);
        for (guint j = domain->first_vcpu; j < domain->first_vcpu + domain->n_vcpus; j++)
            seat->vcpus[model->vcpus[j].vcpu] = extract_vcpu(state, j, domain, sets);
    }
    kt_placement_explain(state, placement);
    return placement;
}
