/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/board.h"

#include "bench/perf/board_cost.h"

#define BIT(n) (G_GUINT64_CONSTANT(1) << (n))

/* ---- making it ---- */

static guint64
hash_of(const Ground *ground, const KtCpuset *set, gint *ret_only)
{
    guint64 hash = 0;
    guint n = 0;
    for (guint i = 0; i < ground->n_pus; i++) {
        if (!hwloc_bitmap_isset(set, ground->topology->pus[i].os))
            continue;
        hash ^= ground->pu_hash[i];
        *ret_only = n++ == 0 ? (gint)i : -1;
    }
    /* A set that names CPUs which aren't online is none that can be planned. */
    if (hwloc_bitmap_weight(set) != (int)n) {
        *ret_only = -1;
        hash = ~hash;
    }
    return hash;
}

static void
add_vcpus(Board *board, BoardUnit *unit, gint cell)
{
    const KtSeatDomain *wish = board->domains[unit->domain].wish;
    for (guint i = 0; i < wish->n_vcpus; i++) {
        const KtSeatVcpu *it = &wish->vcpus[i];
        if (it->cell != cell)
            continue;
        BoardVcpu *vcpu = &board->vcpus[board->n_vcpus++];
        gint home = -1;
        guint64 hash = hash_of(board->ground, it->before, &home);
        *vcpu = (BoardVcpu){(guint)(unit - board->units), i, it->load, it->guest_core, home, hash};
        unit->load += it->load;
        unit->n++;
    }
}

static void
fill_node_cost(const Board *board, BoardUnit *unit)
{
    const KtSeatDomain *wish = board->domains[unit->domain].wish;
    guint n_nodes = board->ground->topology->n_nodes;
    unit->follows = wish->memory_share == NULL;
    unit->node_cost = g_new0(double, n_nodes);
    unit->node_vcpus = g_new0(guint, n_nodes);
    for (guint from = 0; from < n_nodes; from++) {
        for (guint to = 0; wish->memory_share && to < n_nodes; to++)
            unit->node_cost[from] += wish->memory_share[to] * ground_far(board->ground, from, to);
        for (guint i = 0; i < wish->n_device_nodes; i++)
            unit->node_cost[from] +=
                ground_far(board->ground, from, wish->device_nodes[i]) / wish->n_device_nodes;
    }
}

static void
add_units(Board *board, guint index)
{
    BoardDomain *domain = &board->domains[index];
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    double pairs = 0;
    domain->first_unit = board->n_units;
    domain->first_vcpu = board->n_vcpus;
    for (guint i = 0; i < domain->wish->n_vcpus; i++) {
        gint cell = domain->wish->vcpus[i].cell;
        if (!g_hash_table_add(seen, GINT_TO_POINTER(cell)))
            continue;
        BoardUnit *unit = &board->units[board->n_units++];
        *unit = (BoardUnit){.domain = index, .number = domain->n_units++, .first = board->n_vcpus};
        add_vcpus(board, unit, cell);
        fill_node_cost(board, unit);
        pairs += (double)unit->n * (unit->n - 1) / 2;
    }
    domain->n_vcpus = board->n_vcpus - domain->first_vcpu;
    for (guint i = domain->first_unit; i < board->n_units; i++) {
        board->units[i].pair_scale = pairs > 0 ? domain->n_vcpus / pairs : 0;
        board->units[i].n_units = domain->n_units;
    }
}

static gint
wanted_kind(const Ground *ground, const KtSeatDomain *wish)
{
    if (wish->kind == KT_KIND_ANY)
        return -1;
    return wish->kind == KT_KIND_EFFICIENT ? ground->slowest : ground->fastest;
}

static void
add_domain(Board *board, guint index)
{
    const KtTopology *topology = board->ground->topology;
    BoardDomain *domain = &board->domains[index];
    domain->wish = &board->problem->domains[index];
    domain->exclusive = domain->wish->placed && domain->wish->exclusive;
    domain->fixed = !domain->wish->placed;
    domain->kind = wanted_kind(board->ground, domain->wish);
    domain->core_vcpus = g_new0(guint, topology->n_cores);
    domain->group_vcpus = g_new0(guint, topology->n_groups);
    add_units(board, index);
    board->keeps_open |= !domain->exclusive && domain->n_vcpus > 0;
    for (guint i = domain->first_unit; !domain->exclusive && !domain->fixed && i < board->n_units; i++)
        board->shared[board->n_shared++] = i;
}

/* Where a domain that isn't placed may run. */
static void
add_fixed(Board *board, const BoardDomain *domain)
{
    const KtTopology *topology = board->ground->topology;
    g_autofree bool *seen = g_new0(bool, topology->n_cores);
    for (guint i = 0; i < domain->wish->n_vcpus; i++) {
        const KtSeatVcpu *vcpu = &domain->wish->vcpus[i];
        guint n = 0;
        for (guint j = 0; j < topology->n_pus; j++)
            n += hwloc_bitmap_isset(vcpu->before, topology->pus[j].os) != 0;
        for (guint j = 0; j < topology->n_pus; j++) {
            const KtPu *pu = &topology->pus[j];
            if (!hwloc_bitmap_isset(vcpu->before, pu->os))
                continue;
            board->cores[pu->core].fixed_load += vcpu->load / n;
            board->group_fixed[pu->group] += vcpu->load / n;
            board->cores[pu->core].n_fixed += !seen[pu->core];
            seen[pu->core] = true;
        }
    }
}

static void
add_pus(Board *board)
{
    const Ground *ground = board->ground;
    g_autofree bool *groups = g_new0(bool, ground->topology->n_groups);
    for (guint i = 0; i < ground->topology->n_cores; i++) {
        guint n_usable = 0;
        for (guint j = 0; j < ground->core_pus[i]->len; j++) {
            guint index = g_array_index(ground->core_pus[i], guint, j);
            const KtPu *pu = &ground->topology->pus[index];
            board->usable[index] = pu->placeable && !hwloc_bitmap_isset(board->problem->housekeeping, pu->os);
            board->sharable[index] = pu->placeable && !pu->isolated;
            board->owner[index] = -1;
            n_usable += board->usable[index];
            board->spread_groups += board->usable[index] && !groups[pu->group];
            groups[pu->group] |= board->usable[index];
            if (board->sharable[index])
                board_flip(board, index, true);
        }
        board->n_spare += n_usable > 0;
        board->threads = MAX(board->threads, n_usable);
    }
}

static void
allocate(Board *board)
{
    const KtTopology *topology = board->ground->topology;
    guint n_vcpus = 1;
    for (guint i = 0; i < board->problem->n_domains; i++)
        n_vcpus += board->problem->domains[i].n_vcpus;
    board->domains = g_new0(BoardDomain, board->problem->n_domains + 1);
    board->units = g_new0(BoardUnit, n_vcpus);
    board->vcpus = g_new0(BoardVcpu, n_vcpus);
    board->shared = g_new0(guint, n_vcpus);
    board->seat = g_new(gint, n_vcpus);
    board->usable = g_new0(bool, topology->n_pus);
    board->sharable = g_new0(bool, topology->n_pus);
    board->open = g_new0(bool, topology->n_pus);
    board->owner = g_new0(gint, topology->n_pus);
    board->cores = g_new0(BoardCore, topology->n_cores);
    board->group_fixed = g_new0(double, topology->n_groups);
    board->group_cost = g_new0(double, topology->n_groups);
    board->dirty_cores = g_array_new(FALSE, FALSE, sizeof(guint));
    board->changes = g_array_new(FALSE, FALSE, sizeof(BoardChange));
    for (guint i = 0; i < n_vcpus; i++)
        board->seat[i] = -1;
}

Board *
board_new(const Ground *ground, const KtPlacementProblem *problem)
{
    Board *board = g_new0(Board, 1);
    board->ground = ground;
    board->problem = problem;
    board->n_domains = problem->n_domains;
    allocate(board);
    for (guint i = 0; i < problem->n_domains; i++)
        add_domain(board, i);
    for (guint i = 0; i < problem->n_domains; i++) {
        if (board->domains[i].fixed)
            add_fixed(board, &board->domains[i]);
    }
    add_pus(board);
    for (guint i = 0; i < board->n_shared; i++)
        board->n_empty += board->units[board->shared[i]].n > 0;
    board_dirty_all(board);
    board_settle(board);
    return board;
}

void
board_free(Board *board)
{
    if (!board)
        return;
    for (guint i = 0; i < board->n_units; i++) {
        g_free(board->units[i].node_cost);
        g_free(board->units[i].node_vcpus);
    }
    for (guint i = 0; i < board->n_domains; i++) {
        g_free(board->domains[i].core_vcpus);
        g_free(board->domains[i].group_vcpus);
    }
    g_free(board->domains);
    g_free(board->units);
    g_free(board->vcpus);
    g_free(board->shared);
    g_free(board->seat);
    g_free(board->usable);
    g_free(board->sharable);
    g_free(board->open);
    g_free(board->owner);
    g_free(board->cores);
    g_free(board->group_fixed);
    g_free(board->group_cost);
    g_array_unref(board->dirty_cores);
    g_array_unref(board->changes);
    g_free(board);
}

/* ---- changing it ---- */

static bool
isolates(const Board *board, guint vcpu)
{
    return board->domains[board->units[board->vcpus[vcpu].unit].domain].wish->smt == KT_SMT_ISOLATE;
}

bool
board_can_take(const Board *board, guint vcpu, guint pu)
{
    const BoardCore *core = &board->cores[board->ground->topology->pus[pu].core];
    if (!board->usable[pu] || board->owner[pu] >= 0 || core->isolated)
        return false;
    return core->n_owned == 0 || !isolates(board, vcpu);
}

/* Opens and closes CPUs of a core for common sets after its owners changed. */
static void
refresh_open(Board *board, guint core)
{
    const GArray *pus = board->ground->core_pus[core];
    for (guint i = 0; i < pus->len; i++) {
        guint pu = g_array_index(pus, guint, i);
        bool open = board->sharable[pu] && board->owner[pu] < 0 && !board->cores[core].isolated;
        if (open != board->open[pu])
            board_flip(board, pu, open);
    }
}

static void
set_owner(Board *board, guint vcpu, guint pu, gint sign)
{
    guint index = board->ground->topology->pus[pu].core;
    BoardCore *core = &board->cores[index];
    bool was_spare = core->n_owned == 0;
    board->owner[pu] = sign > 0 ? (gint)vcpu : -1;
    board->seat[vcpu] = sign > 0 ? (gint)pu : -1;
    core->n_owned += (guint)sign;
    core->own_load += sign * board->vcpus[vcpu].load;
    if (core->n_owned == 0)
        core->own_load = 0;
    core->isolated = sign > 0 && isolates(board, vcpu);
    board->n_spare += (core->n_owned == 0) - was_spare;
    board_count_own(board, vcpu, pu, sign);
    refresh_open(board, index);
    board_dirty_core(board, index);
}

void
board_take(Board *board, guint vcpu, guint pu)
{
    BoardChange change = {.vcpu = (gint)vcpu, .pu = board->seat[vcpu]};
    g_array_append_val(board->changes, change);
    set_owner(board, vcpu, pu, 1);
}

void
board_release(Board *board, guint vcpu)
{
    BoardChange change = {.vcpu = (gint)vcpu, .pu = board->seat[vcpu]};
    g_array_append_val(board->changes, change);
    set_owner(board, vcpu, (guint)board->seat[vcpu], -1);
}

void
board_set_regions(Board *board, guint unit, guint64 regions)
{
    BoardChange change = {.vcpu = -1, .unit = unit, .regions = board->units[unit].regions};
    g_array_append_val(board->changes, change);
    board_cover(board, unit, regions);
}

void
board_mark(Board *board)
{
    g_array_set_size(board->changes, 0);
}

void
board_undo(Board *board)
{
    for (guint i = board->changes->len; i > 0; i--) {
        BoardChange change = g_array_index(board->changes, BoardChange, i - 1);
        if (change.vcpu < 0) {
            board_cover(board, change.unit, change.regions);
        } else {
            guint vcpu = (guint)change.vcpu;
            gint now = board->seat[vcpu];
            if (now >= 0)
                set_owner(board, vcpu, (guint)now, -1);
            if (change.pu >= 0)
                set_owner(board, vcpu, (guint)change.pu, 1);
        }
    }
    g_array_set_size(board->changes, 0);
    board_settle(board);
}

/* ---- regions ---- */

static bool
by_node(const Board *board, guint unit)
{
    return board->domains[board->units[unit].domain].wish->policy == KT_PLACEMENT_NUMA;
}

guint64
board_all_regions(const Board *board, guint unit)
{
    const KtTopology *topology = board->ground->topology;
    guint n = by_node(board, unit) ? topology->n_nodes : topology->n_groups;
    return n == 64 ? G_MAXUINT64 : BIT(n) - 1;
}

guint64
board_zones_of(const Board *board, guint unit, guint64 regions)
{
    const guint64 *zones = by_node(board, unit) ? board->ground->node_zones : board->ground->group_zones;
    guint64 all = 0;
    for (guint64 left = regions; left; left &= left - 1)
        all |= zones[__builtin_ctzll(left)];
    return all;
}

/* The regions of the unit that have open CPUs of @set. */
static guint64
touched_regions(const Board *board, guint unit, const KtCpuset *set)
{
    guint64 regions = 0;
    for (guint i = 0; i < board->ground->n_pus; i++) {
        const KtPu *pu = &board->ground->topology->pus[i];
        if (board->open[i] && hwloc_bitmap_isset(set, pu->os))
            regions |= BIT(by_node(board, unit) ? pu->node : pu->group);
    }
    return regions;
}

guint64
board_present_regions(const Board *board, guint index)
{
    const BoardUnit *unit = &board->units[index];
    const KtSeatDomain *wish = board->domains[unit->domain].wish;
    return touched_regions(board, index, wish->vcpus[board->vcpus[unit->first].index].before);
}

void
board_adopt(Board *board, const KtPlacement *placement)
{
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (board->seat[i] >= 0)
            board_release(board, i);
    }
    for (guint i = 0; i < board->n_vcpus; i++) {
        const BoardVcpu *vcpu = &board->vcpus[i];
        guint domain = board->units[vcpu->unit].domain;
        int os = hwloc_bitmap_first(placement->seats[domain].vcpus[vcpu->index]);
        if (board->domains[domain].exclusive)
            board_take(board, i, (guint)board->ground->topology->pu_of_os[os]);
    }
    for (guint i = 0; i < board->n_shared; i++) {
        const BoardUnit *unit = &board->units[board->shared[i]];
        const KtCpuset *set = placement->seats[unit->domain].vcpus[board->vcpus[unit->first].index];
        board_set_regions(board, board->shared[i], touched_regions(board, board->shared[i], set));
    }
    board_settle(board);
    board_mark(board);
}

/* ---- the result ---- */

static KtCpuset *
set_of(const Board *board, const BoardVcpu *vcpu)
{
    const BoardUnit *unit = &board->units[vcpu->unit];
    const BoardDomain *domain = &board->domains[unit->domain];
    const KtPu *pus = board->ground->topology->pus;
    if (domain->fixed)
        return hwloc_bitmap_dup(domain->wish->vcpus[vcpu->index].before);
    KtCpuset *set = hwloc_bitmap_alloc();
    if (domain->exclusive) {
        hwloc_bitmap_only(set, pus[board->seat[vcpu - board->vcpus]].os);
        return set;
    }
    for (guint i = 0; i < board->ground->n_pus; i++) {
        if (board->open[i] && unit->zones >> board->ground->zone_of[i] & 1)
            hwloc_bitmap_set(set, pus[i].os);
    }
    return set;
}

KtPlacement *
board_placement(const Board *board)
{
    KtPlacement *placement = kt_placement_present(board->problem);
    for (guint i = 0; i < board->n_vcpus; i++) {
        const BoardVcpu *vcpu = &board->vcpus[i];
        KtSeat *seat = &placement->seats[board->units[vcpu->unit].domain];
        kt_cpuset_free(seat->vcpus[vcpu->index]);
        seat->vcpus[vcpu->index] = set_of(board, vcpu);
    }
    return placement;
}
