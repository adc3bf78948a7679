/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/why.h"

#include "tests/unit/tuners/scene.h"

#define PINNED(a, b) "<cputune><vcpupin vcpu='0' cpuset='" a "'/><vcpupin vcpu='1' cpuset='" b "'/></cputune>"

static const KtAlternative *
alternative(const KtWhy *why, guint index)
{
    g_assert_cmpuint(index, <, why->alternatives->len);
    return why->alternatives->pdata[index];
}

static void
test_own_cpus(void)
{
    /* Given a guest that is apart on two L3s. */
    g_autoptr(Scene) scene = scene_new("l3:2 core:4 pu:1");
    scene_add_guest(scene, "g", 2, PINNED("0", "4"), "");
    g_autoptr(KtWhy) why = kt_why_new(scene->snapshot, 0, 6);

    /* Then both vCPUs in one L3 are better, and there are two of these. */
    g_assert_true(why->problem->domains[why->domain].exclusive);
    g_assert_true(alternative(why, 0)->present);
    g_assert_cmpuint(why->alternatives->len, ==, 3);
    g_assert_cmpfloat(alternative(why, 1)->cost.total, <, alternative(why, 0)->cost.total);
    g_assert_cmpfloat(alternative(why, 1)->cost.total, <=, alternative(why, 2)->cost.total);
    g_assert_nonnull(alternative(why, 1)->placement->seats[0].reason);
}

static void
test_common_set(void)
{
    g_autoptr(Scene) scene = scene_new("l3:2 core:4 pu:1");
    scene_add_guest(scene, "g", 2, PINNED("0-3", "0-3"), "");
    g_autoptr(KtWhy) why = kt_why_new(scene->snapshot, 0, 6);

    g_assert_false(why->problem->domains[why->domain].exclusive);
    /* The other L3 is as good, but for the moves. */
    g_autofree char *cpus = kt_cpuset_format(alternative(why, 1)->placement->seats[0].vcpus[0]);
    g_assert_cmpstr(cpus, ==, "4-7");
    g_assert_cmpuint(alternative(why, 1)->cost.moves, ==, 2);
    g_assert_cmpfloat_with_epsilon(alternative(why, 1)->cost.total, alternative(why, 0)->cost.total + 0.4,
                                   1e-9);
}

static void
test_others_stay(void)
{
    /* Given the other L3 taken by own CPUs of somebody else. */
    g_autoptr(Scene) scene = scene_new("l3:2 core:2 pu:1");
    scene_add_guest(scene, "db", 2, PINNED("2", "3"), "");
    scene_add_guest(scene, "g", 2, PINNED("0-1", "0-1"), "");
    g_autoptr(KtWhy) why = kt_why_new(scene->snapshot, 1, 6);

    g_assert_cmpuint(why->alternatives->len, ==, 1);
}

/* Somebody away from memory that can't follow it stays as well, and no alternative has moves of his. */
static void
test_others_away_from_memory(void)
{
    g_autoptr(Scene) scene = scene_new("node:2 l3:1 core:4 pu:1");
    scene_add_guest(scene, "db", 2,
                    "<numatune><memory mode='strict' nodeset='1'/></numatune>" PINNED("2", "3"), "");
    scene_add_guest(scene, "g", 2, PINNED("0", "1"), "");
    g_autoptr(KtWhy) why = kt_why_new(scene->snapshot, 1, 6);

    g_assert_cmpuint(why->alternatives->len, >, 1);
    for (guint i = 0; i < why->alternatives->len; i++) {
        const KtSeat *db = &alternative(why, i)->placement->seats[0];
        g_assert_true(hwloc_bitmap_isset(db->vcpus[0], 2) && hwloc_bitmap_isset(db->vcpus[1], 3));
        g_assert_cmpuint(alternative(why, i)->cost.moves, <=, 2);
    }
}

static void
test_most(void)
{
    g_autoptr(Scene) scene = scene_new("l3:4 core:2 pu:1");
    scene_add_guest(scene, "g", 2, PINNED("0-1", "0-1"), "");
    g_autoptr(KtWhy) why = kt_why_new(scene->snapshot, 0, 2);
    g_assert_cmpuint(why->alternatives->len, ==, 3);
}

static void
test_nothing_to_say(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    scene_add_guest(scene, "g", 1, "", "")->active = false;
    g_assert_null(kt_why_new(scene->snapshot, 0, 6));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/why/own-cpus", test_own_cpus);
    g_test_add_func("/why/common-set", test_common_set);
    g_test_add_func("/why/others-stay", test_others_stay);
    g_test_add_func("/why/others-away-from-memory", test_others_away_from_memory);
    g_test_add_func("/why/most", test_most);
    g_test_add_func("/why/nothing", test_nothing_to_say);
    return g_test_run();
}
