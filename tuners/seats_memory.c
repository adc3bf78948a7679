/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ledger.h"
#include "tuners/seats_parts.h"

/* How often seats are sought anew for memory that doesn't fit; each time somebody has fewer nodes. */
#define MAX_ATTEMPTS 4
/* Others than the domain that changed, who may be moved for it. */
#define MAX_MOVED 2

/* The domains whose memory is to be bound to the nodes of their CPUs, those that go first before others.
 * guint. Owned. */
static GArray *
bound_domains(const KtDesired *desired, const KtPlan *plan)
{
    GArray *bound = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        const KtValue *value = kt_desired_domain(desired, i, KT_SETTING_MEMORY_NUMA, NULL);
        if (!kt_value_is(value, "strict") || plan->domains[i].seat < 0 || domain->inactive == NULL)
            continue;
        gint priority = plan->problem->domains[plan->domains[i].seat].priority;
        guint at = bound->len;
        while (at > 0) {
            guint before = g_array_index(bound, guint, at - 1);
            if (plan->problem->domains[plan->domains[before].seat].priority >= priority)
                break;
            at--;
        }
        g_array_insert_val(bound, at, i);
    }
    return bound;
}

bool
kt_seat_book(KtLedger *ledger, const KtPlan *plan, guint index, const KtCpuset *nodes)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    g_auto(KtShortage) shortage = {0};
    g_autofree char *nodeset = kt_cpuset_format(nodes);
    g_autoptr(GPtrArray) no_memnodes = g_ptr_array_new();
    KtDomainDef next = *domain->inactive;
    next.memnodes = no_memnodes;
    next.numatune_mode = (char *)"strict";
    next.numatune_nodeset = nodeset;
    g_autoptr(GPtrArray) needs = kt_memory_needs(plan, index, &next);
    return kt_ledger_take(ledger, index, needs, &shortage);
}

bool *
kt_seat_nodes_that_hold(KtLedger *ledger, const KtPlan *plan, guint index)
{
    const KtTopology *topology = plan->snapshot->topology;
    g_autofree bool *holding = g_new0(bool, topology->n_nodes);
    g_autoptr(KtCpuset) node = hwloc_bitmap_alloc();
    bool any = false;
    for (guint i = 0; i < topology->n_nodes; i++) {
        hwloc_bitmap_only(node, topology->nodes[i].os);
        holding[i] = topology->nodes[i].has_memory && !hwloc_bitmap_iszero(topology->nodes[i].cpus) &&
                     kt_seat_book(ledger, plan, index, node);
        any |= holding[i];
    }
    return any ? g_steal_pointer(&holding) : NULL;
}

/* Keeps domains whose memory doesn't fit where their CPUs are to nodes that have room; whether any is. */
static bool
keep_to_room(const KtDesired *desired, KtPlan *plan, KtPlacementProblem *wanted, const GArray *bound)
{
    g_autoptr(KtLedger) ledger = kt_ledger_new(plan, desired);
    bool any = false;
    for (guint i = 0; i < bound->len; i++) {
        guint index = g_array_index(bound, guint, i);
        KtSeatDomain *seat = (KtSeatDomain *)&wanted->domains[plan->domains[index].seat];
        g_autoptr(KtCpuset) nodes = kt_memory_cpu_nodes(plan, index, NULL);
        if (!seat->placed || seat->nodes != NULL || hwloc_bitmap_iszero(nodes) ||
            kt_seat_book(ledger, plan, index, nodes))
            continue;
        seat->nodes = kt_seat_nodes_that_hold(ledger, plan, index);
        any |= seat->nodes != NULL;
    }
    return any;
}

KtLedger *
kt_seat_open_ledger(const KtDesired *desired, const KtPlan *plan)
{
    KtLedger *ledger = kt_ledger_new(plan, desired);
    g_autoptr(GArray) bound = bound_domains(desired, plan);
    for (guint i = 0; i < bound->len; i++) {
        guint index = g_array_index(bound, guint, i);
        g_autoptr(KtCpuset) nodes = kt_memory_cpu_nodes(plan, index, NULL);
        kt_seat_book(ledger, plan, index, nodes);
    }
    return ledger;
}

/* Where one domain alone is other than it was when all were placed, the others keep their seats, but for few;
 * where none is, all do. */
static KtPlacement *
solve(const KtPlan *plan, const KtPlacementProblem *wanted)
{
    const KtSnapshot *snapshot = plan->snapshot;
    if (!snapshot->changed)
        return kt_placement_solve(wanted);
    guint changed = KT_PLACEMENT_GONE;
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (plan->domains[i].seat >= 0 && g_str_equal(domain->uuid, snapshot->changed))
            changed = (guint)plan->domains[i].seat;
    }
    return kt_placement_adjust(wanted, changed, *snapshot->changed ? MAX_MOVED : 0);
}

void
kt_seats_solve(const KtDesired *desired, KtPlan *plan, KtPlacementProblem *wanted)
{
    g_autoptr(GArray) bound = bound_domains(desired, plan);
    plan->placement = solve(plan, wanted);
    for (guint i = 0; i < MAX_ATTEMPTS && bound->len > 0; i++) {
        if (!keep_to_room(desired, plan, wanted, bound))
            return;
        kt_placement_free(plan->placement);
        plan->placement = solve(plan, wanted);
    }
}
