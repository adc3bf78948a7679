/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/seats_parts.h"

#include "probes/qemu_process.h"
#include "tuners/memory_needs.h"

void
kt_seats_free(KtPlacementProblem *problem)
{
    if (problem == NULL)
        return;

    for (guint i = 0; i < problem->n_domains; i++) {
        g_free((gpointer)problem->domains[i].vcpus);
        g_free((gpointer)problem->domains[i].memory_share);
        g_free((gpointer)problem->domains[i].device_nodes);
        g_free((gpointer)problem->domains[i].nodes);
        g_free((gpointer)problem->domains[i].cell_nodes);
    }
    g_free((gpointer)problem->domains);
    g_free((gpointer)problem->node_room_gib);
    g_free(problem);
}

const KtValue *
kt_seats_wish(const KtDesired *desired, guint domain)
{
    const KtValue *value = kt_desired_domain(desired, domain, KT_SETTING_CPU_PLACEMENT, NULL);
    return value == NULL || kt_value_is(value, "none") ? NULL : value;
}

/* ---- CPU lists of a profile ---- */

KtCpuset *
kt_seats_listed(KtPlan *plan, gint domain, const KtValue *value, const char *item)
{
    const KtTopology *topology = plan->snapshot->topology;
    g_autoptr(KtCpuset) absent = hwloc_bitmap_dup(value->set);
    hwloc_bitmap_andnot(absent, absent, topology->online);
    if (!hwloc_bitmap_iszero(absent)) {
        g_autofree char *list = kt_cpuset_format(absent);
        g_autofree char *online = kt_cpuset_format(topology->online);
        kt_plan_refuse(plan, domain, value, item, "this host has no CPU %s: online are %s", list, online);
        return NULL;
    }

    g_autoptr(KtCpuset) cpus = hwloc_bitmap_dup(value->set);
    hwloc_bitmap_and(cpus, cpus, topology->placeable);
    if (hwloc_bitmap_iszero(cpus)) {
        g_autofree char *placeable = kt_cpuset_format(topology->placeable);
        kt_plan_refuse(plan, domain, value, item,
                       "guests may run on none of the CPUs '%s': the cpuset of QEMU's parent group is %s",
                       value->text, placeable);
        return NULL;
    }
    return g_steal_pointer(&cpus);
}

static KtCpuset *
core_cpus(const KtTopology *topology, const KtPu *pu)
{
    KtCpuset *cpus = hwloc_bitmap_dup(topology->cores[pu->core].cpus);
    hwloc_bitmap_and(cpus, cpus, topology->placeable);
    return cpus;
}

/* `auto`: the first core, unless that would leave no other for guests. */
static KtCpuset *
first_core(const KtTopology *topology)
{
    g_autoptr(KtCpuset) cpus = NULL;
    for (guint i = 0; i < topology->n_pus && cpus == NULL; i++) {
        if (topology->pus[i].placeable && !topology->pus[i].isolated)
            cpus = core_cpus(topology, &topology->pus[i]);
    }
    if (cpus == NULL || hwloc_bitmap_isincluded(topology->placeable, cpus))
        return hwloc_bitmap_alloc();
    return g_steal_pointer(&cpus);
}

KtCpuset *
kt_seats_housekeeping(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    const KtValue *value = kt_desired_host(desired, KT_SETTING_HOUSEKEEPING);
    if (kt_value_is(value, "auto"))
        return first_core(snapshot->topology);

    KtCpuset *listed = NULL;
    if (value != NULL && value->set != NULL)
        listed = kt_seats_listed(plan, -1, value, NULL);
    return listed != NULL ? listed : hwloc_bitmap_alloc();
}

/* ---- one domain ---- */

gint
kt_seat_cell_of(const KtDomainDef *def, guint vcpu)
{
    for (guint i = 0; def != NULL && i < def->cells->len; i++) {
        const KtCellDef *cell = def->cells->pdata[i];
        if (cell->vcpus != NULL && hwloc_bitmap_isset(cell->vcpus, vcpu))
            return (gint)i;
    }
    return -1;
}

gint
kt_seat_guest_core_of(const KtDomainDef *def, guint vcpu)
{
    return def != NULL && def->threads > 1 ? (gint)(vcpu / def->threads) : -1;
}

static void
fill_vcpus(KtSeatDomain *seat, const KtDomain *domain, const KtCpuset *unpinned)
{
    const KtDomainDef *def = domain->live;
    KtSeatVcpu *vcpus = g_new0(KtSeatVcpu, MAX(domain->vcpus->len, 1));
    /* A CPU of one's own is taken whether it is used or not. */
    double load = seat->placed && seat->exclusive ? 1 : kt_seats_load(domain);
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        if (!vcpu->online)
            continue;
        vcpus[seat->n_vcpus++] = (KtSeatVcpu){
            .id = vcpu->id,
            .load = load,
            .before = unpinned != NULL ? unpinned : vcpu->affinity,
            .cell = kt_seat_cell_of(def, vcpu->id),
            .guest_core = kt_seat_guest_core_of(def, vcpu->id),
        };
    }
    seat->vcpus = vcpus;
}

static double *
memory_share(const KtDomain *domain, const KtTopology *topology, double *ret_gib)
{
    double total = 0;
    for (guint i = 0; domain->memory_kib != NULL && i < MIN(domain->n_memory, topology->n_nodes); i++)
        total += (double)MAX(domain->memory_kib[i], 0);
    if (total <= 0)
        return NULL;

    *ret_gib = total / (1 << 20);
    g_assert(domain->memory_kib != NULL);
    double *share = g_new0(double, topology->n_nodes);
    for (guint i = 0; i < MIN(domain->n_memory, topology->n_nodes); i++)
        share[i] = (double)MAX(domain->memory_kib[i], 0) / total;
    return share;
}

void
kt_seat_fill_devices(KtSeatDomain *seat, const KtDomainDef *def, const KtTopology *topology)
{
    if (def == NULL || def->hostdevs->len == 0)
        return;

    guint *nodes = g_new0(guint, def->hostdevs->len);
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const KtHostdevDef *hostdev = def->hostdevs->pdata[i];
        gint node = hostdev->address != NULL ? kt_topology_pci_node(topology, hostdev->address) : -1;
        if (node >= 0)
            nodes[seat->n_device_nodes++] = (guint)node;
    }
    seat->device_nodes = nodes;
}

/* Adds the nodes (a kernel list) to @nodes, by index. */
static bool
add_listed(bool *nodes, const char *list, const KtTopology *topology)
{
    g_autoptr(KtCpuset) set = list != NULL ? kt_cpuset_parse(list, true, NULL) : NULL;
    for (guint i = 0; set != NULL && i < topology->n_nodes; i++)
        nodes[i] |= hwloc_bitmap_isset(set, topology->nodes[i].os) != 0;
    return set != NULL;
}

void
kt_seat_fill_cells(KtSeatDomain *seat, const KtDomainDef *def, const KtTopology *topology)
{
    if (def == NULL || def->memnodes->len == 0 || topology->n_nodes < 2)
        return;
    bool *nodes = g_new0(bool, def->cells->len * topology->n_nodes + 1);
    for (guint i = 0; i < def->cells->len; i++) {
        const KtCellDef *cell = def->cells->pdata[i];
        const KtMemnodeDef *memnode = kt_domain_def_find_memnode(def, cell->id);
        if (memnode != NULL)
            add_listed(nodes + i * topology->n_nodes, memnode->nodeset, topology);
    }
    seat->cell_nodes = nodes;
}

bool
kt_seat_add_bound(bool *nodes, const KtDomainDef *def, const KtTopology *topology)
{
    bool any = false;
    for (guint i = 0; i < def->memnodes->len; i++) {
        const KtMemnodeDef *memnode = def->memnodes->pdata[i];
        any |= kt_memory_mode_binds(memnode->mode) && add_listed(nodes, memnode->nodeset, topology);
    }
    if (def->numatune_nodeset != NULL && kt_memory_mode_binds(def->numatune_mode))
        any |= add_listed(nodes, def->numatune_nodeset, topology);
    return any;
}

/* Where pages are that the kernel doesn't move: huge ones, locked ones, those that a device reaches. */
static bool
add_immovable(bool *nodes, const KtDomain *domain, const KtTopology *topology)
{
    const KtDomainDef *live = domain->live;
    if (domain->memory_kib == NULL || !(live->hugepages || live->locked || live->hostdevs->len > 0))
        return false;
    gint64 total = 0;
    guint n = MIN(domain->n_memory, topology->n_nodes);
    for (guint i = 0; i < n; i++)
        total += MAX(domain->memory_kib[i], 0);
    bool any = false;
    for (guint i = 0; i < n; i++) {
        nodes[i] |= kt_qemu_memory_counts(domain->memory_kib[i], total);
        any |= nodes[i];
    }
    return any;
}

/* The nodes that a running guest's CPUs stay on, by index; NULL = any. Owned. */
static bool *
memory_nodes(const KtDomain *domain, const KtTopology *topology)
{
    if (domain->live == NULL || topology->n_nodes < 2)
        return NULL;
    g_autofree bool *nodes = g_new0(bool, topology->n_nodes);
    /* libvirt changes no bound nodes of a running guest. */
    if (kt_seat_add_bound(nodes, domain->live, topology) || add_immovable(nodes, domain, topology))
        return g_steal_pointer(&nodes);
    return NULL;
}

/* Where the memory tuner moves its pages. */
static KtMemoryFollows
memory_follows(const KtSnapshot *snapshot, const KtDesired *desired, guint index)
{
    const KtDomain *domain = snapshot->domains->pdata[index];
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_MEMORY_NUMA, NULL);
    if (!snapshot->host_is_local || domain->live == NULL || kt_memory_find_obstacle(domain->live) != NULL)
        return KT_MEMORY_STAYS;
    if (kt_value_is(value, "strict"))
        return KT_MEMORY_TO_NODES;
    return kt_value_is(value, "follow-cpu") ? KT_MEMORY_TO_ONE_NODE : KT_MEMORY_STAYS;
}

/* Memory that is free on each node, less memory-reserve; NULL = nothing is told. Owned. */
static double *
node_room(const KtSnapshot *snapshot, const KtDesired *desired)
{
    const KtValue *value = kt_desired_host(desired, KT_SETTING_MEMORY_RESERVE);
    double reserve = value != NULL ? (double)value->number / (1 << 20) : 0;
    const GArray *nodes = snapshot->memory->nodes;
    if (nodes->len == 0)
        return NULL;
    double *room = g_new0(double, snapshot->topology->n_nodes);
    for (guint i = 0; i < nodes->len; i++) {
        const KtNodeMemory *node = &g_array_index(nodes, KtNodeMemory, i);
        gint index = kt_topology_node_index(snapshot->topology, node->os);
        if (index >= 0 && node->free_kib != KT_ABSENT)
            room[index] = MAX((double)node->free_kib / (1 << 20) - reserve, 0);
    }
    return room;
}

static KtPlacementPolicy
policy_of(const KtValue *value)
{
    if (kt_value_is(value, "numa"))
        return KT_PLACEMENT_NUMA;
    return kt_value_is(value, "spread") ? KT_PLACEMENT_SPREAD : KT_PLACEMENT_SHARED_CACHE;
}

static KtSmt
smt_of(const KtValue *value)
{
    if (kt_value_is(value, "share"))
        return KT_SMT_SHARE;
    return kt_value_is(value, "isolate") ? KT_SMT_ISOLATE : KT_SMT_AUTO;
}

static KtKindWish
kind_of(const KtValue *value)
{
    if (kt_value_is(value, "fast"))
        return KT_KIND_FAST;
    if (kt_value_is(value, "efficient"))
        return KT_KIND_EFFICIENT;
    return kt_value_is(value, "any") ? KT_KIND_ANY : KT_KIND_AUTO;
}

void
kt_seat_fill_wishes(KtSeatDomain *seat, const KtDesired *desired, guint domain)
{
    const KtValue *placement = kt_seats_wish(desired, domain);
    if (placement == NULL)
        return;

    const KtValue *exclusive = kt_desired_domain(desired, domain, KT_SETTING_CPU_EXCLUSIVE, NULL);
    const KtValue *priority = kt_desired_domain(desired, domain, KT_SETTING_PRIORITY, NULL);
    seat->placed = true;
    seat->policy = policy_of(placement);
    seat->exclusive = exclusive != NULL && exclusive->number != 0;
    seat->smt = smt_of(kt_desired_domain(desired, domain, KT_SETTING_CPU_SMT, NULL));
    seat->kind = kind_of(kt_desired_domain(desired, domain, KT_SETTING_CPU_KIND, NULL));
    const KtValue *threshold = kt_desired_domain(desired, domain, KT_SETTING_MOVE_THRESHOLD, NULL);
    if (threshold != NULL)
        seat->move_threshold = (double)threshold->number;
    if (priority != NULL)
        seat->priority = (gint)CLAMP(priority->number, G_MININT, G_MAXINT);
}

static const KtCpuset *
unpinned_set(const KtDomain *domain, const KtDesired *desired, guint index, const KtTopology *topology,
             GPtrArray *unpinned)
{
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_CPU_PLACEMENT, NULL);
    if (unpinned == NULL || !kt_value_is(value, "none"))
        return NULL;

    KtCpuset *cpus = kt_domain_default_cpus(kt_domain_def(domain), topology);
    g_ptr_array_add(unpinned, cpus);
    return cpus;
}

KtPlacementProblem *
kt_seats_build(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, GPtrArray *unpinned)
{
    KtSeatDomain *seats = g_new0(KtSeatDomain, MAX(snapshot->domains->len, 1));
    guint n_seats = 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!domain->active)
            continue;
        KtSeatDomain *seat = &seats[n_seats];
        seat->name = domain->name;
        kt_seat_fill_wishes(seat, desired, i);
        fill_vcpus(seat, domain, unpinned_set(domain, desired, i, snapshot->topology, unpinned));
        seat->memory_share = memory_share(domain, snapshot->topology, &seat->memory_gib);
        kt_seat_fill_devices(seat, domain->live, snapshot->topology);
        kt_seat_fill_cells(seat, domain->live, snapshot->topology);
        seat->nodes = memory_nodes(domain, snapshot->topology);
        seat->memory_follows = memory_follows(snapshot, desired, i);
        plan->domains[i].seat = (gint)n_seats++;
    }

    KtPlacementProblem *problem = g_new0(KtPlacementProblem, 1);
    problem->topology = snapshot->topology;
    problem->housekeeping = plan->housekeeping;
    problem->domains = seats;
    problem->n_domains = n_seats;
    problem->node_room_gib = node_room(snapshot, desired);
    return problem;
}
