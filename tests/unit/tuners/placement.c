/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_sets.h"

static void
test_nobody(void)
{
    g_autoptr(Case) it = case_new(HOST);
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpuint(placement->n_seats, ==, 0);
}

static void
test_spread_uses_all_groups(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "own", 4, "0-31")->policy = KT_PLACEMENT_SPREAD;
    case_add(it, "web", 2, "0-7")->policy = KT_PLACEMENT_SPREAD;
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_cmpuint(sets_count_groups(it, placement, 0), ==, 4);
    g_assert_cmpuint(sets_count_groups(it, placement, 1), ==, 4);
}

static void
test_cells_on_distinct_nodes(void)
{
    for (guint exclusive = 0; exclusive < 2; exclusive++) {
        g_autoptr(Case) it = case_new(HOST);
        KtSeatDomain *domain = case_add(it, "big", 4, "0-31");
        domain->exclusive = exclusive;
        for (guint i = 0; i < 4; i++)
            case_vcpus(domain)[i].cell = (gint)(i / 2);
        g_autoptr(KtPlacement) placement = sets_solve(it);
        const KtSeat *seat = &placement->seats[0];
        for (guint node = 0; node < 2; node++) {
            const KtCpuset *cpus = it->topology->nodes[node].cpus;
            g_assert_true(hwloc_bitmap_intersects(seat->vcpus[0], cpus) !=
                          hwloc_bitmap_intersects(seat->vcpus[2], cpus));
            g_assert_true(hwloc_bitmap_intersects(seat->vcpus[0], cpus) ==
                          hwloc_bitmap_intersects(seat->vcpus[1], cpus));
        }
    }
}

static void
test_larger_than_everything(void)
{
    /* Given a guest as large as the host. */
    g_autoptr(Case) it = case_new(HOST);
    case_add_exclusive(it, "huge", 32, "0-31");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_null(placement->seats[0].refusal);
}

static void
test_present(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_set_before(it, case_add_exclusive(it, "db", 2, "0"), "26;0-31");
    g_autoptr(KtPlacement) placement = kt_placement_present(case_problem(it));
    sets_assert(placement, 0, "26;0-31");
    g_assert_null(placement->seats[0].reason);
    g_assert_null(placement->seats[0].refusal);
}

static void
test_domain_without_vcpus(void)
{
    g_autoptr(Case) it = case_new(HOST);
    case_add(it, "none", 0, "0");
    case_add_exclusive(it, "no-own", 0, "0");
    g_autoptr(KtPlacement) placement = sets_solve(it);
    g_assert_null(placement->seats[0].refusal);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/nobody", test_nobody);
    g_test_add_func("/placement/exclusive/large", test_larger_than_everything);
    g_test_add_func("/placement/spread", test_spread_uses_all_groups);
    g_test_add_func("/placement/cells", test_cells_on_distinct_nodes);
    g_test_add_func("/placement/present", test_present);
    g_test_add_func("/placement/without-vcpus", test_domain_without_vcpus);
    return g_test_run();
}
