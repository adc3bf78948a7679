/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/pins_scene.h"

static void
test_emulator_housekeeping(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "db", 2, "<cputune><emulatorpin cpuset='9'/></cputune>", "");

    scene_plan(scene, "[host]\nhousekeeping = auto\n[domain db]\ncpu.placement = shared-cache\n"
                      "cpu.exclusive = yes\ncpu.emulator = auto\n");

    g_autofree char *housekeeping = kt_cpuset_format(scene->plan->housekeeping);
    g_assert_cmpstr(housekeeping, ==, "0-1");
    const KtAction *now = scene_expect(scene, "db", "cpu.emulator", "emulator", KT_WHEN_NOW, "9", "0-1");
    const KtAction *boot =
        scene_expect(scene, "db", "cpu.emulator", "emulator", KT_WHEN_NEXT_BOOT, "9", "0-1");
    g_assert_cmpint(now->kind, ==, KT_STEP_PIN);
    g_assert_cmpint(boot->field, ==, KT_XML_EMULATOR_PIN);
    scene_assert_emulator(scene, "db", "0-1");
    const KtSeat *seat = scene_seat(scene, "db");
    for (guint i = 0; i < seat->n_vcpus; i++)
        g_assert_false(hwloc_bitmap_intersects(seat->vcpus[i], scene->plan->housekeeping));
}

static void
test_no_housekeeping(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "db", 2, "", "");

    scene_plan(scene, "[domain db]\ncpu.emulator = housekeeping\n");

    scene_expect_refused(scene, "db", "cpu.emulator", "emulator", "'housekeeping' in [host]");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

/* `auto` leaves guests a core. */
static void
test_housekeeping_of_one_core(void)
{
    g_autoptr(Scene) scene = scene_new("l3:1 core:1 pu:2");

    scene_plan(scene, "[host]\nhousekeeping = auto\n");

    g_assert_true(hwloc_bitmap_iszero(scene->plan->housekeeping));
}

static void
test_housekeeping_list(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    g_autoptr(Scene) wrong = scene_new(HOST);

    scene_plan(scene, "[host]\nhousekeeping = 0,8\n");
    scene_plan(wrong, "[host]\nhousekeeping = 0,64-65\n");

    g_autofree char *housekeeping = kt_cpuset_format(scene->plan->housekeeping);
    g_assert_cmpstr(housekeeping, ==, "0,8");
    g_assert_true(hwloc_bitmap_iszero(wrong->plan->housekeeping));
    scene_expect_refused(wrong, NULL, "housekeeping", NULL, "no CPU 64-65");
}

/* Near for exclusive vCPUs: in their cache group, on cores of nobody. */
static void
test_emulator_near_exclusive(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "db", 2, "", "");

    scene_plan(scene,
               "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\ncpu.emulator = near\n");

    const KtTopology *topology = scene->snapshot->topology;
    const KtSeat *seat = scene_seat(scene, "db");
    const KtPu *first = kt_topology_pu(topology, (guint)hwloc_bitmap_first(seat->vcpus[0]));
    const KtCpuset *emulator = scene->plan->domains[0].emulator;
    g_assert_cmpint(hwloc_bitmap_weight(emulator), ==, 4);
    g_assert_true(hwloc_bitmap_isincluded(emulator, topology->groups[first->group].cpus));
    for (guint i = 0; i < seat->n_vcpus; i++) {
        const KtPu *pu = kt_topology_pu(topology, (guint)hwloc_bitmap_first(seat->vcpus[i]));
        g_assert_false(hwloc_bitmap_intersects(emulator, topology->cores[pu->core].cpus));
    }
}

/* With every core of the group taken their siblings are nearer than another node; `isolate` leaves those
 * empty too. */
static void
test_emulator_near_full_group(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    g_autoptr(Scene) isolated = scene_new(HOST);
    scene_add_guest(scene, "db", 4, "", "");
    scene_add_guest(isolated, "db", 4, "", "");

    scene_plan(scene,
               "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\ncpu.emulator = near\n");
    scene_plan(isolated, "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\ncpu.smt = isolate\n"
                         "cpu.emulator = near\n");

    const KtTopology *topology = scene->snapshot->topology;
    const KtCpuset *own =
        topology
            ->groups[kt_topology_pu(topology, (guint)hwloc_bitmap_first(scene_seat(scene, "db")->vcpus[0]))
                         ->group]
            .cpus;
    g_assert_true(hwloc_bitmap_isincluded(scene->plan->domains[0].emulator, own));
    g_assert_cmpint(hwloc_bitmap_weight(scene->plan->domains[0].emulator), ==, 4);

    const KtTopology *other = isolated->snapshot->topology;
    const KtPu *pu = kt_topology_pu(other, (guint)hwloc_bitmap_first(scene_seat(isolated, "db")->vcpus[0]));
    g_assert_false(
        hwloc_bitmap_intersects(isolated->plan->domains[0].emulator, other->groups[pu->group].cpus));
    g_assert_cmpint(hwloc_bitmap_weight(isolated->plan->domains[0].emulator), ==, 8);
}

static void
test_emulator_near_nothing_left(void)
{
    g_autoptr(Scene) scene = scene_new("l3:1 core:2 pu:1");
    scene_add_guest(scene, "db", 2, "", "");

    scene_plan(scene,
               "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\ncpu.emulator = auto\n");

    scene_expect_refused(scene, "db", "cpu.emulator", "emulator", "own all placeable CPUs");
    g_assert_null(scene_action(scene, "db", "cpu.emulator", "emulator", KT_WHEN_NOW));
}

/* Near for others: the same CPUs as the vCPUs, planned or present. */
static void
test_emulator_near_shared(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "there", 2,
                    "<cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='5'/></cputune>", "");
    scene_add_guest(scene, "web", 2, "", "");

    scene_plan(scene, "[domain web]\ncpu.placement = shared-cache\ncpu.emulator = auto\n"
                      "[domain there]\ncpu.emulator = near\n");

    g_autofree char *set = kt_cpuset_format(scene_seat(scene, "web")->vcpus[0]);
    scene_assert_emulator(scene, "web", set);
    scene_expect(scene, "web", "cpu.emulator", "emulator", KT_WHEN_NOW, "0-15", set);
    scene_expect(scene, "there", "cpu.emulator", "emulator", KT_WHEN_NOW, "0-15", "2,5");
    scene_expect(scene, "there", "cpu.emulator", "emulator", KT_WHEN_NEXT_BOOT, NULL, "2,5");
}

static void
test_emulator_list(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    hwloc_bitmap_clr_range(scene->snapshot->topology->placeable, 12, 15);
    scene_add_guest(scene, "absent", 1, "", "");
    scene_add_guest(scene, "forbidden", 1, "", "");
    scene_add_guest(scene, "trimmed", 1, "", "");

    scene_plan(scene, "[domain absent]\ncpu.emulator = 3,64-65\n[domain forbidden]\ncpu.emulator = 12-13\n"
                      "[domain trimmed]\ncpu.emulator = 10-15\n");

    scene_expect_refused(scene, "absent", "cpu.emulator", "emulator", "no CPU 64-65");
    scene_expect_refused(scene, "forbidden", "cpu.emulator", "emulator", "12-13");
    scene_expect(scene, "trimmed", "cpu.emulator", "emulator", KT_WHEN_NOW, "0-11", "10-11");
}

static void
test_iothreads(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    const char threads[] =
        "<iothreads>2</iothreads><cputune><iothreadpin iothread='2' cpuset='3'/></cputune>";
    scene_add_guest(scene, "db", 1, threads, "");
    scene_add_guest(scene, "none", 1, "", "");

    scene_plan(scene, "[host]\nhousekeeping = 2-3\n[domain *]\ncpu.iothreads = housekeeping\n");

    scene_expect(scene, "db", "cpu.iothreads", "iothread 1", KT_WHEN_NOW, "0-15", "2-3");
    const KtAction *boot =
        scene_expect(scene, "db", "cpu.iothreads", "iothread 1", KT_WHEN_NEXT_BOOT, NULL, "2-3");
    scene_expect(scene, "db", "cpu.iothreads", "iothread 2", KT_WHEN_NOW, "3", "2-3");
    scene_expect(scene, "db", "cpu.iothreads", "iothread 2", KT_WHEN_NEXT_BOOT, "3", "2-3");
    g_assert_cmpint(boot->field, ==, KT_XML_IOTHREAD_PIN);
    g_assert_cmpuint(scene->plan->actions->len, ==, 4);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_cmpuint(scene->plan->domains[0].iothreads->len, ==, 2);
    const KtIoThread *second = scene->plan->domains[0].iothreads->pdata[1];
    g_autofree char *planned = kt_cpuset_format(second->affinity);
    g_assert_cmpstr(planned, ==, "2-3");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pins/emulator/housekeeping", test_emulator_housekeeping);
    g_test_add_func("/pins/emulator/no-housekeeping", test_no_housekeeping);
    g_test_add_func("/pins/housekeeping/one-core", test_housekeeping_of_one_core);
    g_test_add_func("/pins/housekeeping/list", test_housekeeping_list);
    g_test_add_func("/pins/emulator/near-exclusive", test_emulator_near_exclusive);
    g_test_add_func("/pins/emulator/near-full-group", test_emulator_near_full_group);
    g_test_add_func("/pins/emulator/near-nothing-left", test_emulator_near_nothing_left);
    g_test_add_func("/pins/emulator/near-shared", test_emulator_near_shared);
    g_test_add_func("/pins/emulator/list", test_emulator_list);
    g_test_add_func("/pins/iothreads", test_iothreads);
    return g_test_run();
}
