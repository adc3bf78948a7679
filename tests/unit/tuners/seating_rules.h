/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/tuners/seating_case.h"

/** The legality of a placement, as design section 10 and the safety rules 7 and 9 have it, read from the sets
 * alone. */

static inline bool
rules_is_placed(const Case *it, const KtPlacement *placement, guint domain)
{
    return it->domains[domain].placed && !placement->seats[domain].refusal;
}

static inline bool
rules_is_exclusive(const Case *it, const KtPlacement *placement, guint domain)
{
    return rules_is_placed(it, placement, domain) && it->domains[domain].exclusive;
}

/** What no common set may have: own CPUs, siblings of isolating ones, isolcpus, CPUs that aren't placeable.
 * Owned. */
static inline KtCpuset *
rules_closed(const Case *it, const KtPlacement *placement)
{
    KtCpuset *closed = hwloc_bitmap_dup(it->topology->isolated);
    for (guint i = 0; i < it->topology->n_pus; i++) {
        if (!it->topology->pus[i].placeable)
            hwloc_bitmap_set(closed, it->topology->pus[i].os);
    }
    for (guint i = 0; i < it->n_domains; i++) {
        if (!rules_is_exclusive(it, placement, i))
            continue;
        for (guint j = 0; j < it->domains[i].n_vcpus; j++) {
            const KtCpuset *set = placement->seats[i].vcpus[j];
            const KtPu *pu = kt_topology_pu(it->topology, (guint)hwloc_bitmap_first(set));
            if (it->domains[i].smt == KT_SMT_ISOLATE && pu)
                hwloc_bitmap_or(closed, closed, it->topology->cores[pu->core].cpus);
            hwloc_bitmap_or(closed, closed, set);
        }
    }
    return closed;
}

static inline void
rules_check_exclusive(const Case *it, const KtPlacement *placement, guint domain)
{
    for (guint i = 0; i < it->domains[domain].n_vcpus; i++) {
        const KtCpuset *set = placement->seats[domain].vcpus[i];
        g_assert_cmpint(hwloc_bitmap_weight(set), ==, 1);
        const KtPu *pu = kt_topology_pu(it->topology, (guint)hwloc_bitmap_first(set));
        g_assert_nonnull(pu);
        g_assert_true(pu->placeable);
        g_assert_false(hwloc_bitmap_intersects(set, it->housekeeping));
        g_autoptr(KtCpuset) own = hwloc_bitmap_dup(set);
        if (it->domains[domain].smt == KT_SMT_ISOLATE)
            hwloc_bitmap_copy(own, it->topology->cores[pu->core].cpus);
        for (guint j = 0; j < it->n_domains; j++) {
            for (guint k = 0; rules_is_placed(it, placement, j) && k < it->domains[j].n_vcpus; k++)
                g_assert_true((j == domain && k == i) ||
                              !hwloc_bitmap_intersects(own, placement->seats[j].vcpus[k]));
        }
    }
}

static inline void
rules_check_shared(const Case *it, const KtPlacement *placement, guint domain, const KtCpuset *closed)
{
    const KtSeatDomain *wish = &it->domains[domain];
    for (guint i = 0; i < wish->n_vcpus; i++) {
        const KtCpuset *set = placement->seats[domain].vcpus[i];
        g_assert_false(hwloc_bitmap_iszero(set));
        g_autoptr(KtCpuset) whole = hwloc_bitmap_alloc();
        for (guint j = 0; wish->policy == KT_PLACEMENT_NUMA && j < it->topology->n_nodes; j++) {
            if (hwloc_bitmap_intersects(set, it->topology->nodes[j].cpus))
                hwloc_bitmap_or(whole, whole, it->topology->nodes[j].cpus);
        }
        for (guint j = 0; wish->policy != KT_PLACEMENT_NUMA && j < it->topology->n_groups; j++) {
            if (hwloc_bitmap_intersects(set, it->topology->groups[j].cpus))
                hwloc_bitmap_or(whole, whole, it->topology->groups[j].cpus);
        }
        hwloc_bitmap_andnot(whole, whole, closed);
        g_assert_true(hwloc_bitmap_isequal(set, whole));
        for (guint j = 0; j < wish->n_vcpus; j++) {
            if (wish->vcpus[j].cell == wish->vcpus[i].cell)
                g_assert_true(hwloc_bitmap_isequal(set, placement->seats[domain].vcpus[j]));
        }
    }
}

/** Whether a CPU is left that those who float or share may use, where there is anybody of these. */
static inline void
rules_check_open(const Case *it, const KtPlacement *placement, const KtCpuset *closed)
{
    bool others = false, any = false, left = false;
    for (guint i = 0; i < it->n_domains; i++)
        others |= it->domains[i].n_vcpus > 0 && (!it->domains[i].placed || !it->domains[i].exclusive);
    for (guint i = 0; i < it->topology->n_pus; i++) {
        const KtPu *pu = &it->topology->pus[i];
        any |= pu->placeable && !pu->isolated;
        left |= !hwloc_bitmap_isset(closed, pu->os);
    }
    (void)placement;
    g_assert_true(!others || !any || left);
}

static inline void
rules_check(const Case *it, const KtPlacement *placement)
{
    g_autoptr(KtCpuset) closed = rules_closed(it, placement);
    g_assert_cmpuint(placement->n_seats, ==, it->n_domains);
    rules_check_open(it, placement, closed);
    for (guint i = 0; i < it->n_domains; i++) {
        const KtSeat *seat = &placement->seats[i];
        g_assert_cmpuint(seat->n_vcpus, ==, it->domains[i].n_vcpus);
        if (!rules_is_placed(it, placement, i)) {
            for (guint j = 0; j < seat->n_vcpus; j++)
                g_assert_true(hwloc_bitmap_isequal(seat->vcpus[j], it->domains[i].vcpus[j].before));
            continue;
        }
        g_assert_true(seat->reason != NULL || seat->n_vcpus == 0);
        if (it->domains[i].exclusive)
            rules_check_exclusive(it, placement, i);
        else
            rules_check_shared(it, placement, i, closed);
    }
}
