/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/tuners/seating_rules.h"

/** Placements of a host, and what their sets are. */

/** 32 CPUs, siblings are 2n and 2n+1, 8 CPUs a L3, 16 a node. */
#define HOST "pack:2 [numa] l3:2 core:4 pu:2"

/** The sets of a domain, "1;2;4-7". Owned. */
static inline char *
sets_list(const KtPlacement *placement, guint domain)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < placement->seats[domain].n_vcpus; i++) {
        g_autofree char *set = kt_cpuset_format(placement->seats[domain].vcpus[i]);
        g_string_append_printf(text, "%s%s", i > 0 ? ";" : "", set);
    }
    return g_string_free(text, FALSE);
}

static inline void
sets_assert(const KtPlacement *placement, guint domain, const char *expected)
{
    g_autofree char *sets = sets_list(placement, domain);
    g_assert_cmpstr(sets, ==, expected);
}

/** Legal, too. Owned. */
static inline KtPlacement *
sets_solve(Case *it)
{
    KtPlacement *placement = kt_placement_solve(case_problem(it));
    rules_check(it, placement);
    return placement;
}

/** The union of a domain's sets. Owned. */
static inline KtCpuset *
sets_union(const KtPlacement *placement, guint domain)
{
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (guint i = 0; i < placement->seats[domain].n_vcpus; i++)
        hwloc_bitmap_or(cpus, cpus, placement->seats[domain].vcpus[i]);
    return cpus;
}

static inline guint
sets_count_groups(const Case *it, const KtPlacement *placement, guint domain)
{
    g_autoptr(KtCpuset) cpus = sets_union(placement, domain);
    guint n = 0;
    for (guint i = 0; i < it->topology->n_groups; i++)
        n += hwloc_bitmap_intersects(cpus, it->topology->groups[i].cpus);
    return n;
}

static inline guint
sets_count_cores(const Case *it, const KtPlacement *placement, guint domain)
{
    g_autoptr(KtCpuset) cpus = sets_union(placement, domain);
    guint n = 0;
    for (guint i = 0; i < it->topology->n_cores; i++)
        n += hwloc_bitmap_intersects(cpus, it->topology->cores[i].cpus);
    return n;
}
