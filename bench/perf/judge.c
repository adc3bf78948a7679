/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/judge.h"

typedef struct {
    const KtPlacementProblem *problem;
    const KtPlacement *placement;
    const KtTopology *topology;
    guint *n_own;     /* by PU: exclusive vCPUs there */
    bool *closed;     /* by PU: no common set has it */
    KtCpuset *shared; /* what common sets have together */
} Judge;

static bool
is_placed(const Judge *judge, guint domain)
{
    return judge->problem->domains[domain].placed && !judge->placement->seats[domain].refusal;
}

static bool
is_exclusive(const Judge *judge, guint domain)
{
    return is_placed(judge, domain) && judge->problem->domains[domain].exclusive;
}

/* The PU that a vCPU has for itself, or -1. */
static gint
own_pu(const Judge *judge, guint domain, guint vcpu)
{
    const KtCpuset *set = judge->placement->seats[domain].vcpus[vcpu];
    gint os = hwloc_bitmap_first(set);
    if (hwloc_bitmap_weight(set) != 1 || (guint)os >= judge->topology->n_os)
        return -1;
    return judge->topology->pu_of_os[os];
}

static void
close_core(const Judge *judge, guint core)
{
    for (guint i = 0; i < judge->topology->n_pus; i++)
        judge->closed[i] |= judge->topology->pus[i].core == core;
}

static void
collect(Judge *judge)
{
    for (guint i = 0; i < judge->topology->n_pus; i++)
        judge->closed[i] = !judge->topology->pus[i].placeable || judge->topology->pus[i].isolated;
    for (guint i = 0; i < judge->problem->n_domains; i++) {
        const KtSeatDomain *wish = &judge->problem->domains[i];
        for (guint j = 0; is_placed(judge, i) && j < wish->n_vcpus; j++) {
            gint pu = own_pu(judge, i, j);
            if (!wish->exclusive)
                hwloc_bitmap_or(judge->shared, judge->shared, judge->placement->seats[i].vcpus[j]);
            if (!wish->exclusive || pu < 0)
                continue;
            judge->n_own[pu]++;
            judge->closed[pu] = true;
            if (wish->smt == KT_SMT_ISOLATE)
                close_core(judge, judge->topology->pus[pu].core);
        }
    }
}

static Judge
judge_new(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    Judge judge = {problem,
                   placement,
                   problem->topology,
                   g_new0(guint, problem->topology->n_pus),
                   g_new0(bool, problem->topology->n_pus),
                   hwloc_bitmap_alloc()};
    collect(&judge);
    return judge;
}

static void
judge_clear(Judge *judge)
{
    g_free(judge->n_own);
    g_free(judge->closed);
    kt_cpuset_free(judge->shared);
}

/* Exclusive vCPUs on a core. */
static guint
own_on_core(const Judge *judge, guint core)
{
    guint n = 0;
    for (guint i = 0; i < judge->topology->n_pus; i++)
        n += judge->topology->pus[i].core == core ? judge->n_own[i] : 0;
    return n;
}

/* ---- offences ---- */

static const char *
exclusive_offence(const Judge *judge, guint domain, guint vcpu)
{
    gint index = own_pu(judge, domain, vcpu);
    if (index < 0)
        return "an exclusive vCPU has one online CPU";
    const KtPu *pu = &judge->topology->pus[index];
    const KtCpuset *core = judge->topology->cores[pu->core].cpus;
    if (!pu->placeable)
        return "not a placeable CPU";
    if (hwloc_bitmap_isset(judge->problem->housekeeping, pu->os))
        return "a CPU for housekeeping";
    if (judge->n_own[index] > 1 || hwloc_bitmap_isset(judge->shared, pu->os))
        return "somebody else may run on its CPU";
    if (judge->problem->domains[domain].smt == KT_SMT_ISOLATE &&
        (own_on_core(judge, pu->core) > 1 || hwloc_bitmap_intersects(judge->shared, core)))
        return "somebody else may run on the siblings of an isolating vCPU";
    return NULL;
}

/* The set of all open CPUs of the regions that @set touches. Owned. */
static KtCpuset *
whole_regions(const Judge *judge, const KtCpuset *set, bool nodes)
{
    const KtTopology *topology = judge->topology;
    KtCpuset *whole = hwloc_bitmap_alloc();
    for (guint i = 0; i < (nodes ? topology->n_nodes : topology->n_groups); i++) {
        const KtCpuset *region = nodes ? topology->nodes[i].cpus : topology->groups[i].cpus;
        if (hwloc_bitmap_intersects(set, region))
            hwloc_bitmap_or(whole, whole, region);
    }
    for (guint i = 0; i < topology->n_pus; i++) {
        if (judge->closed[i])
            hwloc_bitmap_clr(whole, topology->pus[i].os);
    }
    return whole;
}

static const char *
shared_offence(const Judge *judge, guint domain, guint vcpu)
{
    const KtSeatDomain *wish = &judge->problem->domains[domain];
    KtCpuset **sets = judge->placement->seats[domain].vcpus;
    if (hwloc_bitmap_iszero(sets[vcpu]))
        return "an empty set";
    for (guint i = 0; i < vcpu; i++) {
        if (wish->vcpus[i].cell == wish->vcpus[vcpu].cell)
            return hwloc_bitmap_isequal(sets[i], sets[vcpu]) ? NULL : "vCPUs of one cell have different sets";
    }
    g_autoptr(KtCpuset) whole = whole_regions(judge, sets[vcpu], wish->policy == KT_PLACEMENT_NUMA);
    return hwloc_bitmap_isequal(whole, sets[vcpu]) ? NULL : "not all free CPUs of whole regions";
}

/* Who floats or shares needs a CPU that nobody has to himself. */
static const char *
host_offence(const Judge *judge)
{
    bool others = false, any = false, left = false;
    for (guint i = 0; i < judge->problem->n_domains; i++) {
        const KtSeatDomain *wish = &judge->problem->domains[i];
        others |= wish->n_vcpus > 0 && (!wish->placed || !wish->exclusive);
    }
    for (guint i = 0; i < judge->topology->n_pus; i++) {
        any |= judge->topology->pus[i].placeable && !judge->topology->pus[i].isolated;
        left |= !judge->closed[i];
    }
    return others && any && !left ? "no CPU is left to those who float or share" : NULL;
}

static const char *
vcpu_offence(const Judge *judge, guint domain, guint vcpu)
{
    const KtSeatDomain *wish = &judge->problem->domains[domain];
    if (is_placed(judge, domain))
        return wish->exclusive ? exclusive_offence(judge, domain, vcpu) : shared_offence(judge, domain, vcpu);
    bool stays = hwloc_bitmap_isequal(judge->placement->seats[domain].vcpus[vcpu], wish->vcpus[vcpu].before);
    return stays ? NULL : "a domain that isn't placed has to stay";
}

char *
judge_offence(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    Judge judge = judge_new(problem, placement);
    char *offence = g_strdup(host_offence(&judge));
    for (guint i = 0; i < problem->n_domains; i++) {
        for (guint j = 0; !offence && j < problem->domains[i].n_vcpus; j++) {
            const char *what = vcpu_offence(&judge, i, j);
            g_autofree char *set = kt_cpuset_format(placement->seats[i].vcpus[j]);
            if (what)
                offence = g_strdup_printf("%s vCPU %u on %s: %s", problem->domains[i].name,
                                          problem->domains[i].vcpus[j].id, set, what);
        }
    }
    judge_clear(&judge);
    return offence;
}

guint
judge_refused(const KtPlacement *placement)
{
    guint n = 0;
    for (guint i = 0; i < placement->n_seats; i++)
        n += placement->seats[i].refusal != NULL;
    return n;
}

/* ---- wishes ---- */

/* What the host has for own CPUs. */
typedef struct {
    guint *core_usable; /* by core */
    guint threads;      /* the most of these */
    guint n_groups;     /* with any */
} Usable;

static Usable
usable_of(const Judge *judge)
{
    const KtTopology *topology = judge->topology;
    Usable usable = {g_new0(guint, topology->n_cores), 1, 0};
    g_autofree bool *groups = g_new0(bool, topology->n_groups);
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        if (!pu->placeable || hwloc_bitmap_isset(judge->problem->housekeeping, pu->os))
            continue;
        guint n = ++usable.core_usable[pu->core];
        usable.threads = MAX(usable.threads, n);
        usable.n_groups += !groups[pu->group];
        groups[pu->group] = true;
    }
    return usable;
}

/* Whether all exclusive vCPUs on this core are threads of one guest core. */
static bool
is_one_guest_core(const Judge *judge, guint core, guint domain, gint guest_core)
{
    for (guint i = 0; i < judge->problem->n_domains; i++) {
        for (guint j = 0; is_exclusive(judge, i) && j < judge->problem->domains[i].n_vcpus; j++) {
            gint pu = own_pu(judge, i, j);
            bool same = i == domain && judge->problem->domains[i].vcpus[j].guest_core == guest_core;
            if (pu >= 0 && judge->topology->pus[pu].core == core && !same)
                return false;
        }
    }
    return guest_core >= 0;
}

/* vCPUs of `smt = auto` on cores with others. */
static guint
count_doubled(const Judge *judge)
{
    guint n = 0;
    for (guint i = 0; i < judge->problem->n_domains; i++) {
        const KtSeatDomain *wish = &judge->problem->domains[i];
        for (guint j = 0; is_exclusive(judge, i) && wish->smt == KT_SMT_AUTO && j < wish->n_vcpus; j++) {
            gint pu = own_pu(judge, i, j);
            guint core = pu >= 0 ? judge->topology->pus[pu].core : 0;
            n += pu >= 0 && own_on_core(judge, core) > 1 &&
                 !is_one_guest_core(judge, core, i, wish->vcpus[j].guest_core);
        }
    }
    return n;
}

/* Different cores, or groups, that the domain's vCPUs sit on. */
static guint
count_places(const Judge *judge, guint domain, bool groups)
{
    const KtTopology *topology = judge->topology;
    g_autofree bool *seen = g_new0(bool, topology->n_cores + topology->n_groups);
    guint n = 0;
    for (guint i = 0; i < judge->problem->domains[domain].n_vcpus; i++) {
        gint index = own_pu(judge, domain, i);
        if (index < 0)
            continue;
        guint place = groups ? topology->pus[index].group : topology->pus[index].core;
        n += !seen[place];
        seen[place] = true;
    }
    return n;
}

Broken
judge_broken_parts(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    Judge judge = judge_new(problem, placement);
    Usable usable = usable_of(&judge);
    guint spare = 0;
    Broken broken = {0};
    for (guint i = 0; i < judge.topology->n_cores; i++)
        spare += usable.core_usable[i] > 0 && own_on_core(&judge, i) == 0;
    broken.doubled = spare > 0 ? MIN(count_doubled(&judge), spare) : 0;
    for (guint i = 0; i < problem->n_domains; i++) {
        const KtSeatDomain *wish = &problem->domains[i];
        if (!is_exclusive(&judge, i))
            continue;
        guint least = (wish->n_vcpus + usable.threads - 1) / usable.threads;
        if (wish->smt == KT_SMT_SHARE)
            broken.unpacked += count_places(&judge, i, false) - MIN(least, count_places(&judge, i, false));
        if (wish->policy == KT_PLACEMENT_SPREAD)
            broken.unspread += MIN(wish->n_vcpus, usable.n_groups) - count_places(&judge, i, true);
    }
    g_free(usable.core_usable);
    judge_clear(&judge);
    return broken;
}

guint
judge_broken(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    Broken broken = judge_broken_parts(problem, placement);
    return broken.doubled + broken.unpacked + broken.unspread;
}
