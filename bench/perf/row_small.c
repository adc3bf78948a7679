/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "bench/perf/oracle.h"
#include "bench/perf/rows.h"
#include "bench/perf/tally.h"

#define MIN_EQUAL_PERCENT 95
#define MAX_WORST 1.05

typedef struct {
    Tally oracle;
    BaselineTally baselines;
    guint n_offences;
} Small;

static void
run_case(Small *small, const Host *host, guint number)
{
    g_autoptr(Mix) mix = host_mix(host, number);
    g_autoptr(Board) board = board_new(host->ground, mix_problem(mix));
    OracleResult best = oracle_solve(board);
    if (!best.placement)
        g_error("%s:%u doesn't fit", host->name, number);
    contest_score(mix_problem(mix), best.placement, &best.score);
    kt_placement_free(best.placement);
    Contest contest = contest_run(host, mix, true);
    if (contest.offence) {
        small->n_offences++;
        printf("    %s:%u: %s\n", host->name, number, contest.offence);
    } else {
        if (score_is_better(contest.engine, best.score) &&
            contest_ratio(contest.engine, best.score) < 1 - 1e-6)
            g_error("%s:%u: better than all there are", host->name, number);
        tally_add(&small->oracle, contest.engine, best.score, host, number);
        baseline_tally_add(&small->baselines, &contest, host, number);
    }
    contest_clear(&contest);
}

void
row_small(const RowOptions *options)
{
    g_autoptr(GPtrArray) hosts = hosts_small();
    Small small = {0};
    for (guint i = 0; i < (guint)options->n_small; i++)
        run_case(&small, hosts->pdata[i % hosts->len], i);
    guint n = (guint)options->n_small;
    double percent = 100.0 * small.oracle.n_equal / n;
    g_autofree char *what = g_strdup_printf("small hosts, mixes 0 to %u, against the oracle", n - 1);
    print_row(what, "equal in 95 %, worst 1.05×",
              percent >= MIN_EQUAL_PERCENT && small.oracle.worst <= MAX_WORST &&
                  small.oracle.n_broken + small.n_offences == 0,
              "equal in %.1f %%, mean %.4f×, worst %.4f× (%s); more wishes broken in %u, "
              "refused or not legal in %u",
              percent, tally_mean(&small.oracle), small.oracle.worst, small.oracle.worst_case,
              small.oracle.n_broken, small.n_offences);
    baseline_tally_print(&small.baselines);
    tally_clear(&small.oracle);
    baseline_tally_clear(&small.baselines);
}
