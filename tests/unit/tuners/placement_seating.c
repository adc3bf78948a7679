/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/mix.h"
#include "tuners/placement_search.h"

/* A full host of two nodes, and a mix in which a guest has one of these in common: dozens of own CPUs have it
 * for company there, or are on the other node. */
#define HOST "pack:2 [numa] l3:8 core:8 pu:2"
#define MIX 48

/* What is left after climbing. */
typedef struct {
    double cost;
    guint n_in_company; /* exclusive vCPUs on a core with an open CPU, where somebody shares */
} Outcome;

static Outcome
climb_from(const KtModel *model, KtSeating seating)
{
    g_autoptr(KtState) state = kt_state_new(model, false);
    g_assert_false(kt_seat_all(state, (KtWay){.seating = seating, .changed = KT_NO_DOMAIN}));
    for (guint i = 0; i < model->n_vcpus; i++)
        g_assert_true(state->pu[i] >= 0 || state->units[model->vcpus[i].unit].hall);
    kt_climb(state);
    Outcome outcome = {.cost = kt_state_total(state)};
    for (guint i = 0; i < model->zones->n_zones; i++)
        outcome.n_in_company += state->zones[i].n_domains > 0 ? state->zones[i].exposed : 0;
    return outcome;
}

static void
test_own_cpus_keep_away_from_sets(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic(HOST, &error);
    g_assert_no_error(error);
    g_autoptr(Mix) mix = mix_new(topology, mix_large, MIX);
    g_autoptr(KtModel) model = kt_model_new(mix_problem(mix));
    kt_admit(model);

    Outcome own_first = climb_from(model, KT_SEAT_OWN_FIRST);
    Outcome minders_next = climb_from(model, KT_SEAT_MINDERS_NEXT);

    g_assert_cmpuint(minders_next.n_in_company, <, own_first.n_in_company);
    g_assert_cmpfloat(minders_next.cost, <, 0.95 * own_first.cost);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-seating/sets-first", test_own_cpus_keep_away_from_sets);
    return g_test_run();
}
