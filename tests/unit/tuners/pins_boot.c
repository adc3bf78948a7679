/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/memory_scene.h"

#include "tuners/seats.h"

/* 2 nodes with one L3 each, 4 cores an L3, 2 threads a core: CPUs 0-15, cores 0-1, 2-3, … */
#define HOST "pack:2 [numa] l3:1 core:4 pu:2"
#define OWN "cpu.placement = shared-cache\ncpu.exclusive = yes\n"
#define SHARED "cpu.placement = shared-cache\n"

/* A domain that is shut off and starts by itself. */
static KtDomain *
add_starter(Scene *scene, const char *name, guint vcpus, const char *rest, const char *devices)
{
    g_autofree char *xml = scene_xml(name, vcpus, rest, devices);
    KtDomain *domain = scene_add(scene, NULL, xml);
    domain->autostart = true;
    return domain;
}

/* The set that is staged for a thread. Owned. */
static KtCpuset *
staged_set(const Scene *scene, const char *domain, const char *key, const char *item)
{
    const KtAction *action = scene_action(scene, domain, key, item, KT_WHEN_NEXT_BOOT);
    g_assert_nonnull(action);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    return kt_cpuset_parse(action->to, true, NULL);
}

static KtCpuset *
staged_vcpus(const Scene *scene, const char *domain, guint n)
{
    KtCpuset *all = hwloc_bitmap_alloc();
    for (guint i = 0; i < n; i++) {
        g_autofree char *item = g_strdup_printf("vcpu %u", i);
        g_autoptr(KtCpuset) one = staged_set(scene, domain, "cpu.placement", item);
        hwloc_bitmap_or(all, all, one);
    }
    return all;
}

static KtCpuset *
planned_vcpus(const Scene *scene, const char *domain)
{
    const KtSeat *seat =
        &scene->plan->placement->seats[scene->plan->domains[scene_index(scene, domain)].seat];
    KtCpuset *all = hwloc_bitmap_alloc();
    for (guint i = 0; i < seat->n_vcpus; i++)
        hwloc_bitmap_or(all, all, seat->vcpus[i]);
    return all;
}

/* ---- all threads ---- */

static void
test_all_threads(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    add_starter(scene, "auto", 2, "<iothreads>2</iothreads>", "");
    scene_add_guest(scene, "db", 4, "", "");
    g_autofree char *manual = scene_xml("manual", 1, "", "");
    scene_add(scene, NULL, manual);

    scene_plan(scene,
               "[host]\nhousekeeping = 0-1\n[domain *]\n" OWN "cpu.emulator = auto\ncpu.iothreads = near\n");

    g_autoptr(KtCpuset) own = staged_vcpus(scene, "auto", 2);
    g_autoptr(KtCpuset) others = planned_vcpus(scene, "db");
    g_assert_cmpint(hwloc_bitmap_weight(own), ==, 2);
    g_assert_false(hwloc_bitmap_intersects(own, others));
    g_assert_false(hwloc_bitmap_isset(own, 0) || hwloc_bitmap_isset(own, 1));
    scene_expect(scene, "auto", "cpu.emulator", "emulator", KT_WHEN_NEXT_BOOT, NULL, "0-1");
    for (guint id = 1; id <= 2; id++) {
        g_autofree char *item = g_strdup_printf("iothread %u", id);
        g_autoptr(KtCpuset) cpus = staged_set(scene, "auto", "cpu.iothreads", item);
        g_assert_false(hwloc_bitmap_intersects(cpus, own) || hwloc_bitmap_intersects(cpus, others));
    }
    /* Nothing of it is there now, and nobody else is shut off and starts by himself. */
    const KtDomainPlan *planned = &scene->plan->domains[0];
    g_assert_cmpint(planned->seat, ==, -1);
    g_assert_null(planned->emulator);
    g_assert_cmpuint(planned->actions->len, ==, 5);
    g_assert_cmpuint(scene->plan->domains[2].actions->len, ==, 0);
    g_assert_true(scene_has_note(scene, "manual", "shut off: CPUs are chosen when it runs"));
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

/* A thread that the definition has and one that this plan adds: each is pinned once. */
static void
test_added_iothread(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    add_starter(scene, "auto", 2, "<iothreads>1</iothreads>",
                "<disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
                "<disk type='file' device='disk'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>");

    scene_plan(scene, "[domain *]\ncpu.iothreads = 4-5\ndisk.iothreads = 2\n");

    scene_expect(scene, "auto", "cpu.iothreads", "iothread 1", KT_WHEN_NEXT_BOOT, NULL, "4-5");
    scene_expect(scene, "auto", "cpu.iothreads", "iothread 2", KT_WHEN_NEXT_BOOT, NULL, "4-5");
    scene_expect(scene, "auto", "disk.iothreads", NULL, KT_WHEN_NEXT_BOOT, "1", "2");
    guint n = 0;
    for (guint i = 0; i < scene->plan->actions->len; i++) {
        const KtAction *action = scene->plan->actions->pdata[i];
        n += g_str_equal(action->setting->key, "cpu.iothreads");
    }
    g_assert_cmpuint(n, ==, 2);
}

static void
test_unpin(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    add_starter(scene, "auto", 2, "<cputune><vcpupin vcpu='1' cpuset='3'/></cputune>", "");

    scene_plan(scene, "[domain *]\ncpu.placement = none\n");

    scene_expect(scene, "auto", "cpu.placement", "vcpu 1", KT_WHEN_NEXT_BOOT, "3", NULL);
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_offline_vcpus(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    const char xml[] = "<domain type='kvm'><name>auto</name><vcpu current='1'>4</vcpu></domain>";
    scene_add(scene, NULL, xml)->autostart = true;

    scene_plan(scene, "[domain *]\n" OWN);

    g_assert_nonnull(scene_action(scene, "auto", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT));
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

/* ---- what stands against it ---- */

static void
test_saved_image(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    add_starter(scene, "auto", 2, "<iothreads>1</iothreads>", "")->managed_save = true;

    scene_plan(scene, "[domain *]\n" OWN "cpu.emulator = 4\ncpu.iothreads = 4\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "auto", "cpu.placement", NULL, "saved image");
    scene_expect_refused(scene, "auto", "cpu.emulator", "emulator", "saved image");
    scene_expect_refused(scene, "auto", "cpu.iothreads", NULL, "saved image");
}

/* Whoever runs keeps his CPUs, however important the other is; and of two the more important one gets in. */
static void
test_no_room(void)
{
    g_autoptr(Scene) scene = scene_new("l3:1 core:8 pu:1");
    add_starter(scene, "first", 3, "", "");
    scene_add_guest(scene, "runs", 4, "", "");
    add_starter(scene, "second", 3, "", "");

    scene_plan(scene, "[domain *]\n" OWN "[domain first]\npriority = 7\n[domain second]\npriority = 8\n");

    g_autoptr(KtCpuset) own = staged_vcpus(scene, "second", 3);
    g_autoptr(KtCpuset) others = planned_vcpus(scene, "runs");
    g_assert_false(hwloc_bitmap_intersects(own, others));
    g_assert_cmpuint(scene->plan->domains[0].actions->len, ==, 0);
    scene_expect_refused(scene, "first", "cpu.exclusive", NULL, "2 missing");
    g_assert_cmpuint(scene->plan->refused->len, ==, 1);
}

/* A full house: who is refused, or placed by nobody, or shares CPUs, drives nobody out for others to come. */
static void
test_full_house(void)
{
    static const struct {
        const char *profile;
        const char *setting;
    } cases[] = {
        {"[domain *]\n" OWN, "cpu.exclusive"},
        {"[domain run-*]\n" OWN "[domain small]\n" OWN, "cpu.exclusive"},
        {"[domain run-*]\n" OWN "[domain small]\n" SHARED, "cpu.placement"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new("l3:1 core:4 pu:1");
        add_starter(scene, "big", 2, "", "");
        scene_add_guest(scene, "run-1", 2, "", "");
        scene_add_guest(scene, "run-2", 2, "", "");
        add_starter(scene, "small", 1, "", "");
        scene_plan(scene, cases[i].profile);
        g_assert_null(scene_action(scene, "small", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT));
        scene_expect_refused(scene, "small", cases[i].setting, NULL, "");
    }
}

static void
test_shape_without_placement(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    add_starter(scene, "auto", 2, "", "");

    scene_plan(scene, "[domain *]\ncpu.exclusive = yes\n");

    scene_expect_refused(scene, "auto", "cpu.exclusive", NULL, "cpu.placement");
}

/* ---- where ---- */

/* Who shares CPUs gets those that the other one leaves, whatever their names are. */
static void
test_own_before_shared(void)
{
    static const char *const profiles[] = {"[domain *]\n" SHARED "[domain b]\ncpu.exclusive = yes\n",
                                           "[domain *]\n" SHARED "[domain a]\npriority = 5\n"
                                           "[domain b]\ncpu.exclusive = yes\n"};
    for (guint i = 0; i < G_N_ELEMENTS(profiles); i++) {
        g_autoptr(Scene) scene = scene_new("l3:1 core:8 pu:1");
        add_starter(scene, "a", 2, "", "");
        add_starter(scene, "b", 4, "", "");
        scene_plan(scene, profiles[i]);
        g_autoptr(KtCpuset) shared = staged_vcpus(scene, "a", 2);
        g_autoptr(KtCpuset) own = staged_vcpus(scene, "b", 4);
        g_assert_cmpint(hwloc_bitmap_weight(own), ==, 4);
        g_assert_false(hwloc_bitmap_intersects(own, shared));
        const KtAction *action = scene_action(scene, "b", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT);
        g_assert_null(strstr(action->reason, "others may run"));
    }
}

/* What is said of a seat holds when all have theirs. */
static void
test_reasons(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    add_starter(scene, "a", 4, "", "");
    add_starter(scene, "b", 4, "", "");
    scene_plan(scene, "[domain *]\n" SHARED);
    for (guint i = 0; i < 2; i++) {
        const KtAction *action =
            scene_action(scene, i == 0 ? "a" : "b", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT);
        g_assert_nonnull(action);
        g_assert_nonnull(strstr(action->reason, "alone in the L3"));
    }
}

/* One that starts by itself where somebody has pinned it is an obstacle, whether a section selects it or not.
 */
static void
test_pinned_by_hand(void)
{
    static const char *const profiles[] = {"[domain a]\n" OWN,
                                           "[domain *]\nmemory.ksm = yes\n[domain a]\n" OWN};
    static const char pins[] = "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/>"
                               "<vcpupin vcpu='2' cpuset='2'/></cputune>";
    for (guint i = 0; i < G_N_ELEMENTS(profiles); i++) {
        g_autoptr(Scene) scene = scene_new("l3:1 core:8 pu:1");
        add_starter(scene, "a", 4, "", "");
        add_starter(scene, "z", 3, pins, "");
        scene_plan(scene, profiles[i]);
        g_autoptr(KtCpuset) own = staged_vcpus(scene, "a", 4);
        g_assert_cmpint(hwloc_bitmap_weight(own), ==, 4);
        g_assert_cmpint(hwloc_bitmap_first(own), >, 2);
        g_assert_null(scene_action(scene, "z", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT));
        g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    }
}

/* It changes nothing for those who run, nor in what the plan says that they cost. */
static void
test_nobody_moves(void)
{
    static const char profile[] = "[domain auto]\n" OWN "[domain web-*]\n" SHARED;
    g_autoptr(Scene) with = scene_new(HOST);
    g_autoptr(Scene) without = scene_new(HOST);
    add_starter(with, "auto", 4, "", "");
    for (guint i = 0; i < 2; i++) {
        Scene *scene = i == 0 ? with : without;
        scene_add_guest(scene, "web-1", 3, "", "");
        scene_add_guest(scene, "web-2", 2, "", "");
        scene_plan(scene, profile);
    }

    g_autoptr(KtCpuset) own = staged_vcpus(with, "auto", 4);
    g_assert_cmpint(hwloc_bitmap_weight(own), ==, 4);
    guint n_sharing = 0;
    for (guint i = 0; i < 2; i++) {
        g_autoptr(KtCpuset) shared = planned_vcpus(with, i == 0 ? "web-1" : "web-2");
        n_sharing += hwloc_bitmap_intersects(shared, own) != 0;
    }
    g_assert_cmpuint(n_sharing, ==, 1);
    g_assert_true(scene_has_note(with, "auto", " shares these CPUs until it starts"));
    g_assert_cmpfloat(with->plan->cost.total, ==, without->plan->cost.total);
    g_assert_cmpfloat(with->plan->cost_before.total, ==, without->plan->cost_before.total);
    for (guint i = 0; i < 2; i++) {
        const char *name = i == 0 ? "web-1" : "web-2";
        g_autoptr(KtCpuset) one = planned_vcpus(with, name);
        g_autoptr(KtCpuset) other = planned_vcpus(without, name);
        g_assert_true(hwloc_bitmap_isequal(one, other));
    }
}

/* A second plan of what the first one staged is empty, on a host where several come. */
static void
test_is_idempotent(void)
{
    static const char profile[] = "[host]\nhousekeeping = auto\n[domain *]\n" SHARED
                                  "cpu.emulator = auto\ncpu.iothreads = near\nmemory.numa = follow-cpu\n"
                                  "[domain *-own]\ncpu.exclusive = yes\n";
    static const char *const names[] = {"a", "b-own", "c-own", "d", "e-own"};
    g_autoptr(Scene) first = scene_new("pack:2 [numa] l3:2 core:4 pu:2");
    g_autoptr(Scene) second = scene_new("pack:2 [numa] l3:2 core:4 pu:2");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        add_starter(first, names[i], 2 + i, "<iothreads>1</iothreads>", "");
    scene_plan(first, profile);
    g_assert_cmpuint(first->plan->actions->len, >, 2 * G_N_ELEMENTS(names));

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *xml = scene_staged_xml(first, i);
        scene_add(second, NULL, xml)->autostart = true;
    }
    scene_plan(second, profile);

    g_assert_cmpuint(second->plan->actions->len, ==, 0);
    g_assert_cmpuint(second->plan->refused->len, ==, 0);
}

/* Memory goes where the CPUs boot, or CPUs to the node that the profile or the definition binds memory to. */
static void
test_memory(void)
{
    static const char bound[] = "<numatune><memory mode='strict' nodeset='1'/></numatune>";
    static const struct {
        const char *rest, *wish, *cpus, *to;
    } cases[] = {
        {"", "memory.numa = 1\n", "8-15", "strict 1"},
        {bound, "", "8-15", NULL},
        {"<cputune><vcpupin vcpu='0' cpuset='8-15'/><vcpupin vcpu='1' cpuset='8-15'/></cputune>",
         "memory.numa = follow-cpu\n", "8-15", "preferred 1"},
        {bound, "memory.numa = follow-cpu\n", "0-7", "preferred 0"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new(HOST);
        scene_node(scene, 0, 4096, 3000);
        scene_node(scene, 1, 4096, 3000);
        add_starter(scene, "auto", 2, cases[i].rest, "");
        g_autofree char *profile = g_strconcat("[domain *]\n" SHARED, cases[i].wish, NULL);
        scene_plan(scene, profile);
        KtSeats seats = {0};
        guint seat = 0;
        g_assert_true(kt_seats_find(scene->plan, 0, &seats, &seat));
        g_autofree char *cpus = kt_cpuset_format(seats.placement->seats[seat].vcpus[0]);
        g_assert_cmpstr(cpus, ==, cases[i].cpus);
        const KtAction *memory = scene_action(scene, "auto", "memory.numa", NULL, KT_WHEN_NEXT_BOOT);
        g_assert_cmpstr(memory != NULL ? memory->to : NULL, ==, cases[i].to);
    }
}

/* Each node has room for one of them. */
static void
test_strict_memory(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_node(scene, 0, 1500, 1400);
    scene_node(scene, 1, 1500, 1400);
    add_starter(scene, "a", 2, "", "");
    add_starter(scene, "b", 2, "", "");

    scene_plan(scene, "[domain *]\n" SHARED "memory.numa = strict\n");

    const KtAction *a = scene_action(scene, "a", "memory.numa", NULL, KT_WHEN_NEXT_BOOT);
    const KtAction *b = scene_action(scene, "b", "memory.numa", NULL, KT_WHEN_NEXT_BOOT);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_true(a != NULL && b != NULL);
    g_assert_cmpstr(a->to, !=, b->to);
    g_assert_true(g_str_equal(a->to, "strict 0") || g_str_equal(a->to, "strict 1"));
    g_assert_true(g_str_equal(b->to, "strict 0") || g_str_equal(b->to, "strict 1"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pins-boot/all-threads", test_all_threads);
    g_test_add_func("/pins-boot/added-iothread", test_added_iothread);
    g_test_add_func("/pins-boot/unpin", test_unpin);
    g_test_add_func("/pins-boot/offline-vcpus", test_offline_vcpus);
    g_test_add_func("/pins-boot/saved-image", test_saved_image);
    g_test_add_func("/pins-boot/no-room", test_no_room);
    g_test_add_func("/pins-boot/full-house", test_full_house);
    g_test_add_func("/pins-boot/own-before-shared", test_own_before_shared);
    g_test_add_func("/pins-boot/reasons", test_reasons);
    g_test_add_func("/pins-boot/pinned-by-hand", test_pinned_by_hand);
    g_test_add_func("/pins-boot/strict-memory", test_strict_memory);
    g_test_add_func("/pins-boot/shape-without-placement", test_shape_without_placement);
    g_test_add_func("/pins-boot/nobody-moves", test_nobody_moves);
    g_test_add_func("/pins-boot/idempotent", test_is_idempotent);
    g_test_add_func("/pins-boot/memory", test_memory);
    return g_test_run();
}
