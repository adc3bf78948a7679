/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Guests with more cells than this are told in short. */
#define MAX_CELLS_TOLD 3

static const char *
group_name(const KtTopology *topology)
{
    if (topology->n_l3 > 0)
        return "L3";
    return topology->n_packages > 0 ? "package" : "node";
}

/* ---- where ---- */

/* The groups and nodes of some CPUs. */
typedef struct {
    guint n_groups;
    guint n_nodes;
    KtCpuset *nodes; /* OS numbers */
} Span;

static Span
span_of(const KtTopology *topology, const KtCpuset *cpus)
{
    Span span = {.nodes = hwloc_bitmap_alloc()};
    g_autoptr(KtCpuset) groups = hwloc_bitmap_alloc();
    for (int os = hwloc_bitmap_first(cpus); os >= 0; os = hwloc_bitmap_next(cpus, os)) {
        const KtPu *pu = kt_topology_pu(topology, (guint)os);
        hwloc_bitmap_set(groups, pu->group);
        hwloc_bitmap_set(span.nodes, topology->nodes[pu->node].os);
    }
    span.n_groups = (guint)hwloc_bitmap_weight(groups);
    span.n_nodes = (guint)hwloc_bitmap_weight(span.nodes);
    return span;
}

/* ", on the node of its memory", as far as that is known and there are several nodes. */
static void
append_memory(GString *text, const KtTopology *topology, const KtSeatDomain *wish, const Span *span)
{
    if (!wish->memory_share || topology->n_nodes < 2)
        return;
    double near = 0;
    guint most = 0;
    for (guint i = 0; i < topology->n_nodes; i++) {
        if (hwloc_bitmap_isset(span->nodes, topology->nodes[i].os))
            near += wish->memory_share[i];
        if (wish->memory_share[i] > wish->memory_share[most])
            most = i;
    }
    if (near >= 0.9)
        g_string_append_printf(text, ", on the node%s of its memory", span->n_nodes > 1 ? "s" : "");
    else
        g_string_append_printf(text, ", most of its memory is on node %u", topology->nodes[most].os);
}

/* ---- own CPUs ---- */

static guint
count_cores(const KtState *state, const KtModelDomain *domain)
{
    g_autoptr(KtCpuset) cores = hwloc_bitmap_alloc();
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++)
        hwloc_bitmap_set(cores, state->model->topology->pus[state->pu[i]].core);
    return (guint)hwloc_bitmap_weight(cores);
}

static bool
has_strangers(const KtState *state, const KtModelDomain *domain)
{
    const KtModel *model = state->model;
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        const KtCoreState *core = &state->cores[model->topology->pus[state->pu[i]].core];
        guint zone = model->zones->of_pu[state->pu[i]];
        if (core->n_owners > 1 || core->n_obstacles > 0 ||
            (core->n_open > 0 && state->zones[zone].n_domains > 0))
            return true;
    }
    return false;
}

static char *
explain_exclusive(const KtState *state, const KtModelDomain *domain)
{
    const KtTopology *topology = state->model->topology;
    g_autoptr(KtCpuset) cpus = hwloc_bitmap_alloc();
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++)
        hwloc_bitmap_set(cpus, topology->pus[state->pu[i]].os);
    g_autofree char *list = kt_cpuset_format(cpus);
    Span span = span_of(topology, cpus);
    g_autoptr(KtCpuset) nodes = span.nodes;
    g_autofree char *node_list = kt_cpuset_format(nodes);
    guint n = domain->n_vcpus, n_cores = count_cores(state, domain);
    bool strangers = has_strangers(state, domain);

    GString *text = g_string_new(NULL);
    g_string_printf(text, "%u own %s%s", n, n_cores == n && !strangers ? "core" : "CPU", n > 1 ? "s" : "");
    if (n_cores < n || strangers)
        g_string_append_printf(text, " on %u core%s", n_cores, n_cores > 1 ? "s" : "");
    if (span.n_groups == 1)
        g_string_append_printf(text, " in one %s", group_name(topology));
    else
        g_string_append_printf(text, " in %u %ss of node%s %s", span.n_groups, group_name(topology),
                               span.n_nodes > 1 ? "s" : "", node_list);
    g_string_append_printf(text, " (CPU%s %s)", n > 1 ? "s" : "", list);
    if (domain->wish->smt == KT_SMT_ISOLATE && topology->smt)
        g_string_append(text, ", siblings stay empty");
    append_memory(text, topology, domain->wish, &span);
    if (strangers)
        g_string_append(text, "; others may run on the same cores");
    return g_string_free(text, FALSE);
}

/* ---- common sets ---- */

/* What is told of a hall, for all domains in it. */
typedef struct {
    char *where;     /* "the L3 of CPUs 0-7" */
    guint n_domains; /* that may run there */
    bool numa;       /* told as nodes */
    KtCpuset *nodes; /* OS numbers */
} Told;

static void
told_free(gpointer data)
{
    Told *told = data;
    g_free(told->where);
    kt_cpuset_free(told->nodes);
    g_free(told);
}

/* Whether a domain that stays where it is may run on some CPU of the hall. */
static bool
floats_in(const KtModel *model, const KtModelDomain *domain, const KtHall *hall)
{
    for (guint i = domain->first_vcpu; i < domain->first_vcpu + domain->n_vcpus; i++) {
        if (i > domain->first_vcpu && model->vcpus[i].before == model->vcpus[i - 1].before)
            continue;
        const guint64 *pus = kt_model_before(model, model->vcpus[i].before)->pus;
        for (guint j = 0; j < model->n_words; j++) {
            if (pus[j] & hall->pus[j])
                return true;
        }
    }
    return false;
}

static guint
count_domains(const KtState *state, const KtHall *hall)
{
    guint n = 0, n_zones = state->model->zones->n_zones;
    for (guint i = 0; i < state->model->n_domains; i++) {
        const guint16 *presence = state->presence + (gsize)i * n_zones;
        bool meets = state->domains[i].staying && floats_in(state->model, &state->model->domains[i], hall);
        for (guint j = 0; j < hall->n_zones && !meets; j++)
            meets = presence[hall->zones[j]] > 0;
        n += meets;
    }
    return n;
}

static char *
describe_hall(const KtTopology *topology, const KtHall *hall, bool numa)
{
    g_autoptr(KtCpuset) cpus = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_pus; i++) {
        if (kt_bit(hall->pus, i))
            hwloc_bitmap_set(cpus, topology->pus[i].os);
    }
    g_autofree char *list = kt_cpuset_format(cpus);
    Span span = span_of(topology, cpus);
    g_autoptr(KtCpuset) nodes = span.nodes;
    g_autofree char *node_list = kt_cpuset_format(nodes);
    if (numa)
        return g_strdup_printf("node%s %s (CPUs %s)", span.n_nodes > 1 ? "s" : "", node_list, list);
    if (span.n_groups == 1)
        return g_strdup_printf("the %s of CPUs %s", group_name(topology), list);
    return g_strdup_printf("%u %ss (CPUs %s)", span.n_groups, group_name(topology), list);
}

/* Borrowed. @told: KtHall → Told. */
static const Told *
tell_hall(const KtState *state, const KtModelDomain *domain, const KtHall *hall, GHashTable *told)
{
    const KtTopology *topology = state->model->topology;
    bool numa = domain->wish->policy == KT_PLACEMENT_NUMA;
    Told *it = g_hash_table_lookup(told, hall);
    if (it && it->numa == numa)
        return it;
    it = g_new0(Told, 1);
    it->where = describe_hall(topology, hall, numa);
    it->n_domains = count_domains(state, hall);
    it->numa = numa;
    it->nodes = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_nodes; i++) {
        if (hall->node_pus[i] > 0)
            hwloc_bitmap_set(it->nodes, topology->nodes[i].os);
    }
    g_hash_table_replace(told, (gpointer)hall, it);
    return it;
}

static char *
explain_one_set(const KtState *state, const KtModelDomain *domain, GHashTable *told)
{
    const Told *hall = tell_hall(state, domain, state->units[domain->first_unit].hall, told);
    guint n = hall->n_domains;
    GString *text = g_string_new(n > 1 ? "shares " : "alone in ");
    g_string_append(text, hall->where);
    if (n > 1)
        g_string_append_printf(text, " with %u other domain%s", n - 1, n > 2 ? "s" : "");
    Span span = {0, (guint)hwloc_bitmap_weight(hall->nodes), hall->nodes};
    append_memory(text, state->model->topology, domain->wish, &span);
    return g_string_free(text, FALSE);
}

static char *
explain_cells(const KtState *state, const KtModelDomain *domain, GHashTable *told)
{
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%u guest cells", domain->n_units);
    for (guint i = 0; i < MIN(domain->n_units, MAX_CELLS_TOLD); i++) {
        g_string_append(text, i == 0 ? ": " : ", ");
        g_string_append(text,
                        tell_hall(state, domain, state->units[domain->first_unit + i].hall, told)->where);
    }
    if (domain->n_units > MAX_CELLS_TOLD)
        g_string_append(text, ", …");
    return g_string_free(text, FALSE);
}

void
kt_placement_explain(const KtState *state, KtPlacement *placement)
{
    const KtModel *model = state->model;
    g_autoptr(GHashTable) told = g_hash_table_new_full(NULL, NULL, NULL, told_free);
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *domain = &model->domains[i];
        KtSeat *seat = &placement->seats[domain->index];
        if (domain->n_vcpus == 0 || seat->refusal || domain->fate == KT_FATE_FIXED)
            continue;
        if (domain->fate == KT_FATE_EXCLUSIVE)
            seat->reason = explain_exclusive(state, domain);
        else if (domain->n_units == 1)
            seat->reason = explain_one_set(state, domain, told);
        else
            seat->reason = explain_cells(state, domain, told);
    }
}
