/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "bench/guest/load.h"

#define BUFFER_BYTES (24u << 20)
#define LINE_BYTES 64
#define N_LINES (BUFFER_BYTES / LINE_BYTES)
#define LOAD_NS 300000000 /* of each part */

typedef struct {
    uint64_t next;
    char rest[LINE_BYTES - sizeof(uint64_t)];
} Line;

/* One cycle through all lines in an order that no prefetcher guesses (Sattolo). */
static void
link_lines(Line *lines)
{
    uint64_t state = 88172645463325252u;
    for (uint64_t i = 0; i < N_LINES; i++)
        lines[i].next = i;
    for (uint64_t i = N_LINES - 1; i > 0; i--) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uint64_t other = state % i, kept = lines[i].next;
        lines[i].next = lines[other].next;
        lines[other].next = kept;
    }
}

static double
latency_ns(const Line *lines)
{
    uint64_t place = 0, reads = 0;
    int64_t begin = load_now_ns(), spent;
    do {
        for (int i = 0; i < 10000; i++)
            place = lines[place].next;
        reads += 10000;
        spent = load_now_ns() - begin;
    } while (spent < LOAD_NS);
    load_use(place);
    return (double)spent / (double)reads;
}

static double
bandwidth_mib_s(Line *lines)
{
    uint64_t bytes = 0;
    int64_t begin = load_now_ns(), spent;
    do {
        memset(lines, (int)(bytes >> 20), BUFFER_BYTES);
        load_use(lines[bytes % N_LINES].next);
        bytes += BUFFER_BYTES;
        spent = load_now_ns() - begin;
    } while (spent < LOAD_NS);
    return (double)bytes / (1 << 20) / ((double)spent / 1e9);
}

int
load_memory(char **arguments)
{
    (void)arguments;
    Line *lines = aligned_alloc(LINE_BYTES, BUFFER_BYTES);
    if (lines == NULL)
        return load_fail("memory");
    link_lines(lines);
    load_print("memory_latency_ns", latency_ns(lines));
    load_print("memory_write_mib_s", bandwidth_mib_s(lines));
    free(lines);
    return 0;
}
