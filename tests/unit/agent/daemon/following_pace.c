/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/following_pace.h"

#include <string.h>

#include "base/root.h"

#define GIB (1024 * 1024)

static void
test_obstacles(void)
{
    static const struct {
        double stalled;
        gint64 free_kib, total_kib;
        bool waits;
        const char *words; /* NULL = goes on */
    } cases[] = {
        {0, 8 * GIB, 16 * GIB, false, NULL},
        {9.9, 8 * GIB, 16 * GIB, false, NULL},
        {10, 8 * GIB, 16 * GIB, false, "tasks wait for memory (10 %"},
        /* once it waits it has to be well over */
        {9.9, 8 * GIB, 16 * GIB, true, "tasks wait for memory"},
        {4.9, 8 * GIB, 16 * GIB, true, NULL},
        /* a kernel without pressure figures, or without those of the node */
        {-1, 8 * GIB, 16 * GIB, true, NULL},
        {0, KT_ABSENT, KT_ABSENT, false, NULL},
        /* a fiftieth of the node is left to others: 328 MiB, and the batch has to fit beside it */
        {0, 300 * 1024, 16 * GIB, false, "node 1 has 300 MiB free, 327 MiB of which are left to others"},
        {0, 330 * 1024, 16 * GIB, false, "node 1 has 330 MiB free"},
        {0, 400 * 1024, 16 * GIB, false, NULL},
        {0, 400 * 1024, 16 * GIB, true, "node 1 has 400 MiB free, 655 MiB"},
        {0, 700 * 1024, 16 * GIB, true, NULL},
        /* of a small node never less than a batch */
        {0, 30 * 1024, 128 * 1024, false, "node 1 has 30 MiB free, 16 MiB"},
        {0, 33 * 1024, 128 * 1024, false, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const KtFollowingSight sight = {cases[i].stalled, 1, cases[i].free_kib, cases[i].total_kib};
        g_autofree char *obstacle = kt_following_obstacle(&sight, cases[i].waits);
        if (!cases[i].words)
            g_assert_cmpstr(obstacle, ==, NULL);
        else if (!obstacle || !strstr(obstacle, cases[i].words))
            g_error("case %u: '%s' isn't in: %s", i, cases[i].words, obstacle);
    }
}

static void
test_rest(void)
{
    /* A batch that took no time: as long as the rate says. */
    g_assert_cmpint(kt_following_rest_usec(KT_FOLLOWING_BATCH_KIB, 0), ==, G_USEC_PER_SEC / 16);
    /* One that took its share of it: the rest of that. */
    g_assert_cmpint(kt_following_rest_usec(KT_FOLLOWING_BATCH_KIB, 20000), ==, 42500);
    /* A slow one: at most half of the time is spent so. */
    g_assert_cmpint(kt_following_rest_usec(KT_FOLLOWING_BATCH_KIB, 500000), ==, 500000);
    /* Nothing was moved, but looked at. */
    g_assert_cmpint(kt_following_rest_usec(0, 3000), ==, 3000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/following-pace/obstacles", test_obstacles);
    g_test_add_func("/following-pace/rest", test_rest);
    return g_test_run();
}
