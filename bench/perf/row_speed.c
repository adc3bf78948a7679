/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/resource.h>

#include "bench/perf/rows.h"
#include "bench/perf/tally.h"
#include "bench/perf/timing.h"

#define MAX_MS 100
#define MAX_MIB 64
#define MAX_GROWTH 1.3

typedef struct {
    const char *host; /* hwloc's synthetic description */
    guint n_domains;
} Size;

static const char host_1024[] = "pack:8 [numa] l3:8 core:8 pu:2";
static const char host_256[] = "pack:2 [numa] l3:8 core:8 pu:2";

static const Size by_domains[] = {{host_1024, 125}, {host_1024, 250}, {host_1024, 500}, {host_1024, 1000}};
static const Size by_cpus[] = {{"pack:1 [numa] l3:8 core:8 pu:2", 1000},
                               {host_256, 1000},
                               {"pack:4 [numa] l3:8 core:8 pu:2", 1000},
                               {host_1024, 1000}};

static KtTopology *
topology_of(const char *description)
{
    g_autoptr(GError) error = NULL;
    KtTopology *topology = kt_topology_from_synthetic(description, &error);
    g_assert_no_error(error);
    return topology;
}

Mix *
row_many_new(const KtTopology *topology, guint n_domains, guint n_exclusive_vcpus)
{
    static const guint sizes[] = {2, 4, 8, 8, 8, 8, 10, 16};
    g_autoptr(GRand) chance = g_rand_new_with_seed(1);
    Mix *mix = mix_new_empty(topology);
    for (guint i = 0; i < n_domains; i++) {
        KtSeatDomain *domain = mix_add(mix, sizes[i % G_N_ELEMENTS(sizes)]);
        domain->exclusive = i % 20 == 0 && n_exclusive_vcpus >= domain->n_vcpus;
        if (domain->exclusive)
            n_exclusive_vcpus -= domain->n_vcpus;
        for (guint j = 0; !domain->exclusive && j < domain->n_vcpus; j++)
            mix_vcpus(domain)[j].load = g_rand_double_range(chance, 0.02, 0.2);
        double *shares = g_new0(double, topology->n_nodes);
        g_ptr_array_add(mix->memory, shares);
        shares[g_rand_int_range(chance, 0, (gint)topology->n_nodes)] = 1;
        domain->memory_share = i % 2 ? shares : NULL;
        domain->memory_gib = domain->n_vcpus;
    }
    return mix;
}

static double
solve_ms(Mix *mix)
{
    const KtPlacementProblem *problem = mix_problem(mix);
    double before = contest_cpu_ms();
    kt_placement_free(kt_placement_solve(problem));
    return contest_cpu_ms() - before;
}

static Spread
measure(Size size, guint n_runs)
{
    KtTopology *topology = topology_of(size.host);
    g_autoptr(Mix) mix = row_many_new(topology, size.n_domains, topology->n_pus / 4);
    g_autofree double *values = g_new(double, n_runs);
    for (guint i = 0; i < n_runs; i++)
        values[i] = solve_ms(mix);
    Spread spread = spread_of(values, n_runs);
    printf("    %4u domains, %4u CPUs: %.1f ms (%.1f–%.1f), %u runs\n", size.n_domains, topology->n_pus,
           spread.median, spread.least, spread.most, n_runs);
    fflush(stdout);
    kt_topology_free(topology);
    return spread;
}

static double
print_growth(const char *what, const Size *sizes, const double *x, guint n, guint n_runs)
{
    g_autofree double *y = g_new(double, n);
    for (guint i = 0; i < n; i++)
        y[i] = measure(sizes[i], n_runs).median;
    double exponent = growth_fit(x, y, n);
    print_row(what, "n^1.3 or better", exponent <= MAX_GROWTH, "n^%.2f", exponent);
    return y[n - 1];
}

/* ---- memory ---- */

static long
peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

int
row_peak(guint n_domains)
{
    KtTopology *topology = topology_of(host_1024);
    g_autoptr(Mix) mix = row_many_new(topology, n_domains, topology->n_pus / 4);
    long before = peak_kib();
    solve_ms(mix);
    printf("%ld %ld\n", before, peak_kib());
    kt_topology_free(topology);
    return 0;
}

/* A process of its own, which holds nothing else. */
static bool
read_peak(guint n_domains, long *ret_before, long *ret_after)
{
    g_autofree char *number = g_strdup_printf("%u", n_domains);
    char *arguments[] = {(char *)"placement-bench", (char *)"--peak", number, NULL};
    g_autofree char *output = NULL;
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    arguments[0] = self;
    if (!g_spawn_sync(NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, NULL))
        return false;
    return sscanf(output, "%ld %ld", ret_before, ret_after) == 2;
}

int
row_solve(guint n_domains)
{
    KtTopology *topology = topology_of(host_256);
    g_autoptr(Mix) mix = row_many_new(topology, n_domains, topology->n_pus / 4);
    printf("%.1f ms\n", solve_ms(mix));
    kt_topology_free(topology);
    return 0;
}

void
row_speed(const RowOptions *options)
{
    static const double domains[] = {125, 250, 500, 1000}, cpus[] = {128, 256, 512, 1024};
    guint n_runs = (guint)options->n_runs;
    double ms = print_growth("growth with domains", by_domains, domains, G_N_ELEMENTS(domains), n_runs);
    print_growth("growth with CPUs", by_cpus, cpus, G_N_ELEMENTS(cpus), n_runs);
    print_row("1,000 domains, 8,000 vCPUs, 1,024 CPUs", "100 ms CPU", ms <= MAX_MS, "%.1f ms (median)", ms);
    long before = 0, after = 0;
    if (!read_peak(1000, &before, &after))
        return;
    print_row("  peak memory of the process", "64 MiB", after <= MAX_MIB * 1024L,
              "%.1f MiB, of these %.1f MiB before it was solved", (double)after / 1024,
              (double)before / 1024);
}
