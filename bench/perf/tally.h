/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/contest.h"

/** What a row adds up over its cases. */

/** Ratios of costs; 1 = equal. Of cases in which both break as many wishes: else costs can't be compared. */
typedef struct {
    guint n, n_equal;
    double sum, worst;
    char *worst_case;  /* "HOST:MIX" */
    guint n_broken;    /* cases with more broken wishes than the other */
    char *broken_case; /* the first of these */
} Tally;

/** Adds what @score is beside @other. */
void tally_add(Tally *tally, Score score, Score other, const Host *host, guint mix);
void tally_merge(Tally *tally, const Tally *other);
void tally_clear(Tally *tally);

static inline double
tally_mean(const Tally *tally)
{
    return tally->n > 0 ? tally->sum / tally->n : 1;
}

/** Baselines: how much more they cost than the engine. */
typedef struct {
    Tally gain[N_BASELINES];     /* baseline / engine */
    guint n_better[N_BASELINES]; /* cases in which the baseline was better */
    guint n_lost[N_BASELINES];   /* cases in which it found no legal placement */
    char *better_case[N_BASELINES];
} BaselineTally;

void baseline_tally_add(BaselineTally *tally, const Contest *contest, const Host *host, guint mix);
void baseline_tally_print(BaselineTally *tally);
void baseline_tally_clear(BaselineTally *tally);

/** Prints a line of the table: what, the aim, what was seen, and whether that is enough. */
G_GNUC_PRINTF(4, 5)
void print_row(const char *what, const char *aim, bool met, const char *format, ...);
