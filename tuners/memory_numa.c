/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/memory_parts.h"

/* What a value comes to for one domain. */
typedef struct {
    const char *mode; /* libvirt's word */
    KtCpuset *nodes;  /* OS numbers; NULL = there is nothing to set */
} Policy;

static void
policy_clear(Policy *policy)
{
    g_clear_pointer(&policy->nodes, kt_cpuset_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Policy, policy_clear)

/* "node 1", "nodes 0-1" */
static char *
name_nodes(const KtCpuset *nodes)
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
    if (several && !strict) {
        g_autofree char *nodes = name_nodes(wish->cpu_nodes);
        kt_plan_note(wish->plan, (gint)wish->index,
                     "memory.numa = follow-cpu has nothing to prefer: its CPUs are on %s", nodes);
        return;
    }
    policy->mode = strict ? "strict" : "preferred";
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

/* Single guest cells bound by hand, which one policy for all would contradict. */
static bool
refuse_cells(const KtMemoryWish *wish, const KtValue *value)
{
    if (wish->next.memnodes->len == 0)
        return false;
    kt_plan_refuse(
        wish->plan, (gint)wish->index, value, NULL,
        "its definition binds single guest cells to nodes (<memnode>), which is left as it is; take "
        "<numatune> out of the definition to have it set here");
    return true;
}

static bool
is_so(const KtDomainDef *def, const Policy *policy)
{
    const char *mode = def->numatune_mode != NULL ? def->numatune_mode : "strict";
    g_autoptr(KtCpuset) nodes =
        def->numatune_nodeset != NULL ? kt_cpuset_parse(def->numatune_nodeset, true, NULL) : NULL;
    return nodes != NULL && hwloc_bitmap_isequal(nodes, policy->nodes) && g_str_equal(mode, policy->mode);
}

static char *
explain(const KtMemoryWish *wish, const Policy *policy)
{
    g_autofree char *nodes = name_nodes(policy->nodes);
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
    next.numatune_mode = (char *)policy->mode;
    next.numatune_nodeset = (char *)nodeset;
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
    return true;
}

/* False where it can't be. */
static bool
stage(KtMemoryWish *wish, const KtValue *value, const Policy *policy)
{
    if (is_so(kt_domain_next_def(wish->domain), policy))
        return true;
    g_autofree char *nodeset = kt_cpuset_format(policy->nodes);
    if (!take(wish, value, policy, nodeset))
        return false;
    g_autofree char *to = g_strdup_printf("%s %s", policy->mode, nodeset);
    KtRisk risk = kt_memory_mode_binds(policy->mode)        ? KT_RISK_MEDIUM
                  : g_str_equal(policy->mode, "interleave") ? KT_RISK_LOW
                                                            : KT_RISK_NONE;
    kt_memory_stage(wish, value, KT_XML_NUMATUNE, to, risk, explain(wish, policy));
    return true;
}

void
kt_memory_tune_numa(KtMemoryWish *wish)
{
    const KtValue *value = kt_desired_domain(wish->desired, wish->index, KT_SETTING_MEMORY_NUMA, NULL);
    g_auto(Policy) policy = {0};
    if (value == NULL || refuse_cells(wish, value))
        return;
    choose(wish, value, &policy);
    if (policy.nodes == NULL)
        return;
    bool fits = !kt_plan_may_carry(wish->plan, (gint)wish->index, value, NULL) || stage(wish, value, &policy);
    if (fits && !g_str_equal(policy.mode, "interleave"))
        kt_memory_move_pages(wish, value, policy.nodes);
}
