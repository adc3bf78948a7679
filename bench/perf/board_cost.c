/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/board_cost.h"

#define BIT(n) (G_GUINT64_CONSTANT(1) << (n))

static const KtPu *
pu_at(const Board *board, guint pu)
{
    return &board->ground->topology->pus[pu];
}

static guint
domain_of(const Board *board, gint vcpu)
{
    return board->units[board->vcpus[vcpu].unit].domain;
}

/* ---- what is to be counted anew ---- */

void
board_dirty_core(Board *board, guint core)
{
    guint first = g_array_index(board->ground->core_pus[core], guint, 0);
    board->dirty_groups |= BIT(pu_at(board, first)->group);
    if (board->cores[core].dirty)
        return;
    board->cores[core].dirty = true;
    g_array_append_val(board->dirty_cores, core);
}

void
board_dirty_all(Board *board)
{
    for (guint i = 0; i < board->ground->topology->n_cores; i++)
        board_dirty_core(board, i);
    board->dirty_zones = board->ground->n_zones == 64 ? G_MAXUINT64 : BIT(board->ground->n_zones) - 1;
}

void
board_flip(Board *board, guint pu, bool open)
{
    guint zone = board->ground->zone_of[pu];
    gint sign = open ? 1 : -1;
    board->open[pu] = open;
    board->n_open += (guint)sign;
    board->zones[zone].n_open += (guint)sign;
    board->zones[zone].hash ^= board->ground->pu_hash[pu];
    board->cores[pu_at(board, pu)->core].n_open += (guint)sign;
    board->dirty_zones |= BIT(zone);
    board_dirty_core(board, pu_at(board, pu)->core);
    for (guint i = 0; i < board->n_shared; i++)
        board->units[board->shared[i]].dirty |= board->units[board->shared[i]].zones >> zone & 1;
}

/* ---- own CPUs ---- */

/* M of a unit whose memory counts as where its CPUs are. */
static double
follow_cost(const Board *board, const BoardUnit *unit)
{
    guint n_nodes = board->ground->topology->n_nodes, n = 0;
    double cost = 0;
    for (guint from = 0; unit->follows && from < n_nodes; from++) {
        n += unit->node_vcpus[from] > 0;
        for (guint to = 0; unit->node_vcpus[from] > 0 && to < n_nodes; to++) {
            if (unit->node_vcpus[to] > 0)
                cost += unit->node_vcpus[from] * ground_far(board->ground, from, to);
        }
    }
    return n > 0 ? cost / n : 0;
}

/* Wishes of one domain that are broken. */
static guint
broken_of(const Board *board, const BoardDomain *domain)
{
    guint broken = 0;
    if (domain->wish->smt == KT_SMT_SHARE) {
        guint least = (domain->n_seated + board->threads - 1) / board->threads;
        broken += domain->n_cores - MIN(least, domain->n_cores);
    }
    if (domain->wish->policy == KT_PLACEMENT_SPREAD) {
        guint most = MIN(domain->n_seated, board->spread_groups);
        broken += most - MIN(domain->n_groups, most);
    }
    return broken;
}

static void
count_wishes(Board *board, BoardDomain *domain, const KtPu *pu, gint sign)
{
    board->n_other -= broken_of(board, domain);
    domain->n_seated += (guint)sign;
    guint *on_core = &domain->core_vcpus[pu->core], *in_group = &domain->group_vcpus[pu->group];
    *on_core += (guint)sign;
    *in_group += (guint)sign;
    if (*on_core == (sign > 0 ? 1 : 0))
        domain->n_cores += (guint)sign;
    if (*in_group == (sign > 0 ? 1 : 0))
        domain->n_groups += (guint)sign;
    board->n_other += broken_of(board, domain);
}

void
board_count_own(Board *board, guint vcpu, guint index, gint sign)
{
    BoardUnit *unit = &board->units[board->vcpus[vcpu].unit];
    BoardDomain *domain = &board->domains[unit->domain];
    const KtPu *pu = pu_at(board, index);
    double pairs = 0;
    for (guint i = unit->first; i < unit->first + unit->n; i++) {
        if (i != vcpu && board->seat[i] >= 0)
            pairs += ground_distance(board->ground, index, (guint)board->seat[i]);
    }
    double cost = unit->pair_scale * pairs + unit->node_cost[pu->node];
    cost += domain->kind >= 0 && pu->kind >= 0 && pu->kind != domain->kind ? 6 : 0;
    board->cost += sign * cost;
    if (board->vcpus[vcpu].home != (gint)index)
        board->n_moves += (guint)sign;
    unit->node_vcpus[pu->node] += (guint)sign;
    board->follow -= unit->follow;
    unit->follow = follow_cost(board, unit);
    board->follow += unit->follow;
    count_wishes(board, domain, pu, sign);
}

/* ---- common sets ---- */

void
board_cover(Board *board, guint index, guint64 regions)
{
    BoardUnit *unit = &board->units[index];
    BoardDomain *domain = &board->domains[unit->domain];
    guint64 zones = board_zones_of(board, index, regions);
    for (guint64 left = zones ^ unit->zones; left; left &= left - 1) {
        guint zone = (guint)__builtin_ctzll(left);
        bool enters = zones >> zone & 1;
        if (enters && domain->zone_units[zone]++ == 0)
            board->zones[zone].n_domains++;
        if (!enters && --domain->zone_units[zone] == 0)
            board->zones[zone].n_domains--;
    }
    board->dirty_zones |= zones | unit->zones;
    unit->zones = zones;
    unit->regions = regions;
    unit->dirty = true;
}

/* L: the mean distance between two CPUs of the set, times the pairs. */
static double
set_locality(const Board *board, const BoardUnit *unit)
{
    double sum = 0;
    for (guint64 a = unit->zones; a; a &= a - 1) {
        guint zone_a = (guint)__builtin_ctzll(a);
        double n_a = board->zones[zone_a].n_open;
        sum += 2 * n_a * n_a;
        for (guint64 b = a & (a - 1); b; b &= b - 1) {
            guint zone_b = (guint)__builtin_ctzll(b);
            double there = ground_distance(board->ground, board->ground->zone_pu[zone_a],
                                           board->ground->zone_pu[zone_b]);
            double back = ground_distance(board->ground, board->ground->zone_pu[zone_b],
                                          board->ground->zone_pu[zone_a]);
            sum += n_a * board->zones[zone_b].n_open * (MAX(there, 2) + MAX(back, 2));
        }
    }
    double pairs = (double)unit->n * (unit->n - 1) / 2;
    return unit->pair_scale * pairs * sum / ((double)unit->n_set * unit->n_set);
}

/* M and V. */
static double
set_nodes(const Board *board, BoardUnit *unit)
{
    guint n_nodes = board->ground->topology->n_nodes, n = 0;
    double cost = 0, follow = 0;
    for (guint i = 0; i < n_nodes; i++)
        unit->node_vcpus[i] = 0;
    for (guint64 left = unit->zones; left; left &= left - 1) {
        guint zone = (guint)__builtin_ctzll(left);
        unit->node_vcpus[board->ground->zone_node[zone]] += board->zones[zone].n_open;
    }
    for (guint from = 0; from < n_nodes; from++) {
        guint here = unit->node_vcpus[from];
        n += here > 0;
        cost += here * unit->node_cost[from];
        for (guint to = 0; unit->follows && here > 0 && to < n_nodes; to++)
            follow += unit->node_vcpus[to] > 0 ? here * ground_far(board->ground, from, to) : 0;
    }
    return unit->n * (cost + (n > 0 ? follow / n : 0)) / unit->n_set;
}

static void
refresh_unit(Board *board, BoardUnit *unit)
{
    bool was_empty = unit->n > 0 && unit->n_set == 0;
    board->cost -= unit->cost;
    board->n_moves -= unit->moves;
    unit->n_set = unit->moves = 0;
    unit->set_hash = 0;
    unit->cost = unit->rate = 0;
    for (guint64 left = unit->zones; left; left &= left - 1) {
        const BoardZone *zone = &board->zones[__builtin_ctzll(left)];
        unit->n_set += zone->n_open;
        unit->set_hash ^= zone->hash;
    }
    board->n_empty += (unit->n > 0 && unit->n_set == 0) - was_empty;
    unit->dirty = false;
    board->dirty_zones |= unit->zones;
    if (unit->n_set == 0)
        return;
    unit->rate = unit->load / unit->n_set;
    unit->cost = set_locality(board, unit) + set_nodes(board, unit);
    for (guint i = unit->first; i < unit->first + unit->n; i++)
        unit->moves += board->vcpus[i].set_hash != unit->set_hash;
    board->cost += unit->cost;
    board->n_moves += unit->moves;
}

/* ---- the host ---- */

typedef struct {
    guint n_domains;
    bool one_guest_core;
} Owners;

static Owners
owners_of(const Board *board, const GArray *pus)
{
    Owners owners = {0, true};
    gint first = -1;
    for (guint i = 0; i < pus->len; i++) {
        gint vcpu = board->owner[g_array_index(pus, guint, i)];
        if (vcpu < 0)
            continue;
        bool seen = false;
        for (guint j = 0; j < i; j++) {
            gint other = board->owner[g_array_index(pus, guint, j)];
            seen |= other >= 0 && domain_of(board, other) == domain_of(board, vcpu);
        }
        owners.n_domains += !seen;
        first = first < 0 ? vcpu : first;
        owners.one_guest_core &= board->vcpus[vcpu].guest_core >= 0 &&
                                 board->vcpus[vcpu].guest_core == board->vcpus[first].guest_core;
    }
    owners.one_guest_core &= owners.n_domains == 1;
    return owners;
}

/* T and C's strangers. */
static double
owners_cost(const Board *board, const BoardCore *core, const GArray *pus, guint n_sharing, guint *ret_doubled)
{
    Owners owners = owners_of(board, pus);
    guint others = core->n_fixed + n_sharing;
    double cost = 3.0 * owners.n_domains * (owners.n_domains + others - 1);
    if (core->n_owned + others <= 1)
        return cost;
    for (guint i = 0; i < pus->len; i++) {
        gint vcpu = board->owner[g_array_index(pus, guint, i)];
        if (vcpu < 0)
            continue;
        KtSmt smt = board->domains[domain_of(board, vcpu)].wish->smt;
        bool own = owners.n_domains + others == 1;
        cost += own && (smt == KT_SMT_SHARE || owners.one_guest_core) ? 0 : 12;
        *ret_doubled += core->n_owned > 1 && smt == KT_SMT_AUTO && !owners.one_guest_core;
    }
    return cost;
}

static void
refresh_core(Board *board, guint index)
{
    BoardCore *core = &board->cores[index];
    const GArray *pus = board->ground->core_pus[index];
    const BoardZone *zone = &board->zones[board->ground->zone_of[g_array_index(pus, guint, 0)]];
    double over =
        (core->own_load + core->fixed_load + core->n_open * zone->rate) / board->ground->capacity[index] - 1;
    double cost = over > 0 ? 10 * over * over : 0;
    guint doubled = 0;
    if (core->n_owned > 0)
        cost += owners_cost(board, core, pus, core->n_open > 0 ? zone->n_domains : 0, &doubled);
    board->n_doubled += doubled - core->n_doubled;
    core->n_doubled = doubled;
    board->cost += cost - core->cost;
    core->cost = cost;
    core->dirty = false;
}

static void
refresh_zone(Board *board, guint index)
{
    BoardZone *zone = &board->zones[index];
    zone->rate = 0;
    for (guint i = 0; i < board->n_shared; i++) {
        const BoardUnit *unit = &board->units[board->shared[i]];
        if (unit->zones >> index & 1)
            zone->rate += unit->rate;
    }
    for (guint i = 0; i < board->ground->zone_cores[index]->len; i++)
        board_dirty_core(board, g_array_index(board->ground->zone_cores[index], guint, i));
}

static void
refresh_group(Board *board, guint index)
{
    const Ground *ground = board->ground;
    double load = board->group_fixed[index];
    for (guint64 left = ground->group_zones[index]; left; left &= left - 1) {
        guint number = (guint)__builtin_ctzll(left);
        const BoardZone *zone = &board->zones[number];
        load += zone->rate * zone->n_open;
        for (guint i = 0; i < ground->zone_cores[number]->len; i++)
            load += board->cores[g_array_index(ground->zone_cores[number], guint, i)].own_load;
    }
    double cost = ground->group_cores[index] > 0 ? 2.5 * load * load / ground->group_cores[index] : 0;
    board->cost += cost - board->group_cost[index];
    board->group_cost[index] = cost;
}

void
board_settle(Board *board)
{
    for (guint i = 0; i < board->n_shared; i++) {
        if (board->units[board->shared[i]].dirty)
            refresh_unit(board, &board->units[board->shared[i]]);
    }
    for (guint64 left = board->dirty_zones; left; left &= left - 1)
        refresh_zone(board, (guint)__builtin_ctzll(left));
    for (guint i = 0; i < board->dirty_cores->len; i++)
        refresh_core(board, g_array_index(board->dirty_cores, guint, i));
    for (guint64 left = board->dirty_groups; left; left &= left - 1)
        refresh_group(board, (guint)__builtin_ctzll(left));
    board->dirty_zones = board->dirty_groups = 0;
    g_array_set_size(board->dirty_cores, 0);
}
