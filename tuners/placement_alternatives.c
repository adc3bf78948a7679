/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_alternatives.h"
#include "tuners/placement_search.h"

void
kt_alternative_free(KtAlternative *alternative)
{
    kt_placement_free(alternative->placement);
    g_free(alternative);
}

/* The search for the alternatives of one domain, which has no seat meanwhile. */
typedef struct {
    KtState *state;
    guint domain;     /* index into the model's */
    GPtrArray *found; /* KtAlternative */
} Search;

/* Whether the domain's vCPUs together have the same CPUs. */
static bool
is_same_place(const KtSeat *a, const KtSeat *b)
{
    g_autoptr(KtCpuset) cpus_a = hwloc_bitmap_alloc(), cpus_b = hwloc_bitmap_alloc();
    for (guint i = 0; i < a->n_vcpus; i++) {
        hwloc_bitmap_or(cpus_a, cpus_a, a->vcpus[i]);
        hwloc_bitmap_or(cpus_b, cpus_b, b->vcpus[i]);
    }
    return hwloc_bitmap_isequal(cpus_a, cpus_b) != 0;
}

/* Takes note of the seat that the domain has just now. */
static void
note(Search *search)
{
    const KtModel *model = search->state->model;
    guint index = model->domains[search->domain].index;
    g_autoptr(KtPlacement) placement = kt_placement_extract(search->state);
    for (guint i = 0; i < search->found->len; i++) {
        const KtAlternative *other = search->found->pdata[i];
        if (is_same_place(&placement->seats[index], &other->placement->seats[index]))
            return;
    }
    KtAlternative *it = g_new0(KtAlternative, 1);
    it->placement = g_steal_pointer(&placement);
    it->cost = kt_cost(model->problem, it->placement);
    g_ptr_array_add(search->found, it);
}

static void
leave_units(KtState *state, const KtModelDomain *domain)
{
    for (guint i = domain->first_unit; i < domain->first_unit + domain->n_units; i++) {
        if (state->units[i].hall)
            kt_state_leave(state, i);
    }
}

static void
find_own(Search *search)
{
    KtState *state = search->state;
    kt_unseat_exclusive(state, search->domain);
    for (guint zone = 0; zone < state->model->zones->n_zones; zone++) {
        if (kt_seat_exclusive_from(state, search->domain, zone))
            note(search);
        kt_unseat_exclusive(state, search->domain);
    }
}

static void
find_common(Search *search)
{
    KtState *state = search->state;
    const KtModelDomain *domain = &state->model->domains[search->domain];
    leave_units(state, domain);
    for (guint i = 0; i < domain->n_units; i++)
        kt_seat_unit(state, domain->first_unit + i, KT_GROW_ALL);
    note(search);
    leave_units(state, domain);
    for (guint i = 0; domain->n_units == 1 && i < domain->n_regions; i++) {
        KtHall *hall = state->single[domain->first_region + i];
        if (kt_state_hall_pus(state, hall) == 0 || !kt_model_may_share(domain, domain->first_region + i))
            continue;
        kt_state_enter(state, domain->first_unit, hall);
        note(search);
        kt_state_leave(state, domain->first_unit);
    }
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    const KtAlternative *one = *(const KtAlternative *const *)a, *other = *(const KtAlternative *const *)b;
    if (one->present != other->present)
        return one->present ? -1 : 1;
    return one->cost.total < other->cost.total ? -1 : one->cost.total > other->cost.total;
}

GPtrArray *
kt_placement_alternatives(const KtPlacementProblem *problem, guint domain, guint max)
{
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)kt_alternative_free);
    KtAlternative *present = g_new0(KtAlternative, 1);
    present->placement = kt_placement_present(problem);
    present->cost = kt_cost(problem, present->placement);
    present->present = true;
    g_ptr_array_add(found, present);

    g_autoptr(KtModel) model = kt_model_new(problem);
    kt_admit(model);
    g_autoptr(KtState) state = kt_state_new(model, false);
    Search search = {state, kt_model_find(model, domain), found};
    kt_seat_all(state, (KtWay){.present = true, .in_place = true, .changed = search.domain});
    if (model->domains[search.domain].fate == KT_FATE_EXCLUSIVE && !state->domains[search.domain].staying)
        find_own(&search);
    else if (model->domains[search.domain].fate == KT_FATE_SHARED)
        find_common(&search);
    g_ptr_array_sort(found, compare);
    if (found->len > max + 1)
        g_ptr_array_set_size(found, (gint)max + 1);
    return found;
}
