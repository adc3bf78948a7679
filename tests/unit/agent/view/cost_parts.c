/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/cost_parts.h"

/* Each part differs from all others, in points and in words. */
static void
test_parts(void)
{
    const KtCost cost = {.locality = 1,
                         .memory = 2,
                         .devices = 4,
                         .siblings = 8,
                         .kinds = 16,
                         .contention = 32,
                         .crowding = 64,
                         .moves = 640,
                         .moved_gib = 512};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    double total = 0;
    for (guint i = 0; i < KT_N_COST_PARTS; i++) {
        total += kt_cost_part(&cost, i);
        g_assert_true(g_hash_table_add(seen, kt_cost_part_words(&cost, i)));
    }
    g_assert_cmpfloat_with_epsilon(total, 127 + 128 + 256, 1e-9);
    g_assert_true(g_hash_table_contains(seen, "640 vCPUs move"));
    g_assert_true(g_hash_table_contains(seen, "512.0 GiB of memory follow"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cost-parts/all", test_parts);
    return g_test_run();
}
