/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "bench/perf/board.h"
#include "tests/unit/tuners/seating_rules.h"
#include "tests/unit/tuners/shared_topologies.h"

/* What holds for any host and any domains: legal, the same for any order of the domains, a second time the
 * same, and the cost is what another implementation of it counts. */

/* ---- chance ---- */

/* hwloc's description of a host: packages, which may have a node each or two, L3s or none, L2s of several
 * cores, threads. Nodes without packages too. */
static char *
chance_host(GRand *chance)
{
    static const char *const nodes[] = {"", "", "[numa] ", "[numa] ", "[numa] [numa] "};
    GString *text = g_string_new(NULL);
    guint l3 = (guint)g_rand_int_range(chance, 0, 4);
    if (g_rand_int_range(chance, 0, 5) == 0)
        g_string_append_printf(text, "node:%d ", g_rand_int_range(chance, 1, 5));
    else
        g_string_append_printf(text, "pack:%d %s", g_rand_int_range(chance, 1, 4),
                               nodes[g_rand_int_range(chance, 0, G_N_ELEMENTS(nodes))]);
    if (l3 > 0)
        g_string_append_printf(text, "l3:%u ", l3);
    if (g_rand_int_range(chance, 0, 3) == 0)
        g_string_append_printf(text, "l2:%d ", g_rand_int_range(chance, 1, 4));
    g_string_append_printf(text, "core:%d pu:%d", g_rand_int_range(chance, 1, 5),
                           g_rand_int_range(chance, 1, 4));
    return g_string_free(text, FALSE);
}

/* Some of its cores are of another kind. */
static void
mix_kinds(KtTopology *topology, GRand *chance)
{
    guint n_fast = (guint)g_rand_int_range(chance, 1, (gint)topology->n_cores + 1);
    for (guint i = 0; i < topology->n_pus; i++)
        topology->pus[i].kind = topology->pus[i].core < n_fast;
    topology->n_kinds = n_fast < topology->n_cores ? 2 : 1;
    for (guint i = 0; topology->n_kinds == 1 && i < topology->n_pus; i++)
        topology->pus[i].kind = -1;
}

/* A host with some CPUs that aren't placeable, isolated, or for housekeeping. */
static void
spoil_host(Case *it, GRand *chance)
{
    for (guint i = 0; i < it->topology->n_pus; i++) {
        KtPu *pu = &it->topology->pus[i];
        pu->isolated = g_rand_int_range(chance, 0, 12) == 0;
        pu->placeable = i == 0 || g_rand_int_range(chance, 0, 12) != 0;
        if (pu->isolated)
            hwloc_bitmap_set(it->topology->isolated, pu->os);
        if (!pu->placeable)
            hwloc_bitmap_clr(it->topology->placeable, pu->os);
        if (g_rand_int_range(chance, 0, 12) == 0)
            hwloc_bitmap_set(it->housekeeping, pu->os);
    }
}

static const char *
chance_set(Case *it, GRand *chance)
{
    g_autoptr(KtCpuset) set = hwloc_bitmap_alloc();
    const KtPu *pu = &it->topology->pus[g_rand_int_range(chance, 0, (gint)it->topology->n_pus)];
    switch (g_rand_int_range(chance, 0, 4)) {
    case 0:
        hwloc_bitmap_set(set, pu->os);
        break;
    case 1:
        hwloc_bitmap_copy(set, it->topology->groups[pu->group].cpus);
        break;
    case 2:
        hwloc_bitmap_copy(set, it->topology->nodes[pu->node].cpus);
        break;
    default:
        hwloc_bitmap_copy(set, it->topology->online);
    }
    char *text = kt_cpuset_format(set);
    g_ptr_array_add(it->owned, text);
    return text;
}

static void
add_wishes(Case *it, KtSeatDomain *domain, GRand *chance)
{
    domain->placed = g_rand_int_range(chance, 0, 8) != 0;
    domain->exclusive = domain->placed && g_rand_boolean(chance);
    domain->policy = (KtPlacementPolicy)g_rand_int_range(chance, 0, 3);
    domain->smt = (KtSmt)g_rand_int_range(chance, 0, 3);
    domain->kind = (KtKindWish)g_rand_int_range(chance, 0, 4);
    domain->priority = g_rand_int_range(chance, 0, 2);
    if (g_rand_boolean(chance)) {
        double *shares = g_new0(double, it->topology->n_nodes);
        g_ptr_array_add(it->owned, shares);
        shares[g_rand_int_range(chance, 0, (gint)it->topology->n_nodes)] += 0.75;
        shares[g_rand_int_range(chance, 0, (gint)it->topology->n_nodes)] += 0.25;
        domain->memory_share = shares;
    }
    if (g_rand_int_range(chance, 0, 4) == 0) {
        guint *node = g_new(guint, 1);
        g_ptr_array_add(it->owned, node);
        *node = (guint)g_rand_int_range(chance, 0, (gint)it->topology->n_nodes);
        domain->device_nodes = node;
        domain->n_device_nodes = 1;
    }
}

static void
add_domain(Case *it, GRand *chance, guint index, gint most)
{
    g_autofree char *name = g_strdup_printf("guest-%u", index);
    guint n = (guint)g_rand_int_range(chance, 1, most + 1);
    KtSeatDomain *domain = case_add(it, name, n, chance_set(it, chance));
    add_wishes(it, domain, chance);
    bool cells = g_rand_int_range(chance, 0, 4) == 0, threads = g_rand_int_range(chance, 0, 3) == 0;
    bool scattered = g_rand_boolean(chance), measured = g_rand_int_range(chance, 0, 4) == 0;
    for (guint i = 0; i < n; i++) {
        KtSeatVcpu *vcpu = &case_vcpus(domain)[i];
        vcpu->cell = cells ? (gint)(i * 2 / n) : -1;
        vcpu->guest_core = threads ? (gint)(i / 2) : -1;
        if (scattered)
            vcpu->before = case_set(it, chance_set(it, chance));
        if (measured)
            vcpu->load = g_rand_double_range(chance, 0, 1.5);
    }
}

static void
fill(Case *it, GRand *chance)
{
    guint n = (guint)g_rand_int_range(chance, 1, 9);
    gint most = MAX((gint)it->topology->n_pus / 3, 1);
    for (guint i = 0; i < n; i++)
        add_domain(it, chance, i, MIN(most, 24));
}

/* ---- properties ---- */

static void
shuffle(Case *it, GRand *chance)
{
    for (guint i = it->n_domains; i > 1; i--) {
        guint other = (guint)g_rand_int_range(chance, 0, (gint)i);
        KtSeatDomain last = it->domains[i - 1];
        it->domains[i - 1] = it->domains[other];
        it->domains[other] = last;
    }
}

/* The seat of the domain of that name. */
static const KtSeat *
seat_of(const Case *it, const KtPlacement *placement, const char *name)
{
    for (guint i = 0; i < it->n_domains; i++) {
        if (g_str_equal(it->domains[i].name, name))
            return &placement->seats[i];
    }
    g_assert_not_reached();
}

static void
check_order(Case *it, const KtPlacement *placement, GRand *chance)
{
    Case as_it_was = *it;
    shuffle(it, chance);
    g_autoptr(KtPlacement) other = kt_placement_solve(case_problem(it));
    for (guint i = 0; i < it->n_domains; i++) {
        const KtSeat *seat = seat_of(&as_it_was, placement, it->domains[i].name);
        g_assert_cmpstr(seat->reason, ==, other->seats[i].reason);
        g_assert_cmpstr(seat->refusal, ==, other->seats[i].refusal);
        for (guint j = 0; j < seat->n_vcpus; j++)
            g_assert_true(hwloc_bitmap_isequal(seat->vcpus[j], other->seats[i].vcpus[j]));
    }
    memcpy(it->domains, as_it_was.domains, sizeof it->domains);
}

static void
check_second_time(Case *it, const KtPlacement *placement)
{
    case_carry_out(it, placement);
    g_autoptr(KtPlacement) second = kt_placement_solve(case_problem(it));
    for (guint i = 0; i < it->n_domains; i++)
        g_assert_cmpstr(placement->seats[i].refusal, ==, second->seats[i].refusal);
    g_assert_cmpuint(case_moves(it, second), ==, 0);
}

/* The cost is what the board, which shares nothing with it, counts for the same sets. Who was refused is an
 * obstacle. */
static void
check_cost(Case *it, const KtPlacement *placement)
{
    KtSeatDomain domains[CASE_MAX_DOMAINS];
    for (guint i = 0; i < it->n_domains; i++) {
        domains[i] = it->domains[i];
        domains[i].placed &= !placement->seats[i].refusal;
    }
    KtPlacementProblem problem = *case_problem(it);
    problem.domains = domains;
    g_autoptr(Ground) ground = ground_new(it->topology);
    g_assert_nonnull(ground);
    g_autoptr(Board) board = board_new(ground, &problem);
    board_adopt(board, placement);
    g_assert_cmpfloat_with_epsilon(kt_cost(case_problem(it), placement).total, board_cost(board), 1e-6);
}

static bool
has_refusal(const KtPlacement *placement)
{
    for (guint i = 0; i < placement->n_seats; i++) {
        if (placement->seats[i].refusal)
            return true;
    }
    return false;
}

/* Solves, then again after a domain has stopped, and checks all each time. */
static void
check_case(Case *it, GRand *chance)
{
    for (guint round = 0; round < 2 && it->n_domains > 0; round++) {
        g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
        rules_check(it, placement);
        check_cost(it, placement);
        check_order(it, placement, chance);
        check_second_time(it, placement);
        it->domains[g_rand_int_range(chance, 0, (gint)it->n_domains)] = it->domains[it->n_domains - 1];
        it->n_domains--;
    }
}

static void
test_random_hosts(void)
{
    guint n_refusals = 0, n = g_test_slow() ? 4000 : 12;
    for (guint seed = 0; seed < n; seed++) {
        g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
        g_autofree char *host = chance_host(chance);
        g_autoptr(Case) it = case_new(host);
        g_test_message("seed %u: %s", seed, host);
        if (g_rand_int_range(chance, 0, 4) == 0)
            mix_kinds(it->topology, chance);
        if (g_rand_boolean(chance))
            spoil_host(it, chance);
        fill(it, chance);
        g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
        n_refusals += has_refusal(placement);
        check_case(it, chance);
    }
    /* Both kinds of case were there. */
    g_assert_cmpuint(n_refusals, >, n / 20);
    g_assert_cmpuint(n_refusals, <, n - n / 20);
}

static void
check_sample(KtTopology *topology, gconstpointer data)
{
    (void)data;
    g_autoptr(Case) it = case_new_on(topology);
    g_autoptr(GRand) chance = g_rand_new_with_seed(topology->n_pus);
    fill(it, chance);
    check_case(it, chance);
}

static void
test_samples(void)
{
    shared_topologies_each(check_sample, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-properties/random-hosts", test_random_hosts);
    g_test_add_func("/placement-properties/samples", test_samples);
    return g_test_run();
}
