/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/baselines.h"
#include "bench/perf/hosts.h"

/** One mix, placed by the engine and by the others. */
typedef struct {
    Score engine;
    double cpu_ms;
    char *offence; /* why the engine's placement isn't legal, or that it refused; or NULL */
    Score baselines[N_BASELINES];
    bool baseline_found[N_BASELINES];
} Contest;

/** Runs the engine, and (@baselines) the baselines too. Stops the program where the two ways to count the
 * cost differ. */
Contest contest_run(const Host *host, Mix *mix, bool baselines);
void contest_clear(Contest *contest);

/** How much more @score costs than @best, 1 = equal. */
double contest_ratio(Score score, Score best);

/** The score of a placement by its sets; stops the program where @board_score differs: one of the two would
 * be wrong. */
Score
contest_score(const KtPlacementProblem *problem, const KtPlacement *placement, const Score *board_score);

/** CPU time of this process, ms. */
double contest_cpu_ms(void);
