/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "bench/perf/judge.h"
#include "bench/perf/rows.h"
#include "bench/perf/tally.h"
#include "bench/perf/timing.h"

#define MAX_MS 5
#define MAX_MOVED 2
#define N_DOMAINS 1000
#define N_CHANGES 20

static bool
moves(const KtSeatDomain *domain, const KtSeat *seat)
{
    for (guint i = 0; i < domain->n_vcpus; i++) {
        if (!hwloc_bitmap_isequal(domain->vcpus[i].before, seat->vcpus[i]))
            return true;
    }
    return false;
}

/* Solves what is there now; how many domains move besides those that float (the one that has started). */
static guint
solve(Mix *mix, double *ret_ms)
{
    const KtPlacementProblem *problem = mix_problem(mix);
    double before = contest_cpu_ms();
    g_autoptr(KtPlacement) placement = kt_placement_solve(problem);
    *ret_ms = contest_cpu_ms() - before;
    guint n = 0;
    for (guint i = 0; i < problem->n_domains; i++) {
        const KtSeatDomain *domain = &problem->domains[i];
        bool is_new = hwloc_bitmap_isequal(domain->vcpus[0].before, mix->topology->placeable);
        n += !is_new && moves(domain, &placement->seats[i]);
    }
    mix_carry_out(mix, placement);
    return n;
}

/* Some domain stops, which is put to the end of the list; or it starts again. */
static void
stop(Mix *mix, guint index, KtSeatDomain *ret_stopped)
{
    *ret_stopped = g_array_index(mix->domains, KtSeatDomain, index);
    g_array_remove_index(mix->domains, index);
}

static void
start(Mix *mix, KtSeatDomain *domain)
{
    for (guint i = 0; i < domain->n_vcpus; i++)
        mix_vcpus(domain)[i].before = mix->topology->placeable;
    g_array_append_val(mix->domains, *domain);
}

void
row_change(const RowOptions *options)
{
    g_autoptr(GError) error = NULL;
    KtTopology *topology = kt_topology_from_synthetic("pack:8 [numa] l3:8 core:8 pu:2", &error);
    g_assert_no_error(error);
    g_autoptr(Mix) mix = row_many_new(topology, N_DOMAINS, topology->n_pus / 4);
    double ms[2 * N_CHANGES], unused;
    guint most = 0, sum = 0, settling = solve(mix, &unused);
    guint again = solve(mix, &unused);
    (void)options;
    for (guint i = 0; i < N_CHANGES; i++) {
        KtSeatDomain stopped;
        stop(mix, i * (N_DOMAINS / N_CHANGES), &stopped);
        guint moved = solve(mix, &ms[2 * i]);
        start(mix, &stopped);
        guint moved_then = solve(mix, &ms[2 * i + 1]);
        most = MAX(most, MAX(moved, moved_then));
        sum += moved + moved_then;
    }
    Spread spread = spread_of(ms, 2 * N_CHANGES);
    print_row("one of these starts or stops", "5 ms, moves ≤ 2 others",
              spread.median <= MAX_MS && most <= MAX_MOVED,
              "%.1f ms (%.1f–%.1f), %u changes; others moved: most %u, mean %.2f; second plan before: %u",
              spread.median, spread.least, spread.most, 2 * N_CHANGES, most, sum / (2.0 * N_CHANGES), again);
    (void)settling;
    kt_topology_free(topology);
}
