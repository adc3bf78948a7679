/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_model.h"

#include <stdlib.h>
#include <string.h>

#include "tuners/cost_weights.h"

/* What an improvement must be worth. No sum of section 10's usual terms, so that rounding decides no tie; and
 * where there is much to place no time goes into what doesn't matter. */
#define LEAST_WORTH 0.0137
#define WORTH_PER_VCPU 1e-4

/* ---- the host ---- */

static void
append(KtIndices *indices, guint item)
{
    /* Grows at each power of two. */
    if ((indices->n & (indices->n - 1)) == 0)
        indices->items = g_renew(guint, indices->items, MAX(indices->n * 2, 1));
    indices->items[indices->n++] = item;
}

static void
fill_cores(KtModel *model)
{
    const KtTopology *topology = model->topology;
    model->core_pus = g_new0(KtIndices, topology->n_cores);
    model->zone_cores = g_new0(KtIndices, model->zones->n_zones);
    model->core_capacity = g_new(double, topology->n_cores);
    g_autofree gint *l2_core = g_new(gint, topology->n_l2 + 1);
    for (guint i = 0; i < topology->n_l2; i++)
        l2_core[i] = -1;
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        if (model->core_pus[pu->core].n == 0)
            append(&model->zone_cores[model->zones->of_pu[i]], pu->core);
        append(&model->core_pus[pu->core], i);
        if (pu->l2 < 0)
            continue;
        model->wide_l2 |= l2_core[pu->l2] >= 0 && l2_core[pu->l2] != (gint)pu->core;
        l2_core[pu->l2] = (gint)pu->core;
    }
    for (guint i = 0; i < topology->n_cores; i++)
        model->core_capacity[i] = model->core_pus[i].n > 1 ? KT_COST_THREADED_CAPACITY : 1;
}

static void
fill_regions(KtModel *model)
{
    const KtTopology *topology = model->topology;
    g_autofree KtIndices *zones = g_new0(KtIndices, topology->n_groups + topology->n_nodes);
    for (guint i = 0; i < model->zones->n_zones; i++) {
        append(&zones[model->zones->zones[i].group], i);
        append(&zones[topology->n_groups + model->zones->zones[i].node], i);
    }
    model->n_regions = topology->n_groups + topology->n_nodes;
    model->regions = g_new0(KtRegion, model->n_regions);
    for (guint i = 0; i < model->n_regions; i++) {
        KtRegion *region = &model->regions[i];
        *region = (KtRegion){.zones = zones[i].items, .n_zones = zones[i].n};
        for (guint j = 0; j < region->n_zones; j++)
            region->n_cores += model->zone_cores[region->zones[j]].n;
    }
}

/* The least distance between CPUs of two groups, or (@nodes) nodes. */
static double
region_gap(const KtZones *zones, bool nodes)
{
    double gap = G_MAXDOUBLE;
    for (guint i = 0; i < zones->n_zones; i++) {
        for (guint j = 0; j < i; j++) {
            const KtZone *a = &zones->zones[i], *b = &zones->zones[j];
            if (nodes ? a->node != b->node : a->group != b->group)
                gap = MIN(gap, kt_zones_distance(zones, i, j));
        }
    }
    return gap < G_MAXDOUBLE ? gap : 2;
}

static void
fill_node_distances(KtModel *model)
{
    guint n = model->topology->n_nodes;
    model->node_distance = g_new(double, (gsize)n *n);
    for (guint from = 0; from < n; from++) {
        for (guint to = 0; to < n; to++)
            model->node_distance[from * n + to] = kt_zones_node_cost(model->topology, from, to);
    }
}

static void
fill_scales(KtModel *model)
{
    const KtTopology *topology = model->topology;
    model->group_scale = g_new(double, topology->n_groups);
    for (guint i = 0; i < topology->n_groups; i++)
        model->group_scale[i] = 1.0 / MAX(model->group_cores[i], 1);
    model->zone_scale = g_new(double, model->zones->n_zones);
    for (guint i = 0; i < model->zones->n_zones; i++) {
        const KtZone *zone = &model->zones->zones[i];
        double capacity = model->core_capacity[topology->pus[zone->pus[0]].core];
        model->zone_scale[i] = model->group_scale[zone->group] / capacity;
    }
}

static void
fill_host(KtModel *model)
{
    const KtTopology *topology = model->topology;
    model->zones = kt_zones_new(topology);
    model->n_words = (topology->n_pus + 63) / 64;
    model->group_cores = kt_zones_group_cores(topology);
    model->usable = g_new(bool, topology->n_pus);
    model->sharable = g_new(bool, topology->n_pus);
    model->node_usable = g_new0(guint, topology->n_nodes);
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        bool housekeeping =
            model->problem->housekeeping && hwloc_bitmap_isset(model->problem->housekeeping, pu->os);
        model->usable[i] = pu->placeable && !housekeeping;
        model->sharable[i] = pu->placeable && !pu->isolated;
        model->node_usable[pu->node] += model->usable[i];
    }
    fill_cores(model);
    fill_regions(model);
    fill_node_distances(model);
    fill_scales(model);
    model->group_gap = region_gap(model->zones, false);
    model->node_gap = region_gap(model->zones, true);
}

/* ---- present sets ---- */

static void
clear_before(gpointer before)
{
    g_free(((KtBefore *)before)->pus);
}

static KtBefore
read_before(const KtModel *model, const KtCpuset *set)
{
    const KtTopology *topology = model->topology;
    KtBefore before = {.pus = g_new0(guint64, model->n_words)};
    for (int os = hwloc_bitmap_first(set); os >= 0; os = hwloc_bitmap_next(set, os)) {
        if ((guint)os >= topology->n_os || topology->pu_of_os[os] < 0) {
            before.beyond = true;
            if ((guint)os >= topology->n_os)
                break;
            continue;
        }
        kt_bit_set(before.pus, (guint)topology->pu_of_os[os], true);
        before.n_pus++;
    }
    return before;
}

static guint
hash_set(gconstpointer set)
{
    return (guint)hwloc_bitmap_first(set) * 31 + (guint)hwloc_bitmap_last(set) * 17 +
           (guint)hwloc_bitmap_weight(set);
}

static gboolean
equal_sets(gconstpointer a, gconstpointer b)
{
    return hwloc_bitmap_isequal(a, b) != 0;
}

/* The index of @set among the sets before. @known: KtCpuset (borrowed) → index + 1. */
static guint
intern_before(KtModel *model, GHashTable *known, const KtCpuset *set)
{
    gpointer found = g_hash_table_lookup(known, set);
    if (found)
        return GPOINTER_TO_UINT(found) - 1;
    KtBefore before = read_before(model, set);
    g_array_append_val(model->befores, before);
    g_hash_table_insert(known, (gpointer)set, GUINT_TO_POINTER(model->befores->len));
    return model->befores->len - 1;
}

/* The same for a vCPU; @vcpus: of its unit, where it isn't the first one of that. Mostly they have one set.
 */
static guint
before_of(KtModel *model, const KtSeatVcpu *vcpu, const KtSeatVcpu *vcpus, GHashTable *known)
{
    if (vcpus) {
        const KtModelVcpu *last = &model->vcpus[model->n_vcpus - 1];
        if (equal_sets(vcpus[last->vcpu].before, vcpu->before))
            return last->before;
    }
    return intern_before(model, known, vcpu->before);
}

static gint
only_pu(const KtModel *model, const KtBefore *before)
{
    if (before->n_pus != 1 || before->beyond)
        return -1;
    for (guint i = 0; i < model->n_words; i++) {
        if (before->pus[i])
            return (gint)(i * 64 + (guint)__builtin_ctzll(before->pus[i]));
    }
    return -1;
}

/* ---- the domains ---- */

static int
compare_vcpus(const void *a, const void *b)
{
    const KtSeatVcpu *vcpu_a = *(const KtSeatVcpu *const *)a, *vcpu_b = *(const KtSeatVcpu *const *)b;
    if (vcpu_a->cell != vcpu_b->cell)
        return vcpu_a->cell < vcpu_b->cell ? -1 : 1;
    if (vcpu_a->guest_core != vcpu_b->guest_core)
        return vcpu_a->guest_core < vcpu_b->guest_core ? -1 : 1;
    return vcpu_a->id < vcpu_b->id ? -1 : vcpu_a->id > vcpu_b->id;
}

static void
add_vcpu(KtModel *model, KtModelDomain *domain, const KtSeatVcpu *vcpu, GHashTable *known)
{
    const KtSeatVcpu *vcpus = domain->wish->vcpus;
    bool is_first = model->n_units == domain->first_unit;
    if (is_first || vcpus[model->vcpus[model->units[model->n_units - 1].first].vcpu].cell != vcpu->cell) {
        model->units[model->n_units++] = (KtUnit){
            .domain = (guint)(domain - model->domains),
            .number = domain->n_units++,
            .first = model->n_vcpus,
        };
    }
    KtUnit *unit = &model->units[model->n_units - 1];
    unit->n++;
    unit->load += vcpu->load;
    domain->load += vcpu->load;
    guint before = before_of(model, vcpu, unit->n > 1 ? vcpus : NULL, known);
    model->vcpus[model->n_vcpus++] = (KtModelVcpu){
        .vcpu = (guint)(vcpu - vcpus),
        .unit = model->n_units - 1,
        .load = vcpu->load,
        .guest_core = vcpu->guest_core,
        .before = before,
        .before_pu = only_pu(model, kt_model_before(model, before)),
    };
}

static void
fill_pair_weights(KtModel *model, KtModelDomain *domain)
{
    double pairs = 0;
    for (guint i = 0; i < domain->n_units; i++) {
        double n = model->units[domain->first_unit + i].n;
        pairs += n * (n - 1) / 2;
    }
    domain->pair_scale = pairs > 0 ? domain->n_vcpus / pairs : 0;
    for (guint i = 0; i < domain->n_units; i++) {
        KtUnit *unit = &model->units[domain->first_unit + i];
        unit->pair_weight = domain->pair_scale * unit->n * (unit->n - 1) / 2;
    }
}

/* Where memory goes that is somewhere; never for guest cells, which get nodes of their own. */
static KtMemoryFollows
memory_follows(const KtModelDomain *domain)
{
    bool moves = domain->wish->memory_share && domain->wish->memory_gib > 0 && domain->n_units == 1;
    return moves ? domain->wish->memory_follows : KT_MEMORY_STAYS;
}

/* What each vCPU on node @from pays for memory that is somewhere: for the way there or, where it follows, its
 * part of moving it here. */
static void
fill_memory_cost(const KtModel *model, KtModelDomain *domain, guint from)
{
    const KtSeatDomain *wish = domain->wish;
    const double *room = model->problem->node_room_gib;
    double staying = 0;
    for (guint to = 0; to < model->topology->n_nodes; to++)
        staying += wish->memory_share[to] * kt_model_node_cost(model, from, to);
    double moved_gib = wish->memory_gib * (1 - wish->memory_share[from]);
    double moving = KT_COST_MOVED_GIB * moved_gib / MAX(wish->n_vcpus, 1);
    KtMemoryFollows follows = memory_follows(domain);
    bool goes_here = follows != KT_MEMORY_STAYS && (!room || moved_gib <= room[from]);
    domain->apart_cost[from] = follows == KT_MEMORY_TO_NODES ? 0 : staying;
    domain->node_cost[from] = goes_here ? moving : staying;
    /* Own CPUs that can't all be here never come together. */
    if (wish->exclusive && wish->n_vcpus > model->node_usable[from])
        domain->node_cost[from] = domain->apart_cost[from];
}

/* Whether some CPU of the nodes that the domain is bound to is one that it may have. */
static bool
has_cpus_there(const KtModel *model, const KtSeatDomain *wish)
{
    const bool *fit = wish->exclusive ? model->usable : model->sharable;
    for (guint i = 0; i < model->topology->n_pus; i++) {
        if (fit[i] && wish->nodes[model->topology->pus[i].node])
            return true;
    }
    return false;
}

/* The regions that lie wholly on the domain's nodes; where there are none, those that touch them. */
static void
fill_bound_regions(const KtModel *model, KtModelDomain *domain)
{
    domain->regions = g_new0(bool, model->n_regions);
    bool any = false;
    for (guint pass = 0; pass < 2 && !any; pass++) {
        for (guint i = domain->first_region; i < domain->first_region + domain->n_regions; i++) {
            const KtRegion *region = &model->regions[i];
            guint n_there = 0;
            for (guint j = 0; j < region->n_zones; j++)
                n_there += domain->nodes[model->zones->zones[region->zones[j]].node];
            domain->regions[i] = n_there == region->n_zones || (pass > 0 && n_there > 0);
            any |= domain->regions[i];
        }
    }
}

static void
fill_node_cost(const KtModel *model, KtModelDomain *domain)
{
    const KtTopology *topology = model->topology;
    const KtSeatDomain *wish = domain->wish;
    bool to_nodes = memory_follows(domain) == KT_MEMORY_TO_NODES;
    domain->memory_spreads = !wish->memory_share || to_nodes;
    domain->bringing_cost = to_nodes ? KT_COST_MOVED_GIB * wish->memory_gib : 0;
    domain->node_cost = g_new0(double, topology->n_nodes);
    domain->apart_cost = g_new0(double, topology->n_nodes);
    for (guint from = 0; from < topology->n_nodes; from++) {
        if (wish->memory_share)
            fill_memory_cost(model, domain, from);
        double devices = 0;
        for (guint i = 0; i < wish->n_device_nodes; i++)
            devices += kt_model_node_cost(model, from, wish->device_nodes[i]) / wish->n_device_nodes;
        domain->node_cost[from] += devices;
        domain->apart_cost[from] += devices;
    }
}

static void
fill_domain(KtModel *model, KtModelDomain *domain, GHashTable *known)
{
    const KtSeatDomain *wish = domain->wish;
    g_autofree const KtSeatVcpu **vcpus = g_new(const KtSeatVcpu *, wish->n_vcpus + 1);
    for (guint i = 0; i < wish->n_vcpus; i++)
        vcpus[i] = &wish->vcpus[i];
    qsort(vcpus, wish->n_vcpus, sizeof *vcpus, compare_vcpus);

    domain->first_unit = model->n_units;
    domain->first_vcpu = model->n_vcpus;
    domain->n_vcpus = wish->n_vcpus;
    domain->kind = kt_zones_wanted_kind(model->topology, wish->kind);
    domain->region_gap = wish->policy == KT_PLACEMENT_NUMA ? model->node_gap : model->group_gap;
    if (wish->policy == KT_PLACEMENT_NUMA) {
        domain->first_region = model->topology->n_groups;
        domain->n_regions = model->topology->n_nodes;
    } else {
        domain->n_regions = model->topology->n_groups;
    }
    for (guint i = 0; i < domain->n_regions; i++)
        domain->region_cores = MAX(domain->region_cores, model->regions[domain->first_region + i].n_cores);
    for (guint i = 0; i < wish->n_vcpus; i++)
        add_vcpu(model, domain, vcpus[i], known);
    domain->move_cost = KT_COST_MOVE + wish->move_threshold / MAX(wish->n_vcpus, 1);
    if (wish->nodes && has_cpus_there(model, wish)) {
        domain->nodes = wish->nodes;
        fill_bound_regions(model, domain);
    }
    fill_pair_weights(model, domain);
    fill_node_cost(model, domain);
}

static int
compare_domains(const void *a, const void *b)
{
    const KtModelDomain *domain_a = a, *domain_b = b;
    if (domain_a->wish->priority != domain_b->wish->priority)
        return domain_a->wish->priority > domain_b->wish->priority ? -1 : 1;
    if (domain_a->wish->n_vcpus != domain_b->wish->n_vcpus)
        return domain_a->wish->n_vcpus > domain_b->wish->n_vcpus ? -1 : 1;
    int names = strcmp(domain_a->wish->name, domain_b->wish->name);
    /* Names are unique in one libvirt. */
    return names ? names : domain_a->index < domain_b->index ? -1 : 1;
}

static void
fill_domains(KtModel *model)
{
    const KtPlacementProblem *problem = model->problem;
    gsize n_vcpus = 0;
    model->n_domains = problem->n_domains;
    model->domains = g_new0(KtModelDomain, problem->n_domains + 1);
    for (guint i = 0; i < problem->n_domains; i++) {
        model->domains[i] = (KtModelDomain){.wish = &problem->domains[i], .index = i};
        n_vcpus += problem->domains[i].n_vcpus;
    }
    qsort(model->domains, model->n_domains, sizeof *model->domains, compare_domains);
    model->vcpus = g_new0(KtModelVcpu, n_vcpus + 1);
    model->units = g_new0(KtUnit, n_vcpus + 1);
    g_autoptr(GHashTable) known = g_hash_table_new(hash_set, equal_sets);
    for (guint i = 0; i < model->n_domains; i++)
        fill_domain(model, &model->domains[i], known);
    for (guint i = 0; i < model->n_domains; i++)
        model->core_load += model->domains[i].load / model->topology->n_cores;
}

KtModel *
kt_model_new(const KtPlacementProblem *problem)
{
    KtModel *model = g_new0(KtModel, 1);
    model->problem = problem;
    model->topology = problem->topology;
    model->befores = g_array_new(FALSE, FALSE, sizeof(KtBefore));
    g_array_set_clear_func(model->befores, clear_before);
    fill_host(model);
    fill_domains(model);
    model->worth = LEAST_WORTH + WORTH_PER_VCPU * model->n_vcpus;
    return model;
}

guint
kt_model_find(const KtModel *model, guint index)
{
    for (guint i = 0; i < model->n_domains; i++) {
        if (model->domains[i].index == index)
            return i;
    }
    return KT_NO_DOMAIN;
}

static void
free_indices(KtIndices *indices, guint n)
{
    for (guint i = 0; i < n; i++)
        g_free(indices[i].items);
    g_free(indices);
}

void
kt_model_free(KtModel *model)
{
    if (!model)
        return;
    for (guint i = 0; i < model->n_domains; i++) {
        g_free(model->domains[i].refusal);
        g_free(model->domains[i].node_cost);
        g_free(model->domains[i].apart_cost);
        g_free(model->domains[i].regions);
    }
    for (guint i = 0; i < model->n_regions; i++)
        g_free(model->regions[i].zones);
    free_indices(model->core_pus, model->topology->n_cores);
    free_indices(model->zone_cores, model->zones->n_zones);
    kt_zones_free(model->zones);
    g_array_unref(model->befores);
    g_free(model->domains);
    g_free(model->units);
    g_free(model->vcpus);
    g_free(model->regions);
    g_free(model->core_capacity);
    g_free(model->group_scale);
    g_free(model->zone_scale);
    g_free(model->node_distance);
    g_free(model->group_cores);
    g_free(model->usable);
    g_free(model->node_usable);
    g_free(model->sharable);
    g_free(model);
}
