/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/qemu_process.h"
#include "tuners/memory_parts.h"

/* Where a domain's memory is. */
typedef struct {
    KtCpuset *nodes;    /* OS numbers of those with a part that counts; NULL = unknown */
    gint64 outside_kib; /* on others than those wanted */
} Whereabouts;

static Whereabouts
find_memory(const KtMemoryWish *wish, const KtCpuset *wanted)
{
    const KtTopology *topology = wish->plan->snapshot->topology;
    const KtDomain *domain = wish->domain;
    guint n = domain->memory_kib != NULL ? MIN(domain->n_memory, topology->n_nodes) : 0;
    Whereabouts found = {.nodes = n > 0 ? hwloc_bitmap_alloc() : NULL};
    gint64 total = 0;
    for (guint i = 0; i < n; i++)
        total += MAX(domain->memory_kib[i], 0);
    for (guint i = 0; i < n; i++) {
        if (!kt_qemu_memory_counts(domain->memory_kib[i], total))
            continue;
        hwloc_bitmap_set(found.nodes, topology->nodes[i].os);
        if (!hwloc_bitmap_isset(wanted, topology->nodes[i].os))
            found.outside_kib += domain->memory_kib[i];
    }
    return found;
}

const char *
kt_memory_find_obstacle(const KtDomainDef *live)
{
    bool preferred = live->numatune_mode != NULL && g_str_equal(live->numatune_mode, "preferred");
    bool any_policy = live->numatune_mode != NULL || live->numatune_nodeset != NULL;
    if (live->memnodes->len > 0 || (any_policy && !preferred))
        return "its present numatune binds it elsewhere, and libvirt changes no bound nodes of a running guest";
    if (live->hugepages)
        return "it has huge pages, which stay in their node's pool";
    if (live->locked)
        return "its memory is locked";
    if (live->hostdevs->len > 0)
        return "a passed-through device has its memory pinned";
    return NULL;
}

static void
add_action(const KtMemoryWish *wish, const KtValue *value, const KtCpuset *from, const KtCpuset *to,
           gint64 moving_kib)
{
    KtAction action = {
        .domain = (gint)wish->index,
        .setting = value->setting,
        .item = g_strdup("pages"),
        .from = kt_cpuset_format(from),
        .to = kt_cpuset_format(to),
        .when = KT_WHEN_NOW,
        .risk = KT_RISK_LOW,
        .reason = g_strdup_printf("%" G_GINT64_FORMAT " MiB move nearer to its CPUs; the guest is slower "
                                  "meanwhile",
                                  moving_kib / 1024),
        .source = g_strdup(value->source),
        .kind = KT_STEP_PAGES,
    };
    kt_plan_add(wish->plan, action);
}

/* What the cost counts: memory of a planned move is on the planned nodes. */
static void
plan_seat(const KtMemoryWish *wish, const KtCpuset *nodes)
{
    gint seat = wish->plan->domains[wish->index].seat;
    kt_cpuset_free(wish->plan->placement->seats[seat].memory_nodes);
    wish->plan->placement->seats[seat].memory_nodes = hwloc_bitmap_dup(nodes);
}

/* Why its memory isn't moved. */
static void
keep_there(const KtMemoryWish *wish, const KtCpuset *present, const char *why)
{
    KtDomainPlan *plan = &wish->plan->domains[wish->index];
    g_free(plan->memory_stays);
    g_free(plan->memory_at);
    plan->memory_stays = g_strdup(why);
    plan->memory_at = kt_cpuset_format(present);
}

void
kt_memory_move_pages(const KtMemoryWish *wish, const KtValue *value, const KtCpuset *nodes)
{
    const KtDomain *domain = wish->domain;
    if (!domain->active || domain->live == NULL || !wish->plan->snapshot->host_is_local)
        return;
    Whereabouts found = find_memory(wish, nodes);
    g_autoptr(KtCpuset) present = found.nodes;
    if (present == NULL || found.outside_kib == 0)
        return;
    const char *obstacle = kt_memory_find_obstacle(domain->live);
    if (obstacle != NULL) {
        keep_there(wish, present, obstacle);
        kt_plan_note(wish->plan, (gint)wish->index,
                     "its memory stays on node %s until it is powered off and on: %s",
                     wish->plan->domains[wish->index].memory_at, obstacle);
        return;
    }
    g_auto(KtShortage) shortage = {0};
    if (!kt_ledger_take_free(wish->plan->ledger, nodes, found.outside_kib, &shortage)) {
        g_autofree char *why = kt_shortage_describe(&shortage);
        kt_plan_refuse(wish->plan, (gint)wish->index, value, "pages",
                       "%s: its memory isn't moved now; make room there, or power it off and on", why);
        keep_there(wish, present, why);
        return;
    }
    add_action(wish, value, present, nodes, found.outside_kib);
    plan_seat(wish, nodes);
}
