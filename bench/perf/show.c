/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/perf/contest.h"
#include "bench/perf/judge.h"
#include "bench/perf/oracle.h"
#include "bench/perf/rows.h"
#include "tuners/cost.h"

static const char *const policies[] = {"shared-cache", "numa", "spread"};
static const char *const smts[] = {"auto", "share", "isolate"};
static const char *const kinds[] = {"auto", "fast", "efficient", "any"};

/* ---- the problem ---- */

static void
print_host(const Host *host, const Mix *mix)
{
    const KtTopology *topology = host->topology;
    g_autofree char *housekeeping = kt_cpuset_format(mix->housekeeping);
    printf("%s: %u CPUs, %u cores, %u nodes; housekeeping %s\n", host->name, topology->n_pus,
           topology->n_cores, topology->n_nodes, housekeeping);
    for (guint i = 0; i < topology->n_groups; i++) {
        const KtPu *pu = kt_topology_pu(topology, (guint)hwloc_bitmap_first(topology->groups[i].cpus));
        g_autofree char *cpus = kt_cpuset_format(topology->groups[i].cpus);
        printf("  group %u on node %u: CPUs %s\n", i, pu ? topology->nodes[pu->node].os : 0, cpus);
    }
}

static void
print_wishes(const KtSeatDomain *domain, const KtTopology *topology)
{
    printf("%s: %u vCPUs", domain->name, domain->n_vcpus);
    if (!domain->placed)
        printf(", not placed");
    else if (domain->exclusive)
        printf(", exclusive, %s, smt %s, kind %s", policies[domain->policy], smts[domain->smt],
               kinds[domain->kind]);
    else
        printf(", shared, %s", policies[domain->policy]);
    if (domain->n_vcpus > 0 && domain->vcpus[0].load < 1)
        printf(", load %.2f each", domain->vcpus[0].load);
    if (domain->n_vcpus > 0 && domain->vcpus[0].cell >= 0)
        printf(", %d cells", domain->vcpus[domain->n_vcpus - 1].cell + 1);
    if (domain->n_vcpus > 0 && domain->vcpus[0].guest_core >= 0)
        printf(", %d guest cores", domain->vcpus[domain->n_vcpus - 1].guest_core + 1);
    for (guint i = 0; domain->memory_share && i < topology->n_nodes; i++) {
        if (domain->memory_share[i] > 0)
            printf(", %.0f %% of its memory on node %u", 100 * domain->memory_share[i],
                   topology->nodes[i].os);
    }
    for (guint i = 0; i < domain->n_device_nodes; i++)
        printf(", a device on node %u", topology->nodes[domain->device_nodes[i]].os);
    printf("\n");
}

/* ---- placements ---- */

/* vCPUs with one set in a row are told once. */
static char *
sets_text(const KtSeatDomain *domain, const KtPlacement *placement, guint index)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < domain->n_vcpus; i++) {
        KtCpuset *const *sets = placement ? placement->seats[index].vcpus : NULL;
        const KtCpuset *set = sets ? sets[i] : domain->vcpus[i].before;
        if (i > 0 && hwloc_bitmap_isequal(set, sets ? sets[i - 1] : domain->vcpus[i - 1].before))
            continue;
        g_autofree char *list = kt_cpuset_format(set);
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", list);
    }
    return g_string_free(text, FALSE);
}

static void
print_cost(const char *name, const KtPlacementProblem *problem, const KtPlacement *placement)
{
    KtCost cost = kt_cost(problem, placement);
    Broken broken = judge_broken_parts(problem, placement);
    printf("%-12s %10.3f = locality %.2f + memory %.2f + devices %.2f + siblings %.2f + "
           "kinds %.2f + contention %.2f + "
           "crowding %.2f + 0.2 × %u moves; broken wishes: %u on siblings, %u unpacked, %u unspread\n",
           name, cost.total, cost.locality, cost.memory, cost.devices, cost.siblings, cost.kinds,
           cost.contention, cost.crowding, cost.moves, broken.doubled, broken.unpacked, broken.unspread);
}

static void
print_seats(const KtPlacementProblem *problem, const KtPlacement *engine, const KtPlacement *best)
{
    for (guint i = 0; i < problem->n_domains; i++) {
        const KtSeatDomain *domain = &problem->domains[i];
        g_autofree char *before = sets_text(domain, NULL, i);
        g_autofree char *now = sets_text(domain, engine, i);
        g_autofree char *then = best ? sets_text(domain, best, i) : g_strdup("?");
        print_wishes(domain, problem->topology);
        printf("    before %s\n    engine %s%s%s\n    best   %s%s\n", before, now,
               engine->seats[i].refusal ? " refused: " : "",
               engine->seats[i].refusal ? engine->seats[i].refusal : "", then,
               g_str_equal(now, then) ? "" : "  differs");
    }
}

/* The best that is known: the oracle's, or that of the reference's run. */
static KtPlacement *
find_best(const RowOptions *options, const Host *host, Mix *mix, guint number)
{
    g_autoptr(Board) board = board_new(host->ground, mix_problem(mix));
    if (host->small)
        return oracle_solve(board).placement;
    g_autoptr(References) references = references_read(options->references);
    const Reference *reference = references_find(references, host, mix, number);
    if (!reference || !references_repeat(board, reference))
        return NULL;
    return board_placement(board);
}

static void
print_case(const RowOptions *options, const Host *host, guint number)
{
    g_autoptr(Mix) mix = host_mix(host, number);
    const KtPlacementProblem *problem = mix_problem(mix);
    g_autoptr(KtPlacement) engine = kt_placement_solve(problem);
    g_autoptr(KtPlacement) best = find_best(options, host, mix, number);
    g_autofree char *offence = judge_offence(problem, engine);
    print_host(host, mix);
    print_seats(problem, engine, best);
    printf("engine's placement is %s\n", offence ? offence : "legal");
    print_cost("engine", problem, engine);
    if (best)
        print_cost(host->small ? "oracle" : "reference", problem, best);
    for (guint i = 0; i < N_BASELINES; i++) {
        Score score;
        g_autoptr(Board) board = board_new(host->ground, problem);
        if (baseline_place(board, (Baseline)i, &score))
            printf("%s: %.3f, broken wishes %u\n", baseline_names[i], score.cost, score.broken);
    }
}

int
show_case(const RowOptions *options, const char *name)
{
    const char *colon = strrchr(name, ':');
    g_autofree char *wanted = colon ? g_strndup(name, (gsize)(colon - name)) : g_strdup(name);
    g_autoptr(GPtrArray) hosts = hosts_small();
    g_autoptr(GPtrArray) large = hosts_large();
    g_ptr_array_extend_and_steal(hosts, g_steal_pointer(&large));
    for (guint i = 0; colon && i < hosts->len; i++) {
        const Host *host = hosts->pdata[i];
        if (!g_str_equal(host->name, wanted) || !host->ground)
            continue;
        print_case(options, host, (guint)strtoul(colon + 1, NULL, 10));
        return 0;
    }
    fprintf(stderr, "%s: no such host\n", name);
    return 1;
}
