/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/perf/rows.h"

/*
 * placement-bench: how good and how fast the placement engine is. bench/perf/README.md says how to read it.
 *
 *   mix.c, mix_history.c, hosts.c      the cases: random problems on small and large hosts
 *   ground.c, board.c, board_cost.c    a second implementation of the design's cost, that counts changes
 *   oracle.c, anneal.c, baselines.c    what the engine is compared with
 *   judge.c                            what is legal
 *   references.c, contest.c            one case, all contestants
 *   row_*.c, show.c                    the table, and one case for people
 */

typedef struct {
    const char *name;
    void (*print)(const RowOptions *options);
} Row;

static const Row rows[] = {
    {"small", row_small},
    {"large", row_large},
    {"speed", row_speed},
    {"change", row_change},
};

static bool
is_wanted(const char *list, const char *name)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);
    return g_strv_contains((const char *const *)names, name);
}

static int
run(const RowOptions *options, const char *wanted, const char *shown, int solve, int peak, double minutes)
{
    if (peak > 0)
        return row_peak((guint)peak);
    if (solve > 0)
        return row_solve((guint)solve);
    if (shown)
        return show_case(options, shown);
    if (minutes > 0)
        return row_references(options, minutes);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (is_wanted(wanted, rows[i].name))
            rows[i].print(options);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    RowOptions options = {.n_small = 2000,
                          .n_large = 100,
                          .n_runs = 9,
                          .n_restarts = 3,
                          .hosts = "*",
                          .references = KT_SOURCE_DIR "/bench/perf/references"};
    g_autofree char *wanted = NULL, *shown = NULL, *hosts = NULL, *references = NULL;
    int solve = 0, peak = 0;
    double minutes = 0;
    const GOptionEntry entries[] = {
        {"rows", 0, 0, G_OPTION_ARG_STRING, &wanted, "small, large, speed, change; default: all", "ROWS"},
        {"hosts", 0, 0, G_OPTION_ARG_STRING, &hosts, "only these", "GLOB"},
        {"small", 0, 0, G_OPTION_ARG_INT, &options.n_small, "mixes on small hosts", "N"},
        {"mixes", 0, 0, G_OPTION_ARG_INT, &options.n_large, "mixes a large host", "N"},
        {"each", 0, 0, G_OPTION_ARG_NONE, &options.each, "print each case of the row large", NULL},
        {"runs", 0, 0, G_OPTION_ARG_INT, &options.n_runs, "of what is timed", "N"},
        {"case", 0, 0, G_OPTION_ARG_STRING, &shown, "print one case: all contestants' placements and costs",
         "HOST:MIX"},
        {"references", 0, 0, G_OPTION_ARG_DOUBLE, &minutes,
         "compute references for so long, add them to the file", "MINUTES"},
        {"restarts", 0, 0, G_OPTION_ARG_INT, &options.n_restarts, "runs of annealing a mix for --references",
         "N"},
        {"file", 0, 0, G_OPTION_ARG_FILENAME, &references, "the references", "FILE"},
        {"solve", 0, 0, G_OPTION_ARG_INT, &solve, "solve a fixed case of so many domains: for callgrind",
         "N"},
        {"peak", 0, 0, G_OPTION_ARG_INT, &peak, "the same on 1,024 CPUs: for its peak memory", "N"},
        {0},
    };
    setlocale(LC_ALL, "");
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("- measures the placement engine");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    if (hosts)
        options.hosts = hosts;
    if (references)
        options.references = references;
    return run(&options, wanted ? wanted : "small,large,speed,change", shown, solve, peak, minutes);
}
