/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bench/guest/load.h"

#define LOAD_NS 500000000
#define PERIOD_NS 1000000
#define MOST_WAKE_UPS 600

/** Who has the ball: 0 serves, 1 returns, 2 ends the game. On a cache line of its own. */
static struct {
    _Alignas(64) atomic_int holder;
} ball;

static int
pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *
return_ball(void *nothing)
{
    int holder;
    pin(1);
    while ((holder = atomic_load_explicit(&ball.holder, memory_order_acquire)) != 2)
        if (holder == 1)
            atomic_store_explicit(&ball.holder, 0, memory_order_release);
    return nothing;
}

int
load_ping_pong(char **arguments)
{
    (void)arguments;
    pthread_t partner;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        fputs("ping-pong: there is only one CPU\n", stderr);
        return 1;
    }
    errno = pthread_create(&partner, NULL, return_ball, NULL);
    if (errno != 0 || (errno = pin(0)) != 0)
        return load_fail("ping-pong");
    uint64_t rounds = 0;
    int64_t begin = load_now_ns(), spent;
    do {
        atomic_store_explicit(&ball.holder, 1, memory_order_release);
        while (atomic_load_explicit(&ball.holder, memory_order_acquire) == 1)
            ;
        rounds++;
        spent = load_now_ns() - begin;
    } while (spent < LOAD_NS);
    atomic_store_explicit(&ball.holder, 2, memory_order_release);
    pthread_join(partner, NULL);
    load_print("round_trip_ns", (double)spent / (double)rounds);
    return 0;
}

int
load_timer(char **arguments)
{
    (void)arguments;
    static double late_usec[MOST_WAKE_UPS];
    int n = 0;
    for (int64_t begin = load_now_ns(); n < MOST_WAKE_UPS && load_now_ns() - begin < LOAD_NS; n++) {
        int64_t before = load_now_ns();
        nanosleep(&(struct timespec){.tv_nsec = PERIOD_NS}, NULL);
        late_usec[n] = (double)(load_now_ns() - before - PERIOD_NS) / 1000;
    }
    load_print_quantiles("late_usec", late_usec, n);
    return 0;
}
