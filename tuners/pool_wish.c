/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/pool_wish.h"

#include "tuners/memory_needs.h"

const KtPool *
kt_pool_of_node(const KtSnapshot *snapshot, guint node, guint64 page_kib)
{
    return kt_pools_find(snapshot->pools, snapshot->topology->nodes[node].os, page_kib);
}

static gint64
used_pages(const KtPool *pool)
{
    return pool != NULL ? MAX(MAX(pool->total, 0) - MAX(pool->free, 0), 0) : 0;
}

gint64 *
kt_pool_floors(const KtSnapshot *snapshot, guint64 page_kib)
{
    const KtPageSize *size = kt_pools_size(snapshot->pools, page_kib);
    gint64 promised = size != NULL ? MAX(size->reserved, 0) : 0;
    gint64 *floors = g_new0(gint64, snapshot->topology->n_nodes);
    for (guint i = 0; i < snapshot->topology->n_nodes; i++) {
        const KtPool *pool = kt_pool_of_node(snapshot, i, page_kib);
        gint64 here = MIN(promised, pool != NULL ? MAX(pool->free, 0) : 0);
        floors[i] = used_pages(pool) + here;
        promised -= here;
    }
    return floors;
}

void
kt_pool_split(gint64 total, gint64 *shares, guint n)
{
    guint left = 0;
    for (guint i = 0; i < n; i++)
        left += shares[i] >= 0;
    for (guint i = 0; i < n; i++) {
        if (shares[i] < 0)
            continue;
        shares[i] = (total + left - 1) / left;
        total -= shares[i];
        left--;
    }
}

/* Splits evenly, but gives no node less than its floor: the others have that much less. */
static void
split_above(gint64 total, const gint64 *floors, gint64 *shares, guint n)
{
    for (bool again = true; again;) {
        again = false;
        g_autofree gint64 *tried = g_memdup2(shares, n * sizeof *shares);
        gint64 rest = total;
        for (guint i = 0; i < n; i++) {
            /* A share that is settled is kept as a floor below -1. */
            if (shares[i] < KT_POOL_AS_IT_IS)
                rest -= floors[i];
        }
        kt_pool_split(MAX(rest, 0), tried, n);
        for (guint i = 0; i < n; i++) {
            if (tried[i] >= 0 && tried[i] < floors[i]) {
                shares[i] = KT_POOL_AS_IT_IS - 1;
                again = true;
            }
        }
        for (guint i = 0; !again && i < n; i++)
            shares[i] = shares[i] < KT_POOL_AS_IT_IS ? floors[i] : tried[i];
    }
}

static gint64 *
nothing_wished(const KtTopology *topology)
{
    gint64 *pages = g_new(gint64, topology->n_nodes);
    for (guint i = 0; i < topology->n_nodes; i++)
        pages[i] = KT_POOL_AS_IT_IS;
    return pages;
}

/* "COUNT" */
static gint64 *
for_host(const KtSnapshot *snapshot, gint64 count, guint64 page_kib)
{
    const KtTopology *topology = snapshot->topology;
    g_autofree gint64 *floors = kt_pool_floors(snapshot, page_kib);
    gint64 *pages = nothing_wished(topology);
    for (guint i = 0; i < topology->n_nodes; i++) {
        if (topology->nodes[i].has_memory && kt_pool_of_node(snapshot, i, page_kib) != NULL)
            pages[i] = 0;
    }
    split_above(count, floors, pages, topology->n_nodes);
    return pages;
}

/* "NODE:COUNT …" */
static gint64 *
for_nodes(const KtSnapshot *snapshot, const KtValue *value, guint64 page_kib, char **ret_why)
{
    g_autofree gint64 *pages = nothing_wished(snapshot->topology);
    for (guint i = 0; i < value->pools->len; i++) {
        const KtPoolWish *wish = &g_array_index(value->pools, KtPoolWish, i);
        gint node = kt_topology_node_index(snapshot->topology, (guint)wish->node);
        if (node < 0 || kt_pool_of_node(snapshot, (guint)node, page_kib) == NULL) {
            g_autoptr(KtCpuset) nodes = kt_memory_host_nodes(snapshot->topology);
            g_autofree char *list = kt_cpuset_format(nodes);
            *ret_why = g_strdup_printf("this host has no memory node %d with such a pool: its nodes with "
                                       "memory are %s",
                                       wish->node, list);
            return NULL;
        }
        pages[node] = (gint64)wish->count;
    }
    return g_steal_pointer(&pages);
}

/* Fewer than are used and promised is nothing that the kernel gives, or it takes it later and by surprise. */
static char *
find_floor(const KtSnapshot *snapshot, const gint64 *pages, guint64 page_kib)
{
    g_autofree gint64 *floors = kt_pool_floors(snapshot, page_kib);
    for (guint i = 0; i < snapshot->topology->n_nodes; i++) {
        if (pages[i] >= 0 && pages[i] < floors[i])
            return g_strdup_printf("%" G_GINT64_FORMAT
                                   " pages on node %u are fewer than the %" G_GINT64_FORMAT
                                   " that are in use or promised there; ask for at least those, or power "
                                   "off who uses them",
                                   pages[i], snapshot->topology->nodes[i].os, floors[i]);
    }
    return NULL;
}

gint64 *
kt_pool_wishes(const KtSnapshot *snapshot, const KtValue *value, guint64 page_kib, char **ret_why)
{
    const KtPoolWish *first = &g_array_index(value->pools, KtPoolWish, 0);
    g_autofree char *why = NULL;
    g_autofree gint64 *pages = first->node < 0 ? for_host(snapshot, (gint64)first->count, page_kib)
                                               : for_nodes(snapshot, value, page_kib, &why);
    gint64 sum = 0;
    for (guint i = 0; pages != NULL && i < snapshot->topology->n_nodes; i++)
        sum += MAX(pages[i], 0);
    if (pages != NULL)
        why = find_floor(snapshot, pages, page_kib);
    if (pages != NULL && why == NULL && first->node < 0 && sum > (gint64)first->count)
        why = g_strdup_printf("%" G_GUINT64_FORMAT " pages are fewer than the %" G_GINT64_FORMAT
                              " that are in use or promised; ask for at least those, or power off who uses "
                              "them",
                              first->count, sum);
    if (why == NULL && pages != NULL)
        return g_steal_pointer(&pages);
    if (ret_why != NULL)
        *ret_why = g_steal_pointer(&why);
    return NULL;
}
