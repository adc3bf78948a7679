/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/guest/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    const char *name;
    const char *arguments;
    int n_arguments;
    int (*run)(char **arguments);
} Load;

static const Load loads[] = {
    {"memory", "", 0, load_memory},
    {"ping-pong", "", 0, load_ping_pong},
    {"timer", "", 0, load_timer},
    {"disk", "DIRECTORY", 1, load_disk},
    {"net", "ADDRESS PORT", 2, load_net},
    {"serve", "PORT", 1, load_serve},
    {NULL, NULL, 0, NULL},
};

int64_t
load_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void
load_use(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

void
load_print(const char *name, double value)
{
    printf("%s %.4g\n", name, value);
}

static int
by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

void
load_print_quantiles(const char *name, double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    printf("%s_p50 %.4g\n%s_p99 %.4g\n", name, values[n / 2], name, values[n * 99 / 100]);
}

int
load_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int
usage(void)
{
    fputs("usage:\n", stderr);
    for (const Load *load = loads; load->name; load++)
        fprintf(stderr, "  kvm-tune-load %s %s\n", load->name, load->arguments);
    return 2;
}

int
main(int argc, char **argv)
{
    for (const Load *load = loads; argc > 1 && load->name; load++)
        if (strcmp(load->name, argv[1]) == 0 && argc == load->n_arguments + 2) {
            int code = load->run(argv + 2);
            return fflush(stdout) == 0 ? code : load_fail("standard output");
        }
    return usage();
}
