/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/tally.h"

#include <stdarg.h>
#include <stdio.h>

#define EQUAL 1e-6

static void
take_worst(Tally *tally, double ratio, const char *name)
{
    if (tally->worst_case && ratio <= tally->worst)
        return;
    tally->worst = ratio;
    g_free(tally->worst_case);
    tally->worst_case = g_strdup(name);
}

void
tally_add(Tally *tally, Score score, Score other, const Host *host, guint mix)
{
    g_autofree char *name = g_strdup_printf("%s:%u", host->name, mix);
    if (score.broken > other.broken) {
        if (tally->n_broken++ == 0)
            tally->broken_case = g_steal_pointer(&name);
        return;
    }
    if (score.broken < other.broken)
        return;
    double ratio = contest_ratio(score, other);
    tally->n++;
    tally->sum += ratio;
    tally->n_equal += ratio <= 1 + EQUAL && ratio >= 1 - EQUAL;
    take_worst(tally, ratio, name);
}

void
tally_merge(Tally *tally, const Tally *other)
{
    tally->n += other->n;
    tally->sum += other->sum;
    tally->n_equal += other->n_equal;
    if (other->worst_case)
        take_worst(tally, other->worst, other->worst_case);
    tally->n_broken += other->n_broken;
    if (!tally->broken_case)
        tally->broken_case = g_strdup(other->broken_case);
}

void
tally_clear(Tally *tally)
{
    g_free(tally->worst_case);
    g_free(tally->broken_case);
}

void
baseline_tally_add(BaselineTally *tally, const Contest *contest, const Host *host, guint mix)
{
    for (guint i = 0; i < N_BASELINES; i++) {
        tally->n_lost[i] += !contest->baseline_found[i];
        if (!contest->baseline_found[i])
            continue;
        tally_add(&tally->gain[i], contest->baselines[i], contest->engine, host, mix);
        if (!score_is_better(contest->baselines[i], contest->engine))
            continue;
        tally->n_better[i]++;
        if (!tally->better_case[i])
            tally->better_case[i] = g_strdup_printf("%s:%u", host->name, mix);
    }
}

void
baseline_tally_print(BaselineTally *tally)
{
    for (guint i = 0; i < N_BASELINES; i++) {
        const Tally *gain = &tally->gain[i];
        g_autofree char *what = g_strdup_printf("  against %s", baseline_names[i]);
        print_row(what, "never worse", tally->n_better[i] == 0,
                  "worse in %u%s%s; it costs %.3f× on average, equal in %u of %u; it breaks more "
                  "wishes in %u, finds no "
                  "place in %u",
                  tally->n_better[i], tally->better_case[i] ? ", first " : "",
                  tally->better_case[i] ? tally->better_case[i] : "", tally_mean(gain), gain->n_equal,
                  gain->n, gain->n_broken, tally->n_lost[i]);
    }
}

void
baseline_tally_clear(BaselineTally *tally)
{
    for (guint i = 0; i < N_BASELINES; i++) {
        tally_clear(&tally->gain[i]);
        g_free(tally->better_case[i]);
    }
}

void
print_row(const char *what, const char *aim, bool met, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *seen = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    printf("%-48s %-28s %-7s %s\n", what, aim, met ? "met" : "NOT MET", seen);
    fflush(stdout);
}
