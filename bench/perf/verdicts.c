/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How often the verdicts of `kvm-tune bench` are wrong, and what they see.
 *
 *   verdicts simulate [NOISE]
 *       False verdicts of 2,000 benchmarks without any difference, and power at 2, 5, 10 and 30 %. NOISE: a
 * file of measured values in the order of time, one a line, instead of made-up noise. Exit code 1 where the
 * false ones are more than 5 %, beyond chance.
 *
 *   verdicts compare SAMPLES
 *       The figures of stored samples ("METRIC before before after after" a line), for tests/statistics.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/statistics.h"

#define ROUNDS 2000
#define MOST_METRICS 5
#define MOST_FALSE 0.065 /* 5 %, and three standard errors of so many rounds */

/** Where values come from: measured ones from a random place on, or noise with drift and spikes. */
typedef struct {
    GRand *random;
    GArray *measured; /* double; empty: made up */
    double sigma;     /* of the made-up noise */
    guint place;
    double drift; /* per run */
    double wander;
} Noise;

static double
normal(GRand *random)
{
    double u = 1 - g_rand_double(random);
    return sqrt(-2 * log(u)) * cos(2 * G_PI * g_rand_double(random));
}

static void
noise_begin(Noise *noise)
{
    noise->place =
        noise->measured->len ? (guint)g_rand_int_range(noise->random, 0, (gint32)noise->measured->len) : 0;
    noise->drift = 0.005 * normal(noise->random);
    noise->wander = 0;
}

/* The machine slows down or speeds up evenly, wanders, and one run in twenty is disturbed. */
static double
noise_next(Noise *noise)
{
    if (noise->measured->len)
        return g_array_index(noise->measured, double, noise->place++ % noise->measured->len);
    noise->wander += noise->drift + 0.3 * noise->sigma * normal(noise->random);
    double spike = g_rand_double(noise->random) < 0.05 ? 1.2 + 2 * g_rand_double(noise->random) : 1;
    return 100 * spike * exp(noise->wander + noise->sigma * normal(noise->random));
}

/* One block in a random order, its second arm @factor times slower. */
static KtBlock
make_block(Noise *noise, double factor)
{
    double v[4];
    for (guint i = 0; i < 4; i++)
        v[i] = noise_next(noise);
    if (g_rand_boolean(noise->random))
        return (KtBlock){{v[0], v[3]}, {v[1] * factor, v[2] * factor}};
    return (KtBlock){{v[1], v[2]}, {v[0] * factor, v[3] * factor}};
}

/* How many of ROUNDS benchmarks of @n_metrics say better or worse of at least one. */
static guint
count_verdicts(Noise *noise, guint n_blocks, guint n_metrics, double factor)
{
    guint count = 0;
    for (guint round = 0; round < ROUNDS; round++) {
        KtMeasured measured[MOST_METRICS];
        KtComparison comparisons[MOST_METRICS];
        g_autofree KtBlock *blocks = g_new(KtBlock, n_metrics * n_blocks);
        for (guint m = 0; m < n_metrics; m++) {
            noise_begin(noise);
            for (guint b = 0; b < n_blocks; b++)
                blocks[m * n_blocks + b] = make_block(noise, factor);
            measured[m] = (KtMeasured){blocks + m * n_blocks, n_blocks, false, 0.05};
        }
        kt_compare(measured, n_metrics, comparisons);
        for (guint m = 0; m < n_metrics; m++)
            if (comparisons[m].verdict == KT_VERDICT_BETTER || comparisons[m].verdict == KT_VERDICT_WORSE) {
                count++;
                break;
            }
    }
    return count;
}

static bool
simulate_one(Noise *noise, guint n_blocks)
{
    guint one = count_verdicts(noise, n_blocks, 1, 1),
          five = count_verdicts(noise, n_blocks, MOST_METRICS, 1);
    printf("%6u %10.1f %% %10.1f %%", n_blocks, 100.0 * one / ROUNDS, 100.0 * five / ROUNDS);
    for (const double *effect = (const double[]){0.02, 0.05, 0.1, 0.3, 0}; *effect > 0; effect++)
        printf(" %7.0f %%", 100.0 * count_verdicts(noise, n_blocks, 1, 1 + *effect) / ROUNDS);
    putchar('\n');
    return MAX(one, five) <= MOST_FALSE * ROUNDS;
}

static bool
read_noise(const char *path, GArray *values)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        double value = g_ascii_strtod(*line, NULL);
        if (value > 0)
            g_array_append_val(values, value);
    }
    return values->len > 0;
}

static int
simulate(const char *path)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    g_autoptr(GArray) measured = g_array_new(FALSE, FALSE, sizeof(double));
    if (path && !read_noise(path, measured))
        return 1;
    bool fine = true;
    for (const double *sigma = (const double[]){0.01, 0.03, 0.1, 0}; *sigma > 0; sigma++) {
        Noise noise = {.random = random, .measured = measured, .sigma = *sigma};
        if (path)
            printf("%u values of %s\n", measured->len, path);
        else
            printf("noise %.0f %%, drift, spikes\n", *sigma * 100);
        puts("blocks  false, 1 metric  5 metrics  found: 2 %       5 %      10 %      30 %");
        for (const guint *n = (const guint[]){6, 8, 12, 20, 0}; *n > 0; n++)
            fine = simulate_one(&noise, *n) && fine;
        if (path)
            break;
    }
    return fine ? 0 : 1;
}

/* The metrics of stored samples: name → GArray of KtBlock, in @names' order. */
static bool
read_samples(const char *path, GPtrArray *names, GHashTable *metrics)
{
    FILE *file = fopen(path, "re");
    char name[64];
    KtBlock block;
    if (file == NULL)
        return false;
    while (fscanf(file, "%63s %lf %lf %lf %lf", name, &block.before[0], &block.before[1], &block.after[0],
                  &block.after[1]) == 5) {
        GArray *blocks = g_hash_table_lookup(metrics, name);
        if (blocks == NULL) {
            blocks = g_array_new(FALSE, FALSE, sizeof(KtBlock));
            g_ptr_array_add(names, g_strdup(name));
            g_hash_table_insert(metrics, g_strdup(name), blocks);
        }
        g_array_append_val(blocks, block);
    }
    return fclose(file) == 0 && names->len > 0 && names->len <= MOST_METRICS;
}

static int
compare(const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) metrics =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    KtMeasured measured[MOST_METRICS];
    KtComparison comparisons[MOST_METRICS];
    if (!read_samples(path, names, metrics))
        return 1;
    for (guint i = 0; i < names->len; i++) {
        const GArray *blocks = g_hash_table_lookup(metrics, names->pdata[i]);
        measured[i] = (KtMeasured){(const KtBlock *)(gpointer)blocks->data, blocks->len, false, 0.05};
    }
    kt_compare(measured, names->len, comparisons);
    for (guint i = 0; i < names->len; i++) {
        const KtComparison *c = &comparisons[i];
        const KtMeasured *m = &measured[i];
        KtInterval before = kt_median_interval(m->blocks, m->n_blocks, false);
        printf("%s %.12g %.12g %.12g %.12g %.12g %.12g %.12g %.12g %.12g\n", (char *)names->pdata[i], c->p,
               c->p_adjusted, c->effect, c->change.value, c->change.low, c->change.high, before.value,
               before.low, before.high);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "simulate") == 0)
        return simulate(argv[2]);
    if (argc == 3 && strcmp(argv[1], "compare") == 0)
        return compare(argv[2]);
    fputs("usage: verdicts simulate [NOISE] | verdicts compare SAMPLES\n", stderr);
    return 2;
}
