/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "tuners/cost.h"
#include "tuners/placement.h"

/** A placement problem made by hand, and placements for it. */

#define CASE_MAX_DOMAINS 64

typedef struct {
    KtTopology *topology;
    KtCpuset *housekeeping;
    KtSeatDomain domains[CASE_MAX_DOMAINS];
    guint n_domains;
    GPtrArray *owned; /* memory of the domains */
    GPtrArray *sets;  /* KtCpuset of the domains */
    KtPlacementProblem problem;
} Case;

static inline KtCpuset *
case_set(Case *it, const char *list)
{
    g_autoptr(GError) error = NULL;
    KtCpuset *set = kt_cpuset_parse(list, false, &error);
    g_assert_no_error(error);
    g_ptr_array_add(it->sets, set);
    return set;
}

/** Takes @topology over. */
static inline Case *
case_new_on(KtTopology *topology)
{
    Case *it = g_new0(Case, 1);
    it->topology = topology;
    it->owned = g_ptr_array_new_with_free_func(g_free);
    it->sets = g_ptr_array_new_with_free_func((GDestroyNotify)kt_cpuset_free);
    it->housekeeping = case_set(it, "");
    return it;
}

static inline Case *
case_new(const char *synthetic)
{
    g_autoptr(GError) error = NULL;
    KtTopology *topology = kt_topology_from_synthetic(synthetic, &error);
    g_assert_no_error(error);
    return case_new_on(topology);
}

static inline void
case_free(Case *it)
{
    g_ptr_array_unref(it->owned);
    g_ptr_array_unref(it->sets);
    kt_topology_free(it->topology);
    g_free(it);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, case_free)

/** Adds a domain whose vCPUs are all at @before, without cells, threads, devices and known memory. */
static inline KtSeatDomain *
case_add(Case *it, const char *name, guint n_vcpus, const char *before)
{
    g_assert_cmpuint(it->n_domains, <, CASE_MAX_DOMAINS);
    KtSeatDomain *domain = &it->domains[it->n_domains++];
    KtSeatVcpu *vcpus = g_new0(KtSeatVcpu, n_vcpus + 1);
    g_ptr_array_add(it->owned, vcpus);
    for (guint i = 0; i < n_vcpus; i++)
        vcpus[i] =
            (KtSeatVcpu){.id = i, .load = 1, .before = case_set(it, before), .cell = -1, .guest_core = -1};
    char *owned_name = g_strdup(name);
    g_ptr_array_add(it->owned, owned_name);
    *domain = (KtSeatDomain){.name = owned_name, .placed = true, .vcpus = vcpus, .n_vcpus = n_vcpus};
    return domain;
}

static inline KtSeatDomain *
case_add_exclusive(Case *it, const char *name, guint n_vcpus, const char *before)
{
    KtSeatDomain *domain = case_add(it, name, n_vcpus, before);
    domain->exclusive = true;
    return domain;
}

/** The vCPUs of a domain, to be changed. */
static inline KtSeatVcpu *
case_vcpus(const KtSeatDomain *domain)
{
    return (KtSeatVcpu *)domain->vcpus;
}

/** Gives each vCPU a set before: "0;1;2-3". */
static inline void
case_set_before(Case *it, const KtSeatDomain *domain, const char *sets)
{
    g_auto(GStrv) lists = g_strsplit(sets, ";", -1);
    g_assert_cmpuint(g_strv_length(lists), ==, domain->n_vcpus);
    for (guint i = 0; i < domain->n_vcpus; i++)
        case_vcpus(domain)[i].before = case_set(it, lists[i]);
}

/** All of the domain's memory on these nodes, in equal parts: indices by position. */
static inline void
case_set_memory(Case *it, KtSeatDomain *domain, const double *shares)
{
    double *copy = g_memdup2(shares, it->topology->n_nodes * sizeof *shares);
    g_ptr_array_add(it->owned, copy);
    domain->memory_share = copy;
}

static inline const KtPlacementProblem *
case_problem(Case *it)
{
    it->problem = (KtPlacementProblem){.topology = it->topology,
                                       .housekeeping = it->housekeeping,
                                       .domains = it->domains,
                                       .n_domains = it->n_domains};
    return &it->problem;
}

/** The cost of leaving everything as it is: sets before are the placement. */
static inline KtCost
case_present_cost(Case *it)
{
    const KtPlacementProblem *problem = case_problem(it);
    g_autoptr(KtPlacement) placement = kt_placement_present(problem);
    return kt_cost(problem, placement);
}

/** Makes what @placement says the present. */
static inline void
case_carry_out(Case *it, const KtPlacement *placement)
{
    for (guint i = 0; i < it->n_domains; i++) {
        for (guint j = 0; j < it->domains[i].n_vcpus; j++) {
            KtCpuset *set = hwloc_bitmap_dup(placement->seats[i].vcpus[j]);
            g_ptr_array_add(it->sets, set);
            case_vcpus(&it->domains[i])[j].before = set;
        }
    }
}

static inline guint
case_moves(const Case *it, const KtPlacement *placement)
{
    guint n = 0;
    for (guint i = 0; i < it->n_domains; i++) {
        for (guint j = 0; j < it->domains[i].n_vcpus; j++)
            n += !hwloc_bitmap_isequal(it->domains[i].vcpus[j].before, placement->seats[i].vcpus[j]);
    }
    return n;
}

#define case_assert_near(a, b) g_assert_cmpfloat_with_epsilon(a, b, 1e-9)
