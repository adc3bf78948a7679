/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/near.h"

#include "tuners/seats.h"

static KtCpuset *
union_of_seat(const KtSeat *seat)
{
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (guint i = 0; i < seat->n_vcpus; i++)
        hwloc_bitmap_or(cpus, cpus, seat->vcpus[i]);
    return cpus;
}

/* Adds the cores of @cpus whole. */
static void
add_siblings(KtCpuset *set, const KtCpuset *cpus, const KtTopology *topology)
{
    int os;
    hwloc_bitmap_foreach_begin(os, cpus)
    {
        const KtPu *pu = kt_topology_pu(topology, (guint)os);
        if (pu != NULL)
            hwloc_bitmap_or(set, set, topology->cores[pu->core].cpus);
    }
    hwloc_bitmap_foreach_end();
}

/* CPUs that exclusive vCPUs of any domain own, with their siblings: those of `isolate` domains, or @siblings
 * all. */
static KtCpuset *
owned_cpus(KtSeats seats, bool siblings)
{
    KtCpuset *owned = hwloc_bitmap_alloc();
    for (guint i = 0; i < seats.problem->n_domains; i++) {
        if (!kt_seats_own(seats, i))
            continue;
        g_autoptr(KtCpuset) cpus = union_of_seat(&seats.placement->seats[i]);
        hwloc_bitmap_or(owned, owned, cpus);
        if (siblings || seats.problem->domains[i].smt == KT_SMT_ISOLATE)
            add_siblings(owned, cpus, seats.problem->topology);
    }
    return owned;
}

typedef const KtCpuset *(*KtRegion)(const KtTopology *topology, const KtPu *pu);

static const KtCpuset *
group_of(const KtTopology *topology, const KtPu *pu)
{
    return topology->groups[pu->group].cpus;
}

static const KtCpuset *
node_of(const KtTopology *topology, const KtPu *pu)
{
    return topology->nodes[pu->node].cpus;
}

static const KtCpuset *
machine_of(const KtTopology *topology, const KtPu *pu)
{
    (void)pu;
    return topology->placeable;
}

/* The regions that the CPUs @cpus are in, together. */
static KtCpuset *
region_of(const KtTopology *topology, const KtCpuset *cpus, KtRegion region)
{
    KtCpuset *whole = hwloc_bitmap_alloc();
    int os;
    hwloc_bitmap_foreach_begin(os, cpus)
    {
        const KtPu *pu = kt_topology_pu(topology, (guint)os);
        if (pu != NULL)
            hwloc_bitmap_or(whole, whole, region(topology, pu));
    }
    hwloc_bitmap_foreach_end();
    return whole;
}

/* The nearest CPUs to @own that belong to no exclusive vCPU; cores that have none of those first. NULL: all
 * are taken. */
static KtCpuset *
beside(KtSeats seats, const KtCpuset *own, const char **ret_where)
{
    static const struct {
        KtRegion region;
        const char *where;
    } tiers[] = {{group_of, "in its vCPUs' cache group"},
                 {node_of, "on its vCPUs' node"},
                 {machine_of, "on this host"}};

    const KtTopology *topology = seats.problem->topology;
    for (guint i = 0; i < G_N_ELEMENTS(tiers); i++) {
        g_autoptr(KtCpuset) region = region_of(topology, own, tiers[i].region);
        hwloc_bitmap_and(region, region, topology->placeable);
        hwloc_bitmap_andnot(region, region, topology->isolated);
        for (guint cores = 0; cores < 2; cores++) {
            g_autoptr(KtCpuset) free_cpus = hwloc_bitmap_dup(region);
            g_autoptr(KtCpuset) owned = owned_cpus(seats, cores == 0);
            hwloc_bitmap_andnot(free_cpus, free_cpus, owned);
            if (hwloc_bitmap_iszero(free_cpus))
                continue;
            *ret_where = tiers[i].where;
            return g_steal_pointer(&free_cpus);
        }
    }
    return NULL;
}

static KtCpuset *
near(KtPlan *plan, guint domain, const KtValue *value, const char *item, char **ret_reason)
{
    KtSeats seats = {0};
    guint seat = 0;
    bool seated = kt_seats_find(plan, domain, &seats, &seat);
    g_assert(seated);
    g_autoptr(KtCpuset) own = union_of_seat(&seats.placement->seats[seat]);
    if (!kt_seats_own(seats, seat)) {
        if (hwloc_bitmap_iszero(own)) {
            kt_plan_refuse(plan, (gint)domain, value, item, "it has no online vCPU to be near to");
            return NULL;
        }
        *ret_reason = g_strdup("near its vCPUs: on the same CPUs");
        return g_steal_pointer(&own);
    }

    const char *where = NULL;
    KtCpuset *cpus = beside(seats, own, &where);
    if (cpus == NULL)
        kt_plan_refuse(plan, (gint)domain, value, item,
                       "exclusive vCPUs own all placeable CPUs, none is left for QEMU's own threads; name "
                       "'housekeeping' in [host], or make fewer domains exclusive");
    else
        *ret_reason = g_strdup_printf("near its exclusive vCPUs, but off every domain's own CPUs: %s", where);
    return cpus;
}

static KtCpuset *
housekeeping(KtPlan *plan, guint domain, const KtValue *value, const char *item, char **ret_reason)
{
    if (hwloc_bitmap_iszero(plan->housekeeping)) {
        kt_plan_refuse(plan, (gint)domain, value, item,
                       "this host has no housekeeping CPUs; name them with 'housekeeping' in [host]");
        return NULL;
    }
    *ret_reason = g_strdup("on the host's housekeeping CPUs, where no exclusive vCPU runs");
    return hwloc_bitmap_dup(plan->housekeeping);
}

static KtCpuset *
listed(KtPlan *plan, guint domain, const KtValue *value, const char *item, char **ret_reason)
{
    KtCpuset *cpus = kt_seats_listed(plan, (gint)domain, value, item);
    if (cpus != NULL && !hwloc_bitmap_isequal(cpus, value->set))
        *ret_reason = g_strdup_printf(
            "the CPUs that the profile lists ('%s'), without those where guests may not run", value->text);
    else if (cpus != NULL)
        *ret_reason = g_strdup("the CPUs that the profile lists");
    return cpus;
}

KtCpuset *
kt_near_resolve(KtPlan *plan, guint domain, const KtValue *value, const char *item, char **ret_reason)
{
    if (value->set != NULL)
        return listed(plan, domain, value, item, ret_reason);
    KtSeats seats = {0};
    guint seat = 0;
    bool own = kt_seats_find(plan, domain, &seats, &seat) && kt_seats_own(seats, seat);
    bool automatic = kt_value_is(value, "auto") && own && !hwloc_bitmap_iszero(plan->housekeeping);
    if (automatic || kt_value_is(value, "housekeeping"))
        return housekeeping(plan, domain, value, item, ret_reason);
    return near(plan, domain, value, item, ret_reason);
}
