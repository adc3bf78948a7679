/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/memory_parts.h"

/* What a value comes to for one domain. */
typedef struct {
    const char *mode; /* libvirt's word */
    KtCpuset *nodes;  /* OS numbers; NULL = there is nothing to set for the guest as a whole */
    GPtrArray *cells; /* KtMemnodeDef: of single guest cells; none = they have no word of their own */
} Policy;

static void
policy_clear(Policy *policy)
{
    g_clear_pointer(&policy->nodes, kt_cpuset_free);
    g_clear_pointer(&policy->cells, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Policy, policy_clear)

char *
kt_memory_name_nodes(const KtCpuset *nodes)
{
    g_autofree char *list = kt_cpuset_format(nodes);
    return g_strdup_printf("node%s %s", hwloc_bitmap_weight(nodes) > 1 ? "s" : "", list);
}

static void
listed_nodes(const KtMemoryWish *wish, const KtValue *value, Policy *policy)
{
    g_autoptr(KtCpuset) host = kt_memory_host_nodes(wish->plan->snapshot->topology);
    g_autoptr(KtCpuset) absent = hwloc_bitmap_alloc();
    hwloc_bitmap_andnot(absent, value->set, host);
    if (!hwloc_bitmap_iszero(absent)) {
        g_autofree char *missing = kt_cpuset_format(absent);
        g_autofree char *there = kt_cpuset_format(host);
        kt_plan_refuse(wish->plan, (gint)wish->index, value, NULL,
                       "this host has no memory node %s: its nodes with memory are %s", missing, there);
        return;
    }
    policy->mode = "strict";
    policy->nodes = hwloc_bitmap_dup(value->set);
}

/* The nodes of the CPUs that placement found. */
static void
nodes_of_cpus(const KtMemoryWish *wish, const KtValue *value, Policy *policy)
{
    const KtDomainPlan *planned = &wish->plan->domains[wish->index];
    if (planned->seat < 0 && planned->boot_seat < 0)
        return;
    bool strict = kt_value_is(value, "strict");
    bool several = hwloc_bitmap_weight(wish->cpu_nodes) > 1;
    g_ptr_array_unref(policy->cells);
    policy->cells = kt_memory_choose_cells(wish, strict);
    policy->mode = strict ? "strict" : "preferred";
    if (several && !strict && policy->cells->len > 0)
        return;
    if (several && !strict) {
        g_autofree char *nodes = kt_memory_name_nodes(wish->cpu_nodes);
        kt_plan_note(wish->plan, (gint)wish->index,
                     "memory.numa = follow-cpu has nothing to prefer: its CPUs are on %s", nodes);
        return;
    }
    if (!hwloc_bitmap_iszero(wish->cpu_nodes))
        policy->nodes = hwloc_bitmap_dup(wish->cpu_nodes);
}

static void
choose(const KtMemoryWish *wish, const KtValue *value, Policy *policy)
{
    KtCpuset *host = kt_memory_host_nodes(wish->plan->snapshot->topology);
    bool one = hwloc_bitmap_weight(host) < 2;
    if (value->set != NULL) {
        listed_nodes(wish, value, policy);
    } else if (kt_value_is(value, "interleave")) {
        policy->mode = "interleave";
        policy->nodes = one ? NULL : hwloc_bitmap_dup(host);
    } else if (!one || kt_value_is(value, "strict")) {
        nodes_of_cpus(wish, value, policy);
    }
    kt_cpuset_free(host);
}

/* libvirt: virDomainNumatuneNodeParseXML. */
static bool
refuse_numad(const KtMemoryWish *wish, const KtValue *value, const Policy *policy)
{
    if (policy->nodes != NULL || policy->cells->len == 0 || g_strcmp0(wish->next.vcpu_placement, "auto") != 0)
        return false;
    kt_plan_refuse(wish->plan, (gint)wish->index, value, NULL,
                   "libvirt sends no single guest cells to nodes where numad advises them (<vcpu "
                   "placement='auto'>): take that out of the definition, or name memory.numa = strict");
    return true;
}

static bool
is_so(const KtDomainDef *def, const Policy *policy)
{
    const char *mode = def->numatune_mode != NULL ? def->numatune_mode : "strict";
    g_autoptr(KtCpuset) nodes =
        def->numatune_nodeset != NULL ? kt_cpuset_parse(def->numatune_nodeset, true, NULL) : NULL;
    if (!kt_memory_cells_are_so(def, policy->cells))
        return false;
    if (policy->nodes == NULL)
        return def->numatune_mode == NULL && def->numatune_nodeset == NULL;
    return nodes != NULL && hwloc_bitmap_isequal(nodes, policy->nodes) && g_str_equal(mode, policy->mode);
}

static char *
explain(const KtMemoryWish *wish, const Policy *policy)
{
    if (policy->nodes == NULL)
        return g_strdup("each guest cell has nodes of its own");
    g_autofree char *nodes = kt_memory_name_nodes(policy->nodes);
    if (g_str_equal(policy->mode, "interleave"))
        return g_strdup_printf("pages come from %s in turns: no node is the slow one for all", nodes);
    if (g_str_equal(policy->mode, "preferred"))
        return g_strdup_printf("its CPUs are on %s: memory comes from there while there is any", nodes);
    return g_strdup_printf("%" G_GUINT64_FORMAT
                           " MiB come from %s or not at all: without room there the guest "
                           "doesn't start",
                           wish->next.memory_kib / 1024, nodes);
}

/* Books the policy. What doesn't bind needs no room, but tells pools where pages are wanted. */
static bool
take(KtMemoryWish *wish, const KtValue *value, const Policy *policy, const char *nodeset)
{
    g_auto(KtShortage) shortage = {0};
    KtDomainDef next = wish->next;
    next.numatune_mode = nodeset != NULL ? (char *)policy->mode : NULL;
    next.numatune_nodeset = (char *)nodeset;
    next.memnodes = policy->cells;
    g_autoptr(GPtrArray) needs = kt_memory_needs(wish->plan, wish->index, &next);
    bool fits = kt_ledger_take(wish->plan->ledger, wish->index, needs, &shortage);
    if (!fits && kt_memory_mode_binds(policy->mode)) {
        g_autofree char *why = kt_shortage_describe(&shortage);
        kt_plan_refuse(wish->plan, (gint)wish->index, value, NULL,
                       "%s; memory.numa = follow-cpu prefers the node without depending on it", why);
        return false;
    }
    g_free(wish->nodeset);
    wish->nodeset = g_strdup(nodeset);
    wish->next.numatune_mode = next.numatune_mode;
    wish->next.numatune_nodeset = wish->nodeset;
    wish->memnodes = g_ptr_array_ref(policy->cells);
    wish->next.memnodes = wish->memnodes;
    return true;
}

static KtRisk
risk_of(const Policy *policy)
{
    if (policy->nodes != NULL && g_str_equal(policy->mode, "interleave"))
        return KT_RISK_LOW;
    return policy->nodes != NULL && kt_memory_mode_binds(policy->mode) ? KT_RISK_MEDIUM : KT_RISK_NONE;
}

/* False where it can't be. */
static bool
stage(KtMemoryWish *wish, const KtValue *value, const Policy *policy)
{
    if (is_so(kt_domain_next_def(wish->domain), policy))
        return true;
    g_autofree char *nodeset = policy->nodes != NULL ? kt_cpuset_format(policy->nodes) : NULL;
    if (refuse_numad(wish, value, policy) || !take(wish, value, policy, nodeset))
        return false;
    g_autofree char *to = nodeset != NULL ? g_strdup_printf("%s %s", policy->mode, nodeset) : NULL;
    kt_memory_stage(wish, value, KT_XML_NUMATUNE, NULL, to, risk_of(policy), explain(wish, policy));
    kt_memory_stage_cells(wish, value, policy->cells);
    if (policy->cells->len > 0 && wish->domain->active)
        kt_plan_note(
            wish->plan, (gint)wish->index,
            "memory of single guest cells isn't moved now: it comes from their nodes from the next boot on");
    return true;
}

void
kt_memory_tune_numa(KtMemoryWish *wish)
{
    const KtValue *value = kt_desired_domain(wish->desired, wish->index, KT_SETTING_MEMORY_NUMA, NULL);
    g_auto(Policy) policy = {.cells = g_ptr_array_new()};
    if (value == NULL)
        return;
    choose(wish, value, &policy);
    if (policy.nodes == NULL && policy.cells->len == 0)
        return;
    bool fits = !kt_plan_may_carry(wish->plan, (gint)wish->index, value, NULL) || stage(wish, value, &policy);
    if (fits && policy.nodes != NULL && !g_str_equal(policy.mode, "interleave"))
        kt_memory_move_pages(wish, value, policy.nodes);
}
