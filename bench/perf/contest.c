/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/contest.h"

#include <math.h>
#include <time.h>

#include "bench/perf/judge.h"
#include "tuners/cost.h"

#define ROUNDING 1e-6

double
contest_cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

double
contest_ratio(Score score, Score best)
{
    if (best.cost < ROUNDING)
        return score.cost < ROUNDING ? 1 : 1 + score.cost;
    return score.cost / best.cost;
}

Score
contest_score(const KtPlacementProblem *problem, const KtPlacement *placement, const Score *board_score)
{
    Score score = {judge_broken(problem, placement), kt_cost(problem, placement).total};
    if (!board_score)
        return score;
    g_autofree char *offence = judge_offence(problem, placement);
    if (offence)
        g_error("not legal: %s", offence);
    if (score.broken != board_score->broken || fabs(score.cost - board_score->cost) > ROUNDING)
        g_error("counted differently: %u broken, cost %.9f; %u broken, cost %.9f", score.broken, score.cost,
                board_score->broken, board_score->cost);
    return score;
}

static void
run_engine(const KtPlacementProblem *problem, Contest *contest)
{
    double before = contest_cpu_ms();
    g_autoptr(KtPlacement) placement = kt_placement_solve(problem);
    contest->cpu_ms = contest_cpu_ms() - before;
    contest->engine = contest_score(problem, placement, NULL);
    contest->offence = judge_offence(problem, placement);
    for (guint i = 0; !contest->offence && i < placement->n_seats; i++) {
        if (placement->seats[i].refusal)
            contest->offence =
                g_strdup_printf("%s refused: %s", problem->domains[i].name, placement->seats[i].refusal);
    }
}

Contest
contest_run(const Host *host, Mix *mix, bool baselines)
{
    Contest contest = {0};
    const KtPlacementProblem *problem = mix_problem(mix);
    run_engine(problem, &contest);
    for (guint i = 0; baselines && i < N_BASELINES; i++) {
        g_autoptr(Board) board = board_new(host->ground, problem);
        contest.baseline_found[i] = baseline_place(board, (Baseline)i, &contest.baselines[i]);
        if (!contest.baseline_found[i])
            continue;
        g_autoptr(KtPlacement) placement = board_placement(board);
        contest_score(problem, placement, &contest.baselines[i]);
    }
    return contest;
}

void
contest_clear(Contest *contest)
{
    g_free(contest->offence);
}
