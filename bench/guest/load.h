/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/**
 * A load for guests that have nothing installed: one static program without libraries. Each load prints its
 * figures, a "NAME VALUE" line each, and gives the exit code.
 */

/** Nanoseconds of a clock that is never set. */
int64_t load_now_ns(void);

/** Keeps its argument from being optimised away. */
void load_use(uint64_t value);

/** Prints "NAME VALUE". */
void load_print(const char *name, double value);

/** Prints NAME_p50 and NAME_p99 of @n values, which are sorted by it. */
void load_print_quantiles(const char *name, double *values, int n);

/** Says "WHAT: why" of errno on stderr; gives 1. */
int load_fail(const char *what);

/** Latency of dependent reads and bandwidth of writes, in a buffer beyond the caches. */
int load_memory(char **arguments);

/** A cache line handed to and fro between two threads, on CPUs 0 and 1. */
int load_ping_pong(char **arguments);

/** How late a sleeper wakes up. */
int load_timer(char **arguments);

/** Random reads and flushed writes in a new file in arguments[0], a directory; it is removed again. */
int load_disk(char **arguments);

/** Answers load_net() at port arguments[0] until it is ended. */
int load_serve(char **arguments);

/** TCP round trips and throughput to arguments[0] (an IPv4 address), port arguments[1]. */
int load_net(char **arguments);
