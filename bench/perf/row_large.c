/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "bench/perf/rows.h"
#include "bench/perf/tally.h"

#define MAX_MEAN 1.02
#define MAX_WORST 1.10

typedef struct {
    References *references;
    Tally best; /* against the best that is known */
    BaselineTally baselines;
    guint n_offences, n_missing, n_ahead;
    double cpu_ms;
    bool each;
} Large;

/* The best that anybody found: a reference that the engine beats is none to be measured by. */
static Score
best_known(const Contest *contest, const Reference *reference)
{
    Score best = score_is_better(contest->engine, reference->score) ? contest->engine : reference->score;
    for (guint i = 0; i < N_BASELINES; i++) {
        if (contest->baseline_found[i] && score_is_better(contest->baselines[i], best))
            best = contest->baselines[i];
    }
    return best;
}

static void
print_case(const Contest *contest, Score best, const Host *host, guint number)
{
    printf("      %s:%u: %.4f×, cost %.3f, best known %.3f; broken wishes %u, best known %u; %.1f ms\n",
           host->name, number, contest_ratio(contest->engine, best), contest->engine.cost, best.cost,
           contest->engine.broken, best.broken, contest->cpu_ms);
}

static void
run_case(Large *large, Tally *host_tally, const Host *host, guint number)
{
    g_autoptr(Mix) mix = host_mix(host, number);
    const Reference *reference = references_find(large->references, host, mix, number);
    Contest contest = contest_run(host, mix, true);
    large->cpu_ms += contest.cpu_ms;
    large->n_missing += reference == NULL;
    if (contest.offence) {
        large->n_offences++;
        printf("    %s:%u: %s\n", host->name, number, contest.offence);
    } else {
        baseline_tally_add(&large->baselines, &contest, host, number);
    }
    if (reference && !contest.offence) {
        Score best = best_known(&contest, reference);
        large->n_ahead += score_is_better(contest.engine, reference->score);
        tally_add(host_tally, contest.engine, best, host, number);
        if (large->each)
            print_case(&contest, best, host, number);
    }
    contest_clear(&contest);
}

static void
run_host(Large *large, const Host *host, guint n_mixes)
{
    Tally tally = {0};
    double before = large->cpu_ms;
    for (guint i = 0; i < n_mixes; i++)
        run_case(large, &tally, host, i);
    printf("    %-34s %4u CPUs: mean %.4f×, worst %.4f× (%s), %u of %u equal; more wishes broken in "
           "%u%s%s; %.1f ms a mix\n",
           host->name, host->topology->n_pus, tally_mean(&tally), tally.worst,
           tally.worst_case ? tally.worst_case : "none", tally.n_equal, tally.n, tally.n_broken,
           tally.broken_case ? ", first " : "", tally.broken_case ? tally.broken_case : "",
           (large->cpu_ms - before) / MAX(n_mixes, 1));
    fflush(stdout);
    tally_merge(&large->best, &tally);
    tally_clear(&tally);
}

void
row_large(const RowOptions *options)
{
    g_autoptr(GPtrArray) hosts = hosts_large();
    g_autoptr(References) references = references_read(options->references);
    Large large = {.references = references, .each = options->each};
    for (guint i = 0; i < hosts->len; i++) {
        const Host *host = hosts->pdata[i];
        if (host->ground && g_pattern_match_simple(options->hosts, host->name))
            run_host(&large, host, (guint)options->n_large);
    }
    const Tally *best = &large.best;
    g_autofree char *what =
        g_strdup_printf("large hosts, mixes 0 to %d each, best known", options->n_large - 1);
    bool met = tally_mean(best) <= MAX_MEAN && best->worst <= MAX_WORST &&
               best->n_broken + large.n_offences + large.n_missing == 0;
    print_row(what, "mean 1.02×, worst 1.10×", met,
              "mean %.4f×, worst %.4f× (%s), %u of %u equal; better than annealing in %u; more wishes "
              "broken in %u, refused "
              "or not legal in %u; without reference: %u",
              tally_mean(best), best->worst, best->worst_case ? best->worst_case : "none", best->n_equal,
              best->n, large.n_ahead, best->n_broken, large.n_offences, large.n_missing);
    baseline_tally_print(&large.baselines);
    tally_clear(&large.best);
    baseline_tally_clear(&large.baselines);
}
