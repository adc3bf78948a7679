/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/mix_history.h"

typedef struct {
    Mix *mix;
    GRand *chance;
    bool *taken;  /* by PU */
    bool *leaves; /* by PU: by a guest that is gone in the end */
    bool packs;
} History;

static guint
draw(History *history, guint n)
{
    return (guint)g_rand_int_range(history->chance, 0, (gint)n);
}

static bool
is_free(const History *history, guint pu)
{
    const KtPu *it = &history->mix->topology->pus[pu];
    return !history->taken[pu] && it->placeable && !hwloc_bitmap_isset(history->mix->housekeeping, it->os);
}

/* The CPU for the next vCPU: the next free one after @at, for who packs on a core that nobody has as long as
 * there is one. -1 = none. */
static gint
next_seat(const History *history, guint at)
{
    const KtTopology *topology = history->mix->topology;
    g_autofree bool *used = g_new0(bool, topology->n_cores);
    for (guint i = 0; i < topology->n_pus; i++)
        used[topology->pus[i].core] |= history->taken[i];
    gint any = -1;
    for (guint i = 0; i < topology->n_pus; i++) {
        guint pu = (at + i) % topology->n_pus;
        if (!is_free(history, pu))
            continue;
        if (!history->packs || !used[topology->pus[pu].core])
            return (gint)pu;
        if (any < 0)
            any = (gint)pu;
    }
    return any;
}

static const KtCpuset *
keep(History *history, KtCpuset *set)
{
    g_ptr_array_add(history->mix->sets, set);
    return set;
}

static void
seat_exclusive(History *history, KtSeatDomain *domain)
{
    guint at = draw(history, history->mix->topology->n_pus);
    for (guint i = 0; i < domain->n_vcpus; i++) {
        gint pu = next_seat(history, at);
        if (pu < 0)
            return;
        history->taken[pu] = true;
        at = (guint)pu + 1;
        KtCpuset *set = hwloc_bitmap_alloc();
        hwloc_bitmap_only(set, history->mix->topology->pus[pu].os);
        mix_vcpus(domain)[i].before = keep(history, set);
    }
}

/* The free CPUs of a sharing group or a node. */
static void
seat_shared(History *history, KtSeatDomain *domain)
{
    const KtTopology *topology = history->mix->topology;
    KtCpuset *set = hwloc_bitmap_alloc();
    if (domain->policy == KT_PLACEMENT_NUMA)
        hwloc_bitmap_copy(set, topology->nodes[draw(history, topology->n_nodes)].cpus);
    else
        hwloc_bitmap_copy(set, topology->groups[draw(history, topology->n_groups)].cpus);
    for (guint i = 0; i < topology->n_pus; i++) {
        if (!topology->pus[i].placeable || (history->taken[i] && !history->leaves[i]))
            hwloc_bitmap_clr(set, topology->pus[i].os);
    }
    if (hwloc_bitmap_iszero(set))
        hwloc_bitmap_copy(set, topology->placeable);
    const KtCpuset *kept = keep(history, set);
    for (guint i = 0; i < domain->n_vcpus; i++)
        mix_vcpus(domain)[i].before = kept;
}

/* A guest that takes CPUs and is gone in the end. */
static void
pass_through(History *history)
{
    const KtTopology *topology = history->mix->topology;
    guint at = draw(history, topology->n_pus), n = 1 + draw(history, MAX(topology->n_pus / 8, 1));
    for (guint i = 0; i < n; i++) {
        guint pu = (at + i) % topology->n_pus;
        if (is_free(history, pu))
            history->taken[pu] = history->leaves[pu] = true;
    }
}

static void
settle_memory(History *history, KtSeatDomain *domain)
{
    if (!domain->memory_share || draw(history, 5) == 0)
        return;
    const KtTopology *topology = history->mix->topology;
    double *shares = (double *)domain->memory_share;
    for (guint i = 0; i < topology->n_nodes; i++)
        shares[i] = 0;
    guint n = 0;
    for (guint i = 0; i < topology->n_pus; i++) {
        if (hwloc_bitmap_isset(domain->vcpus[0].before, topology->pus[i].os)) {
            shares[topology->pus[i].node]++;
            n++;
        }
    }
    for (guint i = 0; n > 0 && i < topology->n_nodes; i++)
        shares[i] /= n;
}

void
mix_history(Mix *mix, GRand *chance)
{
    guint style = (guint)g_rand_int_range(chance, 0, 3);
    if (style == 0)
        return;
    g_autofree bool *taken = g_new0(bool, mix->topology->n_pus);
    g_autofree bool *leaves = g_new0(bool, mix->topology->n_pus);
    History history = {mix, chance, taken, leaves, style == 1};
    for (guint pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < mix->domains->len; i++) {
            KtSeatDomain *domain = &g_array_index(mix->domains, KtSeatDomain, i);
            /* One in five has just started and floats. */
            if (domain->exclusive != (pass == 0) || draw(&history, 5) == 0)
                continue;
            if (domain->exclusive)
                seat_exclusive(&history, domain);
            else
                seat_shared(&history, domain);
            if (domain->n_vcpus > 0)
                settle_memory(&history, domain);
            if (draw(&history, 3) == 0)
                pass_through(&history);
        }
    }
}
