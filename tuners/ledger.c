/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ledger_accounts.h"

void
kt_shortage_clear(KtShortage *shortage)
{
    g_clear_pointer(&shortage->nodes, g_free);
}

void
kt_shortage_set(KtShortage *shortage, KtShortageKind kind, const KtCpuset *nodes, gint64 wanted,
                gint64 available)
{
    kt_shortage_clear(shortage);
    *shortage = (KtShortage){
        .kind = kind, .nodes = kt_cpuset_format(nodes), .wanted = wanted, .available = available};
}

char *
kt_shortage_describe(const KtShortage *shortage)
{
    if (shortage->available == KT_ABSENT)
        return g_strdup_printf("this host doesn't say how much memory node %s has", shortage->nodes);
    gint64 available = MAX(shortage->available, 0);
    if (shortage->kind == KT_SHORTAGE_POOL)
        return g_strdup_printf("%" G_GINT64_FORMAT " pages are needed, the pools of node %s have room for "
                               "%" G_GINT64_FORMAT,
                               shortage->wanted, shortage->nodes, available);
    return g_strdup_printf("%" G_GINT64_FORMAT " MiB of node %s are needed, %" G_GINT64_FORMAT " MiB are %s",
                           (shortage->wanted + 1023) / 1024, shortage->nodes, available / 1024,
                           shortage->kind == KT_SHORTAGE_FREE
                               ? "free now, less memory-reserve"
                               : "left of its size, less memory-reserve and what is bound there");
}

static gint64
size_of_node(const KtSnapshot *snapshot, const KtNode *node, gint64 *ret_free)
{
    const GArray *nodes = snapshot->memory->nodes;
    *ret_free = KT_ABSENT;
    for (guint i = 0; i < nodes->len; i++) {
        const KtNodeMemory *memory = &g_array_index(nodes, KtNodeMemory, i);
        if (memory->os != node->os)
            continue;
        *ret_free = memory->free_kib;
        if (memory->total_kib != KT_ABSENT)
            return memory->total_kib;
    }
    return node->memory_bytes > 0 ? (gint64)(node->memory_bytes / 1024) : KT_ABSENT;
}

static void
open_nodes(KtLedger *ledger, const KtDesired *desired)
{
    const KtTopology *topology = ledger->snapshot->topology;
    const KtValue *reserve = kt_desired_host(desired, KT_SETTING_MEMORY_RESERVE);
    gint64 reserved = reserve != NULL ? reserve->number : 0;
    ledger->n_nodes = topology->n_nodes;
    ledger->nodes = g_new0(KtNodeAccount, topology->n_nodes);
    for (guint i = 0; i < topology->n_nodes; i++) {
        KtNodeAccount *node = &ledger->nodes[i];
        node->size = size_of_node(ledger->snapshot, &topology->nodes[i], &node->free);
        node->size -= node->size != KT_ABSENT ? reserved : 0;
        node->free -= node->free != KT_ABSENT ? reserved : 0;
    }
}

static bool
boots_next(const KtDomain *domain)
{
    return (domain->active || domain->autostart) && kt_domain_next_def(domain) != NULL;
}

KtLedger *
kt_ledger_new(const KtPlan *plan, const KtDesired *desired)
{
    KtLedger *ledger = g_new0(KtLedger, 1);
    ledger->snapshot = plan->snapshot;
    ledger->charges = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    open_nodes(ledger, desired);
    kt_ledger_open_pools(ledger, plan, desired);
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        g_autoptr(GPtrArray) needs =
            boots_next(domain) ? kt_memory_needs(plan, i, kt_domain_next_def(domain)) : g_ptr_array_new();
        g_ptr_array_add(ledger->charges, kt_ledger_charge(ledger, needs));
    }
    kt_ledger_admit_wishes(ledger);
    return ledger;
}

void
kt_ledger_free(KtLedger *ledger)
{
    if (ledger == NULL)
        return;
    for (guint i = 0; i < ledger->n_sizes; i++)
        g_free(ledger->sizes[i].pools);
    g_free(ledger->sizes);
    g_free(ledger->nodes);
    g_ptr_array_unref(ledger->charges);
    g_free(ledger);
}

/* ---- what is left ---- */

gint64
kt_ledger_room(const KtLedger *ledger, guint node)
{
    if (ledger->nodes[node].size == KT_ABSENT)
        return KT_ABSENT;
    gint64 left = ledger->nodes[node].size - ledger->nodes[node].bound;
    for (guint i = 0; i < ledger->n_sizes; i++)
        left -= kt_ledger_pool_pages(&ledger->sizes[i], node) * (gint64)ledger->sizes[i].page_kib;
    return left;
}

gint64
kt_ledger_free_left(const KtLedger *ledger, guint node)
{
    if (ledger->nodes[node].free == KT_ABSENT)
        return KT_ABSENT;
    gint64 left = ledger->nodes[node].free - ledger->nodes[node].taken;
    for (guint i = 0; i < ledger->n_sizes; i++) {
        const KtSizeAccount *size = &ledger->sizes[i];
        gint64 grows = kt_ledger_pool_pages(size, node) - size->pools[node].present;
        left -= MAX(grows, 0) * (gint64)size->page_kib;
    }
    return left;
}

/* By how much these nodes are over-committed together, at most 0; KT_ABSENT where one is unknown. */
static gint64
overdraft(const KtLedger *ledger, const KtCpuset *nodes, gint64 (*left)(const KtLedger *, guint))
{
    gint64 sum = 0;
    for (guint i = 0; i < ledger->n_nodes; i++) {
        gint64 here = kt_ledger_is_among(ledger, nodes, i) ? left(ledger, i) : 0;
        if (here == KT_ABSENT)
            return KT_ABSENT;
        sum += MIN(here, 0);
    }
    return sum;
}

/* ---- does it fit? ---- */

/* Pages that pools lack on these nodes together; less than 0 = so many are left. */
static gint64
lack(const KtLedger *ledger, const KtSizeAccount *size, const KtCpuset *nodes, bool bound)
{
    gint64 pages = 0;
    for (guint i = 0; i < ledger->n_nodes; i++) {
        const KtPoolAccount *pool = &size->pools[i];
        if (kt_ledger_is_among(ledger, nodes, i))
            pages += (bound ? pool->bound : pool->need) + pool->others - kt_ledger_pool_pages(size, i);
    }
    return pages;
}

/* Of a pool whose size doesn't follow the need; what nobody binds may come from any node. */
static bool
pool_holds(const KtLedger *ledger, const KtMemoryNeed *need, const KtSizeAccount *size,
           KtShortage *ret_shortage)
{
    g_autoptr(KtCpuset) all = kt_memory_host_nodes(ledger->snapshot->topology);
    const KtCpuset *nodes = need->binds ? need->nodes : all;
    gint64 missing = lack(ledger, size, nodes, need->binds);
    if (missing <= 0)
        return true;
    kt_shortage_set(ret_shortage, KT_SHORTAGE_POOL, nodes, kt_ledger_pages(need),
                    kt_ledger_pages(need) - missing);
    ret_shortage->page_kib = size->page_kib;
    return false;
}

/* Whether nodes that @need is booked on have less than nothing, and less than before it. */
static bool
draws_over(const KtLedger *ledger, const KtMemoryNeed *need, gint64 (*left)(const KtLedger *, guint),
           gint64 before, KtShortageKind kind, KtShortage *ret_shortage)
{
    gint64 now = overdraft(ledger, need->nodes, left);
    if (now != KT_ABSENT && (now == 0 || now >= before))
        return false;
    kt_shortage_set(ret_shortage, kind, need->nodes, (gint64)need->kib,
                    now == KT_ABSENT ? KT_ABSENT : (gint64)need->kib + now);
    ret_shortage->page_kib = need->page_kib;
    return true;
}

/* @before: how far its nodes were over-committed before, of their size and of what is free. */
static bool
need_fits(const KtLedger *ledger, const KtMemoryNeed *need, const gint64 before[2], KtShortage *ret_shortage)
{
    const KtSizeAccount *size = need->page_kib > 0 ? kt_ledger_size(ledger, need->page_kib) : NULL;
    if (size == NULL && (need->page_kib > 0 || !need->binds))
        return true;
    if (size != NULL && !size->is_auto)
        return pool_holds(ledger, need, size, ret_shortage);
    if (draws_over(ledger, need, kt_ledger_room, before[0], KT_SHORTAGE_SIZE, ret_shortage))
        return false;
    return size == NULL ||
           !draws_over(ledger, need, kt_ledger_free_left, before[1], KT_SHORTAGE_FREE, ret_shortage);
}

/* Books @needs of a domain that isn't booked; NULL, and nothing changes, where they don't fit. */
static GArray *
try(KtLedger *ledger, const GPtrArray *needs, const gint64 (*before)[2], KtShortage *ret_shortage)
{
    g_autoptr(GArray) charges = kt_ledger_charge(ledger, needs);
    for (guint i = 0; i < needs->len; i++) {
        if (need_fits(ledger, needs->pdata[i], before[i], ret_shortage))
            continue;
        kt_ledger_apply(ledger, charges, -1);
        return NULL;
    }
    return g_steal_pointer(&charges);
}

bool
kt_ledger_take(KtLedger *ledger, guint domain, const GPtrArray *needs, KtShortage *ret_shortage)
{
    g_autofree gint64(*before)[2] = g_malloc0_n(needs->len + 1, sizeof *before);
    for (guint i = 0; i < needs->len; i++) {
        const KtMemoryNeed *need = needs->pdata[i];
        before[i][0] = overdraft(ledger, need->nodes, kt_ledger_room);
        before[i][1] = overdraft(ledger, need->nodes, kt_ledger_free_left);
    }
    GArray *old = ledger->charges->pdata[domain];
    kt_ledger_apply(ledger, old, -1);
    GArray *charges = try(ledger, needs, before, ret_shortage);
    if (charges != NULL && boots_next(ledger->snapshot->domains->pdata[domain])) {
        g_array_unref(old);
        ledger->charges->pdata[domain] = charges;
        return true;
    }
    bool fits = charges != NULL;
    if (fits) {
        kt_ledger_apply(ledger, charges, -1);
        g_array_unref(charges);
    }
    kt_ledger_apply(ledger, old, 1);
    return fits;
}

bool
kt_ledger_take_free(KtLedger *ledger, const KtCpuset *nodes, gint64 kib, KtShortage *ret_shortage)
{
    gint64 available = 0;
    for (guint i = 0; i < ledger->n_nodes && available != KT_ABSENT; i++) {
        gint64 left = kt_ledger_is_among(ledger, nodes, i) ? kt_ledger_free_left(ledger, i) : 0;
        available = left == KT_ABSENT ? KT_ABSENT : available + MAX(left, 0);
    }
    if (available == KT_ABSENT || available < kib) {
        kt_shortage_set(ret_shortage, KT_SHORTAGE_FREE, nodes, kib, available);
        return false;
    }
    for (guint i = 0; i < ledger->n_nodes && kib > 0; i++) {
        gint64 here =
            kt_ledger_is_among(ledger, nodes, i) ? MIN(kib, MAX(kt_ledger_free_left(ledger, i), 0)) : 0;
        ledger->nodes[i].taken += here;
        kib -= here;
    }
    return true;
}
