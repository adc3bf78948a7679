/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "bench/perf/judge.h"
#include "bench/perf/rows.h"
#include "bench/perf/tally.h"
#include "bench/perf/timing.h"
#include "tuners/cost.h"

#define MAX_MS 5
#define MAX_MOVED 2
#define N_DOMAINS 1000
#define N_CHANGES 25

/* What a change does to the others. */
typedef struct {
    double ms;
    guint n_moved;    /* other domains that go elsewhere: to another CPU, or to other sharing groups */
    guint n_followed; /* whose common set only lost or won CPUs that the domain took or left */
} Change;

/* The sharing groups of a set, as bits. */
static guint64
groups_of(const KtTopology *topology, const KtCpuset *set)
{
    guint64 groups = 0;
    for (guint i = 0; i < topology->n_pus; i++) {
        if (hwloc_bitmap_isset(set, topology->pus[i].os))
            groups |= G_GUINT64_CONSTANT(1) << topology->pus[i].group;
    }
    return groups;
}

static void
count_other(const KtTopology *topology, const KtSeatDomain *domain, const KtSeat *seat, Change *change)
{
    bool differs = false, goes = false;
    for (guint i = 0; i < domain->n_vcpus && !goes; i++) {
        const KtCpuset *before = domain->vcpus[i].before;
        if (hwloc_bitmap_isequal(before, seat->vcpus[i]))
            continue;
        differs = true;
        goes = domain->exclusive || groups_of(topology, before) != groups_of(topology, seat->vcpus[i]);
    }
    change->n_moved += goes;
    change->n_followed += differs && !goes;
}

/* Places what there is after @changed has started or some domain has stopped, and carries it out. */
static Change
adjust(Mix *mix, guint changed)
{
    const KtPlacementProblem *problem = mix_problem(mix);
    Change change = {.ms = contest_cpu_ms()};
    g_autoptr(KtPlacement) placement = kt_placement_adjust(problem, changed, MAX_MOVED);
    change.ms = contest_cpu_ms() - change.ms;
    for (guint i = 0; i < problem->n_domains; i++) {
        if (i != changed)
            count_other(mix->topology, &problem->domains[i], &placement->seats[i], &change);
    }
    g_autofree char *offence = judge_offence(problem, placement);
    if (offence)
        g_error("not legal: %s", offence);
    mix_carry_out(mix, placement);
    return change;
}

static Change
stop(Mix *mix, guint index, KtSeatDomain *ret_stopped)
{
    *ret_stopped = g_array_index(mix->domains, KtSeatDomain, index);
    g_array_remove_index(mix->domains, index);
    return adjust(mix, KT_PLACEMENT_GONE);
}

static Change
start(Mix *mix, KtSeatDomain *domain)
{
    for (guint i = 0; i < domain->n_vcpus; i++)
        mix_vcpus(domain)[i].before = mix->topology->placeable;
    g_array_append_val(mix->domains, *domain);
    return adjust(mix, mix->domains->len - 1);
}

/* Places all; what that costs without moves. */
static double
solve(Mix *mix)
{
    g_autoptr(KtPlacement) placement = kt_placement_solve(mix_problem(mix));
    mix_carry_out(mix, placement);
    return kt_cost(mix_problem(mix), placement).total;
}

static double
present_cost(Mix *mix)
{
    g_autoptr(KtPlacement) present = kt_placement_present(mix_problem(mix));
    return kt_cost(mix_problem(mix), present).total;
}

void
row_change(const RowOptions *options)
{
    g_autoptr(GError) error = NULL;
    KtTopology *topology = kt_topology_from_synthetic("pack:8 [numa] l3:8 core:8 pu:2", &error);
    g_assert_no_error(error);
    g_autoptr(Mix) mix = row_many_new(topology, N_DOMAINS, topology->n_pus / 4);
    g_autofree double *ms = g_new(double, 2 * N_CHANGES);
    guint most = 0, sum = 0, followed = 0;
    (void)options;
    KtSeatDomain stopped = {0};
    solve(mix);
    for (guint i = 0; i < 2 * N_CHANGES; i++) {
        Change change =
            i % 2 == 0 ? stop(mix, i / 2 * (N_DOMAINS / N_CHANGES), &stopped) : start(mix, &stopped);
        ms[i] = change.ms;
        most = MAX(most, change.n_moved);
        sum += change.n_moved;
        followed += change.n_followed;
    }
    Spread spread = spread_of(ms, 2 * N_CHANGES);
    double in_place = present_cost(mix);
    print_row("one of these starts or stops", "5 ms, moves ≤ 2 others",
              spread.median <= MAX_MS && most <= MAX_MOVED,
              "%.1f ms (%.1f–%.1f), %u changes; others moved: most %u, mean %.2f; sets that followed: mean "
              "%.1f; the cost "
              "in the end is %.4f× that of placing all again",
              spread.median, spread.least, spread.most, 2 * N_CHANGES, most, sum / (2.0 * N_CHANGES),
              followed / (2.0 * N_CHANGES), in_place / solve(mix));
    kt_topology_free(topology);
}
