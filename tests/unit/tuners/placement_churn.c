/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/judge.h"
#include "bench/perf/mix.h"
#include "tuners/cost.h"

/* Random guests on random hosts come and go: few others move, and planning comes to an end. */

#define MAX_MOVED 2
/* Plans one after the other, each carried out, until none moves anybody. */
#define MAX_PLANS 12
#define N_CHANGES 12

static const char *const hosts[] = {
    "pack:2 [numa] l3:2 core:4 pu:2",
    "pack:1 l3:4 core:4 pu:1",
    "node:2 core:6 pu:1",
    "pack:2 [numa] l3:4 core:2 pu:2",
};

/* A mix, and those of its domains that are shut off. */
typedef struct {
    Mix *mix;
    GArray *off; /* KtSeatDomain */
    GRand *chance;
    guint changed; /* the domain that has started; KT_PLACEMENT_GONE */
} Churn;

/* ---- who moves ---- */

static bool
same_groups(const KtTopology *topology, const KtCpuset *a, const KtCpuset *b)
{
    for (guint i = 0; i < topology->n_groups; i++) {
        if (hwloc_bitmap_intersects(a, topology->groups[i].cpus) !=
            hwloc_bitmap_intersects(b, topology->groups[i].cpus))
            return false;
    }
    return true;
}

/* Whether it goes elsewhere. A common set that only follows the CPUs that own seats take and leave doesn't.
 */
static bool
goes(const KtTopology *topology, const KtSeatDomain *domain, const KtSeat *seat)
{
    for (guint i = 0; i < domain->n_vcpus; i++) {
        const KtCpuset *before = domain->vcpus[i].before;
        if (hwloc_bitmap_isequal(before, seat->vcpus[i]))
            continue;
        if (domain->exclusive || !same_groups(topology, before, seat->vcpus[i]))
            return true;
    }
    return false;
}

static guint
count_going(const KtPlacementProblem *problem, const KtPlacement *placement, guint but)
{
    guint n = 0;
    for (guint i = 0; i < problem->n_domains; i++)
        n += i != but && goes(problem->topology, &problem->domains[i], &placement->seats[i]);
    return n;
}

static bool
changes_anything(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    for (guint i = 0; i < problem->n_domains; i++) {
        for (guint j = 0; j < problem->domains[i].n_vcpus; j++) {
            if (!hwloc_bitmap_isequal(problem->domains[i].vcpus[j].before, placement->seats[i].vcpus[j]))
                return true;
        }
    }
    return false;
}

/* ---- domains come and go ---- */

static void
stop(Churn *churn)
{
    guint index = (guint)g_rand_int_range(churn->chance, 0, (gint)churn->mix->domains->len);
    g_array_append_val(churn->off, g_array_index(churn->mix->domains, KtSeatDomain, index));
    g_array_remove_index(churn->mix->domains, index);
    churn->changed = KT_PLACEMENT_GONE;
}

static void
start(Churn *churn)
{
    guint index = (guint)g_rand_int_range(churn->chance, 0, (gint)churn->off->len);
    KtSeatDomain domain = g_array_index(churn->off, KtSeatDomain, index);
    g_array_remove_index(churn->off, index);
    for (guint i = 0; i < domain.n_vcpus; i++)
        mix_vcpus(&domain)[i].before = churn->mix->topology->placeable;
    churn->changed = churn->mix->domains->len;
    g_array_append_val(churn->mix->domains, domain);
}

static void
change(Churn *churn)
{
    guint n_on = churn->mix->domains->len, n_off = churn->off->len;
    if (n_off == 0 || (n_on > 1 && n_off < 4 && g_rand_boolean(churn->chance)))
        stop(churn);
    else
        start(churn);
}

/* ---- what must hold ---- */

static void
check_legal(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    g_autofree char *offence = judge_offence(problem, placement);
    g_assert_cmpstr(offence, ==, NULL);
}

/* Whether the plan is worth its moves: each breaks fewer wishes or costs less, so that there is no way back
 * to an earlier one. */
static void
check_gain(const KtPlacementProblem *problem, const KtPlacement *placement)
{
    g_autoptr(KtPlacement) present = kt_placement_present(problem);
    for (guint i = 0; i < present->n_seats; i++)
        present->seats[i].refusal = g_strdup(placement->seats[i].refusal);
    guint broken = judge_broken(problem, placement), broken_before = judge_broken(problem, present);
    g_assert_cmpuint(broken, <=, broken_before);
    if (broken == broken_before)
        g_assert_cmpfloat(kt_cost(problem, placement).total, <, kt_cost(problem, present).total);
}

/* Plans in place, and every other time as a whole, until neither moves anybody. */
static void
check_comes_to_an_end(Churn *churn)
{
    guint n_idle = 0;
    for (guint i = 0;; i++) {
        g_assert_cmpuint(i, <, MAX_PLANS);
        const KtPlacementProblem *problem = mix_problem(churn->mix);
        g_autoptr(KtPlacement) placement = i % 2 == 1
                                               ? kt_placement_solve(problem)
                                               : kt_placement_adjust(problem, KT_PLACEMENT_GONE, MAX_MOVED);
        check_legal(problem, placement);
        if (i % 2 == 0)
            g_assert_cmpuint(count_going(problem, placement, KT_PLACEMENT_GONE), <=, MAX_MOVED);
        n_idle = changes_anything(problem, placement) ? 0 : n_idle + 1;
        if (n_idle == 2)
            return;
        if (n_idle == 0)
            check_gain(problem, placement);
        mix_carry_out(churn->mix, placement);
    }
}

static void
check_change(Churn *churn)
{
    const KtPlacementProblem *problem = mix_problem(churn->mix);
    g_autoptr(KtPlacement) placement = kt_placement_adjust(problem, churn->changed, MAX_MOVED);
    check_legal(problem, placement);
    g_assert_cmpuint(count_going(problem, placement, churn->changed), <=, MAX_MOVED);
    mix_carry_out(churn->mix, placement);
}

static void
check_mix(const KtTopology *topology, guint32 seed)
{
    g_autoptr(Mix) mix = mix_new(topology, mix_large, seed);
    g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
    g_autoptr(GArray) off = g_array_new(FALSE, FALSE, sizeof(KtSeatDomain));
    Churn churn = {.mix = mix, .off = off, .chance = chance};
    g_autoptr(KtPlacement) first = kt_placement_solve(mix_problem(mix));
    g_assert_cmpuint(judge_refused(first), ==, 0);
    mix_carry_out(mix, first);
    for (guint i = 0; i < N_CHANGES && mix->domains->len > 1; i++) {
        change(&churn);
        check_change(&churn);
        if (i % 4 == 3)
            check_comes_to_an_end(&churn);
    }
}

static void
test_churn(gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic(data, &error);
    g_assert_no_error(error);
    guint n = g_test_slow() ? 400 : 6;
    for (guint32 seed = 0; seed < n; seed++) {
        g_test_message("seed %u: %s", seed, (const char *)data);
        check_mix(topology, seed);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *path = g_strdup_printf("/placement-churn/%u", i);
        g_test_add_data_func(path, hosts[i], test_churn);
    }
    return g_test_run();
}
