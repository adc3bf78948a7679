/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/references.h"

#include <stdlib.h>
#include <string.h>

#include "bench/perf/contest.h"

#define N_FIELDS 7

static char *
key_of(const char *host, guint number)
{
    return g_strdup_printf("%s:%03u", host, number);
}

References *
references_read(const char *path)
{
    References *references = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return references;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) fields = g_strsplit(lines[i], " ", -1);
        if (lines[i][0] == '#' || g_strv_length(fields) != N_FIELDS)
            continue;
        Reference *reference = g_new0(Reference, 1);
        reference->checksum = (guint32)strtoul(fields[2], NULL, 16);
        reference->n_runs = (guint)strtoul(fields[3], NULL, 10);
        reference->best_run = (guint)strtoul(fields[4], NULL, 10);
        reference->score.broken = (guint)strtoul(fields[5], NULL, 10);
        reference->score.cost = g_ascii_strtod(fields[6], NULL);
        guint number = (guint)strtoul(fields[1], NULL, 10);
        g_hash_table_insert(references, key_of(fields[0], number), reference);
    }
    return references;
}

bool
references_write(References *references, const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(
        "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
        "# The best that annealing found: host, mix, the mix's checksum, runs, the best run's number, "
        "broken wishes, cost.\n"
        "# Written by placement-bench --references.\n");
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(references), (GCompareFunc)strcmp);
    for (GList *i = keys; i; i = i->next) {
        const Reference *it = g_hash_table_lookup(references, i->data);
        g_auto(GStrv) names = g_strsplit(i->data, ":", 2);
        g_string_append_printf(text, "%s %s %08x %u %u %u %.9g\n", names[0], names[1], it->checksum,
                               it->n_runs, it->best_run, it->score.broken, it->score.cost);
    }
    return g_file_set_contents(path, text->str, (gssize)text->len, error);
}

const Reference *
references_find(References *references, const Host *host, Mix *mix, guint number)
{
    g_autofree char *key = key_of(host->name, number);
    const Reference *reference = g_hash_table_lookup(references, key);
    mix_problem(mix);
    return reference && reference->checksum == mix_checksum(mix) ? reference : NULL;
}

/* From everywhere, from the present, and from the best baseline, by turns. */
static bool
run(Board *board, guint number, Score *ret_score)
{
    AnnealStart start = (AnnealStart)(number % ANNEAL_N_STARTS);
    Score given;
    if (start == ANNEAL_GIVEN &&
        !baseline_place(board, (Baseline)(number / ANNEAL_N_STARTS % N_BASELINES), &given))
        start = ANNEAL_RANDOM;
    return anneal(board, start, anneal_steps(board), number, ret_score);
}

void
references_improve(References *references, const Host *host, Mix *mix, guint number, guint n_runs)
{
    const KtPlacementProblem *problem = mix_problem(mix);
    const Reference *known = references_find(references, host, mix, number);
    Reference *best = g_new0(Reference, 1);
    *best = known ? *known : (Reference){.checksum = mix_checksum(mix), .score = {G_MAXUINT, 0}};
    for (; best->n_runs < n_runs; best->n_runs++) {
        Score score;
        g_autoptr(Board) board = board_new(host->ground, problem);
        if (!run(board, best->n_runs, &score))
            continue;
        g_autoptr(KtPlacement) placement = board_placement(board);
        contest_score(problem, placement, &score);
        if (!score_is_better(score, best->score))
            continue;
        best->score = score;
        best->best_run = best->n_runs;
    }
    if (best->score.broken == G_MAXUINT)
        g_free(best);
    else
        g_hash_table_insert(references, key_of(host->name, number), best);
}

bool
references_repeat(Board *board, const Reference *reference)
{
    Score score;
    return run(board, reference->best_run, &score);
}
