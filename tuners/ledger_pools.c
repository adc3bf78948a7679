/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ledger_accounts.h"

gint64
kt_ledger_pool_pages(const KtSizeAccount *size, guint node)
{
    const KtPoolAccount *pool = &size->pools[node];
    if (size->is_auto)
        return MAX(pool->need + pool->others, pool->floor);
    return pool->wished == KT_POOL_AS_IT_IS ? pool->present : pool->wished;
}

KtSizeAccount *
kt_ledger_size(const KtLedger *ledger, guint64 page_kib)
{
    for (guint i = 0; i < ledger->n_sizes; i++) {
        if (ledger->sizes[i].page_kib == page_kib)
            return &ledger->sizes[i];
    }
    return NULL;
}

bool
kt_ledger_pool_is_auto(const KtLedger *ledger, guint64 page_kib)
{
    const KtSizeAccount *size = kt_ledger_size(ledger, page_kib);
    return size != NULL && size->is_auto;
}

/* What the profile says of pools of this size, as far as this host's own settings may be changed. */
static const KtValue *
wish_for(const KtLedger *ledger, const KtDesired *desired, guint64 page_kib)
{
    if (!ledger->snapshot->host_is_local)
        return NULL;
    if (page_kib == KT_PAGE_2M_KIB)
        return kt_desired_host(desired, KT_SETTING_HUGEPAGES_2M);
    return page_kib == KT_PAGE_1G_KIB ? kt_desired_host(desired, KT_SETTING_HUGEPAGES_1G) : NULL;
}

static void
open_size(const KtLedger *ledger, const KtDesired *desired, KtSizeAccount *size)
{
    const KtValue *value = wish_for(ledger, desired, size->page_kib);
    g_autofree gint64 *floors = kt_pool_floors(ledger->snapshot, size->page_kib);
    g_autofree gint64 *wishes = value != NULL && value->pools != NULL
                                    ? kt_pool_wishes(ledger->snapshot, value, size->page_kib, NULL)
                                    : NULL;
    size->is_auto = kt_value_is(value, "auto");
    size->pools = g_new0(KtPoolAccount, ledger->n_nodes);
    for (guint i = 0; i < ledger->n_nodes; i++) {
        const KtPool *pool = kt_pool_of_node(ledger->snapshot, i, size->page_kib);
        size->pools[i] = (KtPoolAccount){
            .present = pool != NULL ? MAX(pool->total, 0) : 0,
            .floor = floors[i],
            .wished = KT_POOL_AS_IT_IS,
            .refused = wishes != NULL ? wishes[i] : KT_POOL_AS_IT_IS,
        };
    }
}

/* What guests have now, by their live definitions, as if it were what they need. */
static GPtrArray *
charge_live(KtLedger *ledger, const KtPlan *plan)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        if (!domain->active || domain->live == NULL || !domain->live->hugepages)
            continue;
        g_autoptr(GPtrArray) needs = kt_memory_needs(plan, i, domain->live);
        g_ptr_array_add(all, kt_ledger_charge(ledger, needs));
    }
    return all;
}

/* Pages in use beyond those of guests. The guests' nodes are an estimate, so it is counted on the host. */
static void
count_others(const KtLedger *ledger, KtSizeAccount *size)
{
    gint64 total = 0;
    for (guint i = 0; i < ledger->n_nodes; i++)
        total += size->pools[i].floor - size->pools[i].need;
    for (guint i = 0; i < ledger->n_nodes && total > 0; i++) {
        KtPoolAccount *pool = &size->pools[i];
        pool->others = CLAMP(pool->floor - pool->need, 0, total);
        total -= pool->others;
    }
}

void
kt_ledger_open_pools(KtLedger *ledger, const KtPlan *plan, const KtDesired *desired)
{
    const GArray *sizes = ledger->snapshot->pools->sizes;
    ledger->n_sizes = sizes->len;
    ledger->sizes = g_new0(KtSizeAccount, sizes->len);
    for (guint i = 0; i < sizes->len; i++) {
        ledger->sizes[i].page_kib = g_array_index(sizes, KtPageSize, i).page_kib;
        open_size(ledger, desired, &ledger->sizes[i]);
    }

    g_autoptr(GPtrArray) live = charge_live(ledger, plan);
    for (guint i = 0; i < ledger->n_sizes; i++)
        count_others(ledger, &ledger->sizes[i]);
    for (guint i = 0; i < live->len; i++)
        kt_ledger_apply(ledger, live->pdata[i], -1);
}

/* What a pool lacks to grow to what it is to have. */
static bool
grows_too_far(const KtLedger *ledger, const KtSizeAccount *size, guint node, gint64 pages,
              KtShortage *ret_shortage)
{
    gint64 grows = (pages - size->pools[node].present) * (gint64)size->page_kib;
    gint64 pending = (pages - kt_ledger_pool_pages(size, node)) * (gint64)size->page_kib;
    gint64 free_now = kt_ledger_free_left(ledger, node), room = kt_ledger_room(ledger, node);
    if (grows <= 0)
        return false;
    g_autoptr(KtCpuset) nodes = kt_cpuset_single(ledger->snapshot->topology->nodes[node].os);
    bool unknown = free_now == KT_ABSENT || room == KT_ABSENT;
    if (unknown || free_now < pending)
        kt_shortage_set(ret_shortage, KT_SHORTAGE_FREE, nodes, grows,
                        unknown ? KT_ABSENT : grows + free_now - pending);
    else if (room < pending)
        kt_shortage_set(ret_shortage, KT_SHORTAGE_SIZE, nodes, grows, grows + room - pending);
    else
        return false;
    ret_shortage->page_kib = size->page_kib;
    return true;
}

/* One after the other, so that one that doesn't fit takes nothing from the others. */
void
kt_ledger_admit_wishes(KtLedger *ledger)
{
    for (guint i = 0; i < ledger->n_sizes; i++) {
        for (guint k = 0; k < ledger->n_nodes; k++) {
            g_auto(KtShortage) shortage = {0};
            KtPoolAccount *pool = &ledger->sizes[i].pools[k];
            if (pool->refused == KT_POOL_AS_IT_IS ||
                grows_too_far(ledger, &ledger->sizes[i], k, pool->refused, &shortage))
                continue;
            pool->wished = pool->refused;
            pool->refused = KT_POOL_AS_IT_IS;
        }
    }
}

bool
kt_ledger_pool(const KtLedger *ledger, guint64 page_kib, guint node, gint64 *ret_pages,
               KtShortage *ret_shortage)
{
    const KtSizeAccount *size = kt_ledger_size(ledger, page_kib);
    gint64 pages = kt_ledger_pool_pages(size, node);
    if (size->pools[node].refused != KT_POOL_AS_IT_IS)
        pages = size->pools[node].refused;
    if (grows_too_far(ledger, size, node, pages, ret_shortage))
        return false;
    *ret_pages = pages;
    return true;
}
