/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/baselines.h"

#define BIT(n) (G_GUINT64_CONSTANT(1) << (n))

const char *const baseline_names[N_BASELINES] = {"first-fit by CPU number", "fill node by node (numad's way)",
                                                 "pack whole cores within a node (nova's way)"};

typedef struct {
    Board *board;
    Baseline baseline;
    guint *node_rank;  /* by node: its turn for the domain at hand, 0 first */
    double *node_load; /* by node: of all who sit */
    guint *node_cores; /* by node */
} Packer;

/* ---- which node ---- */

static double
load_of(const BoardDomain *domain)
{
    double load = 0;
    for (guint i = 0; i < domain->n_vcpus; i++)
        load += domain->wish->vcpus[i].load;
    return load;
}

static guint
free_on_node(const Packer *packer, guint node)
{
    const Board *board = packer->board;
    guint n = 0;
    for (guint i = 0; i < board->ground->n_pus; i++)
        n += board->ground->topology->pus[i].node == node && board->usable[i] && board->owner[i] < 0 &&
             !board->cores[board->ground->topology->pus[i].core].isolated;
    return n;
}

/* Whether all of the domain has room on the node. */
static bool
fits(const Packer *packer, const BoardDomain *domain, guint node)
{
    if (domain->exclusive)
        return free_on_node(packer, node) >= domain->n_vcpus;
    return packer->node_load[node] + load_of(domain) <= packer->node_cores[node];
}

/* How much a node is wanted for a domain: more is better. */
static double
node_value(const Packer *packer, const BoardDomain *domain, guint node)
{
    double room = packer->node_cores[node] - packer->node_load[node];
    if (packer->baseline == BASELINE_NODES)
        return room;
    return fits(packer, domain, node) ? 1e6 - room : room;
}

static void
rank_nodes(Packer *packer, const BoardDomain *domain)
{
    guint n = packer->board->ground->topology->n_nodes;
    for (guint i = 0; i < n; i++) {
        packer->node_rank[i] = 0;
        for (guint j = 0; packer->baseline != BASELINE_FIRST_FIT && j < n; j++) {
            double mine = node_value(packer, domain, i), other = node_value(packer, domain, j);
            packer->node_rank[i] += other > mine || (other == mine && j < i);
        }
    }
}

/* ---- own CPUs ---- */

/* The order in which a vCPU takes CPUs, least first: what keeps the wishes, then node, then CPU number. */
static gint64
turn_of(const Packer *packer, guint vcpu, guint pu)
{
    const Board *board = packer->board;
    const BoardDomain *domain = &board->domains[board->units[board->vcpus[vcpu].unit].domain];
    const KtPu *it = &board->ground->topology->pus[pu];
    bool whole = board->cores[it->core].n_owned == 0;
    bool with_own = domain->core_vcpus[it->core] > 0;
    bool in_new_group = domain->group_vcpus[it->group] == 0;
    gint64 wish = 0;
    if (domain->wish->policy == KT_PLACEMENT_SPREAD && !in_new_group &&
        domain->n_groups < board->spread_groups)
        wish += 8;
    if (domain->wish->smt == KT_SMT_SHARE)
        wish += with_own ? 0 : whole ? 2 : 4;
    else
        wish += whole ? 0 : 2;
    guint place = packer->baseline == BASELINE_PACK ? it->core * 64 + (pu & 63) : pu;
    return (wish << 48) + ((gint64)packer->node_rank[it->node] << 32) + place;
}

static bool
seat_own(Packer *packer, guint index)
{
    Board *board = packer->board;
    const BoardDomain *domain = &board->domains[index];
    rank_nodes(packer, domain);
    for (guint vcpu = domain->first_vcpu; vcpu < domain->first_vcpu + domain->n_vcpus; vcpu++) {
        gint best = -1;
        gint64 least = 0;
        for (guint i = 0; board->seat[vcpu] < 0 && i < board->ground->n_pus; i++) {
            if (!board_can_take(board, vcpu, i))
                continue;
            gint64 turn = turn_of(packer, vcpu, i);
            if (best < 0 || turn < least) {
                best = (gint)i;
                least = turn;
            }
        }
        if (board->seat[vcpu] < 0 && best < 0)
            return false;
        if (best >= 0)
            board_take(board, vcpu, (guint)best);
    }
    return true;
}

/* ---- common sets ---- */

static double
load_on(const Board *board, guint64 zones)
{
    double load = 0;
    for (; zones; zones &= zones - 1) {
        guint zone = (guint)__builtin_ctzll(zones);
        load += board->zones[zone].rate * board->zones[zone].n_open;
    }
    return load;
}

static guint
open_in(const Board *board, guint64 zones)
{
    guint n = 0;
    for (; zones; zones &= zones - 1)
        n += board->zones[__builtin_ctzll(zones)].n_open;
    return n;
}

static guint
node_of_region(const Board *board, guint unit, guint region)
{
    guint64 zones = board_zones_of(board, unit, BIT(region));
    return zones ? board->ground->zone_node[__builtin_ctzll(zones)] : 0;
}

/* Of the regions not yet chosen the one whose turn is next; with @free only those with CPUs that aren't busy.
 */
static gint
next_region(const Packer *packer, guint unit, guint64 chosen, bool only_free)
{
    const Board *board = packer->board;
    gint best = -1;
    guint least = 0;
    for (guint64 left = board_all_regions(board, unit) & ~chosen; left; left &= left - 1) {
        guint region = (guint)__builtin_ctzll(left);
        guint64 zones = board_zones_of(board, unit, BIT(region));
        if (open_in(board, zones) == 0 || (only_free && load_on(board, zones) >= open_in(board, zones)))
            continue;
        guint turn = packer->node_rank[node_of_region(board, unit, region)] * 64 + region;
        if (best < 0 || turn < least) {
            best = (gint)region;
            least = turn;
        }
    }
    return best;
}

/* The least loaded region, where all are busy. */
static gint
least_busy_region(const Board *board, guint unit)
{
    gint best = -1;
    double least = 0;
    for (guint64 left = board_all_regions(board, unit); left; left &= left - 1) {
        guint region = (guint)__builtin_ctzll(left);
        guint64 zones = board_zones_of(board, unit, BIT(region));
        guint open = open_in(board, zones);
        double busy = open > 0 ? load_on(board, zones) / open : 0;
        if (open > 0 && (best < 0 || busy < least)) {
            best = (gint)region;
            least = busy;
        }
    }
    return best;
}

/* Regions in their turn until the unit's load has room; a guest of the first fit takes the next ones too.
 * False where none has an open CPU. */
static bool
seat_unit(Packer *packer, guint index)
{
    Board *board = packer->board;
    const BoardUnit *unit = &board->units[index];
    const BoardDomain *domain = &board->domains[unit->domain];
    guint64 chosen = 0;
    double room = 0;
    rank_nodes(packer, domain);
    if (domain->wish->policy == KT_PLACEMENT_SPREAD)
        chosen = board_all_regions(board, index);
    while (domain->wish->policy != KT_PLACEMENT_SPREAD && room < unit->load) {
        gint region = next_region(packer, index, chosen, true);
        if (region < 0)
            break;
        guint64 zones = board_zones_of(board, index, BIT((guint)region));
        room += open_in(board, zones) - load_on(board, zones);
        chosen |= BIT((guint)region);
    }
    gint any = chosen ? 0 : least_busy_region(board, index);
    if (any < 0)
        return false;
    board_set_regions(board, index, chosen ? chosen : BIT((guint)any));
    board_settle(board);
    return true;
}

/* ---- all ---- */

static void
count_load(Packer *packer, const BoardDomain *domain)
{
    const Board *board = packer->board;
    for (guint i = domain->first_vcpu; domain->exclusive && i < domain->first_vcpu + domain->n_vcpus; i++)
        packer->node_load[board->ground->topology->pus[board->seat[i]].node] += board->vcpus[i].load;
    for (guint i = domain->first_unit; !domain->exclusive && i < domain->first_unit + domain->n_units; i++) {
        const BoardUnit *unit = &board->units[i];
        for (guint64 left = unit->zones; left; left &= left - 1) {
            guint zone = (guint)__builtin_ctzll(left);
            packer->node_load[board->ground->zone_node[zone]] += unit->rate * board->zones[zone].n_open;
        }
    }
}

/* Who comes before whom: own CPUs before what is made of the rest, whole cores before single CPUs; then
 * numad's by size. */
static gint64
turn_of_domain(const Packer *packer, guint index)
{
    const BoardDomain *domain = &packer->board->domains[index];
    gint64 class = domain->exclusive ? (domain->wish->smt == KT_SMT_ISOLATE ? 0 : 1) : 2;
    gint64 size = packer->baseline == BASELINE_NODES ? 100000 - domain->n_vcpus : 0;
    return (class << 48) + (size << 24) + index;
}

static int
compare_turns(gconstpointer a, gconstpointer b, gpointer packer)
{
    gint64 turn_a = turn_of_domain(packer, *(const guint *)a),
           turn_b = turn_of_domain(packer, *(const guint *)b);
    return turn_a < turn_b ? -1 : turn_a > turn_b;
}

static void
begin(Packer *packer, bool keeps)
{
    Board *board = packer->board;
    for (guint i = 0; i < board->ground->topology->n_nodes; i++)
        packer->node_load[i] = packer->node_cores[i] = 0;
    for (guint i = 0; i < board->ground->topology->n_cores; i++)
        packer->node_cores[board->ground->topology->pus[g_array_index(board->ground->core_pus[i], guint, 0)]
                               .node]++;
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (board->seat[i] >= 0)
            board_release(board, i);
    }
    for (guint i = 0; i < board->n_shared; i++)
        board_set_regions(board, board->shared[i], 0);
    for (guint i = 0; keeps && i < board->n_vcpus; i++) {
        gint home = board->vcpus[i].home;
        if (board->domains[board->units[board->vcpus[i].unit].domain].exclusive && home >= 0 &&
            board_can_take(board, i, (guint)home))
            board_take(board, i, (guint)home);
    }
    board_settle(board);
}

static bool
place(Packer *packer, bool keeps)
{
    Board *board = packer->board;
    g_autofree guint *order = g_new(guint, board->n_domains + 1);
    for (guint i = 0; i < board->n_domains; i++)
        order[i] = i;
    g_qsort_with_data(order, (gint)board->n_domains, sizeof *order, compare_turns, packer);
    begin(packer, keeps);
    for (guint i = 0; i < board->n_domains; i++) {
        const BoardDomain *domain = &board->domains[order[i]];
        if (domain->fixed || (domain->exclusive && !seat_own(packer, order[i])))
            continue;
        for (guint j = domain->first_unit; !domain->exclusive && j < domain->first_unit + domain->n_units;
             j++) {
            bool stays = keeps && domain->wish->policy != KT_PLACEMENT_SPREAD;
            guint64 present = stays ? board_present_regions(board, j) : 0;
            if (present && __builtin_popcountll(present) <= 2)
                board_set_regions(board, j, present);
            else if (!seat_unit(packer, j))
                return false;
            board_settle(board);
        }
        count_load(packer, domain);
    }
    board_settle(board);
    for (guint i = 0; i < board->n_vcpus; i++) {
        if (board->domains[board->units[board->vcpus[i].unit].domain].exclusive && board->seat[i] < 0)
            return false;
    }
    return board_illegal(board) == 0;
}

bool
baseline_place(Board *board, Baseline baseline, Score *ret_score)
{
    const KtTopology *topology = board->ground->topology;
    g_autofree guint *node_rank = g_new0(guint, topology->n_nodes);
    g_autofree double *node_load = g_new0(double, topology->n_nodes);
    g_autofree guint *node_cores = g_new0(guint, topology->n_nodes);
    Packer packer = {board, baseline, node_rank, node_load, node_cores};
    bool stays = place(&packer, true);
    Score kept = {board_broken(board), board_cost(board)};
    bool found = place(&packer, false);
    Score anew = {board_broken(board), board_cost(board)};
    if (stays && (!found || score_is_better(kept, anew)))
        found = place(&packer, true);
    *ret_score = (Score){board_broken(board), board_cost(board)};
    return found;
}
