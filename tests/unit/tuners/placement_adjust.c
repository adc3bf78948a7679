/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/seating_rules.h"

/* One domain starts or stops, the others keep their seats but for a few. */

#define HOST "pack:2 [numa] l3:2 core:4 pu:2" /* 32 CPUs, 8 a L3, 16 a node */

/* Makes what @placement says what there is. */
static void
settle(Case *it, const KtPlacement *placement)
{
    for (guint i = 0; i < it->n_domains; i++) {
        for (guint j = 0; j < it->domains[i].n_vcpus; j++) {
            g_autofree char *set = kt_cpuset_format(placement->seats[i].vcpus[j]);
            case_vcpus(&it->domains[i])[j].before = case_set(it, set);
        }
    }
}

static guint
count_moved(const Case *it, const KtPlacement *placement, guint but)
{
    guint n = 0;
    for (guint i = 0; i < it->n_domains; i++) {
        bool moved = false;
        for (guint j = 0; i != but && j < it->domains[i].n_vcpus; j++)
            moved |= !hwloc_bitmap_isequal(it->domains[i].vcpus[j].before, placement->seats[i].vcpus[j]);
        n += moved;
    }
    return n;
}

static KtPlacement *
adjust(Case *it, guint changed, guint max)
{
    KtPlacement *placement = kt_placement_adjust(case_problem(it), changed, max);
    rules_check(it, placement);
    return placement;
}

static double
cost(Case *it, const KtPlacement *placement)
{
    return kt_cost(case_problem(it), placement).total;
}

/* Four exclusive guests, one in each L3, at their places. */
static Case *
full_host(void)
{
    Case *it = case_new(HOST);
    for (guint i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("db-%u", i);
        case_add_exclusive(it, name, 3, "0-31");
    }
    g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
    settle(it, placement);
    return it;
}

static void
test_starts(void)
{
    g_autoptr(Case) it = full_host();
    case_add_exclusive(it, "new", 2, "0-31");
    g_autoptr(KtPlacement) placement = adjust(it, 4, 0);
    g_assert_null(placement->seats[4].refusal);
    g_assert_cmpuint(count_moved(it, placement, 4), ==, 0);
}

static void
test_others_may_make_way(void)
{
    /* Given one free core in each L3, so that a guest of two has none to itself. */
    g_autoptr(Case) it = full_host();
    case_add_exclusive(it, "new", 2, "0-31");
    g_autoptr(KtPlacement) none = adjust(it, 4, 0), two = adjust(it, 4, 2);
    g_assert_cmpuint(count_moved(it, two, 4), <=, 2);
    g_assert_cmpfloat(cost(it, two), <=, cost(it, none) + 1e-9);
}

static void
test_stops(void)
{
    /* Given two guests that share one L3 while another is empty: one has stopped there. */
    g_autoptr(Case) it = case_new("l3:2 core:4 pu:1");
    case_add(it, "a", 4, "0-3");
    case_add(it, "b", 4, "0-3");
    g_autoptr(KtPlacement) stay = adjust(it, KT_PLACEMENT_GONE, 0), move = adjust(it, KT_PLACEMENT_GONE, 1);
    g_assert_cmpuint(count_moved(it, stay, KT_PLACEMENT_GONE), ==, 0);
    g_assert_cmpuint(count_moved(it, move, KT_PLACEMENT_GONE), ==, 1);
    g_assert_cmpfloat(cost(it, move), <, cost(it, stay));
}

static void
test_nothing_happened(void)
{
    g_autoptr(Case) it = full_host();
    g_autoptr(KtPlacement) placement = adjust(it, KT_PLACEMENT_GONE, 2);
    g_assert_cmpuint(count_moved(it, placement, KT_PLACEMENT_GONE), ==, 0);
}

static void
test_no_room(void)
{
    g_autoptr(Case) it = case_new("core:4 pu:1");
    case_add_exclusive(it, "db", 3, "0-2");
    case_set_before(it, &it->domains[0], "0;1;2");
    case_add_exclusive(it, "new", 2, "0-3");
    g_autoptr(KtPlacement) placement = adjust(it, 1, 2);
    g_assert_nonnull(placement->seats[1].refusal);
    g_assert_cmpuint(count_moved(it, placement, 1), ==, 0);
}

/* However domains come and go: legal, and no more move than are allowed, where no common set is touched. */
static void
test_churn(void)
{
    g_autoptr(GRand) chance = g_rand_new_with_seed(1);
    g_autoptr(Case) it = full_host();
    for (guint round = 0; round < 40; round++) {
        guint changed = KT_PLACEMENT_GONE;
        if (it->n_domains > 5 || (it->n_domains > 1 && g_rand_boolean(chance))) {
            it->domains[g_rand_int_range(chance, 0, (gint)it->n_domains)] = it->domains[it->n_domains - 1];
            it->n_domains--;
        } else {
            g_autofree char *name = g_strdup_printf("new-%u", round);
            changed = it->n_domains;
            case_add_exclusive(it, name, (guint)g_rand_int_range(chance, 1, 5), "0-31");
        }
        g_autoptr(KtPlacement) placement = adjust(it, changed, 2);
        g_assert_cmpuint(count_moved(it, placement, changed), <=, 2);
        settle(it, placement);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-adjust/starts", test_starts);
    g_test_add_func("/placement-adjust/others-make-way", test_others_may_make_way);
    g_test_add_func("/placement-adjust/stops", test_stops);
    g_test_add_func("/placement-adjust/nothing-happened", test_nothing_happened);
    g_test_add_func("/placement-adjust/no-room", test_no_room);
    g_test_add_func("/placement-adjust/churn", test_churn);
    return g_test_run();
}
