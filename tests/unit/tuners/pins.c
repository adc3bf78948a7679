/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/pins_scene.h"

/* Both actions of one pin, each with its own `from`. */
static void
test_exclusive(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "db", 2, "<cputune><vcpupin vcpu='0' cpuset='4-15'/></cputune>", "");

    scene_plan(scene, "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n");

    const KtSeat *seat = scene_seat(scene, "db");
    g_assert_null(seat->refusal);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *item = g_strdup_printf("vcpu %u", i);
        g_autofree char *to = kt_cpuset_format(seat->vcpus[i]);
        g_assert_cmpint(hwloc_bitmap_weight(seat->vcpus[i]), ==, 1);
        const KtAction *now =
            scene_expect(scene, "db", "cpu.placement", item, KT_WHEN_NOW, i ? "0-15" : "4-15", to);
        const KtAction *boot =
            scene_expect(scene, "db", "cpu.placement", item, KT_WHEN_NEXT_BOOT, i ? NULL : "4-15", to);
        g_assert_cmpint(now->kind, ==, KT_STEP_PIN);
        g_assert_cmpint(boot->kind, ==, KT_STEP_DEFINE);
        g_assert_cmpint(boot->field, ==, KT_XML_VCPU_PIN);
        g_assert_cmpuint(now->id, ==, 2 * i + 1);
        g_assert_cmpuint(boot->id, ==, 2 * i + 2);
        g_assert_cmpstr(now->reason, ==, seat->reason);
    }
    g_assert_cmpuint(scene->plan->actions->len, ==, 4);
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
    g_assert_cmpfloat(scene->plan->cost.total, <, scene->plan->cost_before.total);
    scene_assert_emulator(scene, "db", "0-15"); /* cpu.emulator isn't named */
}

/* A second plan of what the first one did is empty. */
static void
test_is_idempotent(void)
{
    static const char profile[] = "[host]\nhousekeeping = auto\n[domain db]\ncpu.placement = shared-cache\n"
                                  "cpu.exclusive = yes\ncpu.emulator = auto\n[domain web]\n"
                                  "cpu.placement = shared-cache\ncpu.emulator = near\n";
    g_autoptr(Scene) first = scene_new(HOST);
    scene_add_guest(first, "db", 2, "", "");
    scene_add_guest(first, "web", 2, "", "");
    scene_plan(first, profile);
    g_assert_cmpuint(first->plan->actions->len, >, 0);

    g_autoptr(Scene) second = scene_new(HOST);
    for (guint d = 0; d < 2; d++) {
        g_autofree char *xml = scene_staged_xml(first, d);
        scene_add(second, xml, xml);
    }
    scene_plan(second, profile);

    g_assert_cmpuint(second->plan->actions->len, ==, 0);
    g_assert_cmpuint(second->plan->refused->len, ==, 0);
}

/* A set that the domain has anyway needs no pin, nor has one that libvirt would give it by default. */
static void
test_default_is_no_pin(void)
{
    g_autoptr(Scene) scene = scene_new("l3:1 core:4 pu:1");
    scene_add_guest(scene, "web", 2, "", "");

    scene_plan(scene, "[domain web]\ncpu.placement = shared-cache\ncpu.emulator = near\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

/* … but numad's advice at the next boot isn't known: there the pin is explicit. */
static void
test_numad(void)
{
    g_autoptr(Scene) scene = scene_new("l3:1 core:4 pu:1");
    const char xml[] = "<domain type='kvm'><name>web</name><vcpu placement='auto'>1</vcpu></domain>";
    scene_add(scene, xml, xml);

    scene_plan(scene, "[domain web]\ncpu.placement = shared-cache\n");

    scene_expect(scene, "web", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT, NULL, "0-3");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_true(scene_has_note(scene, "web", "numad"));
}

static void
test_unpin(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    g_autofree char *live = scene_xml("web", 2, "<cputune><vcpupin vcpu='0' cpuset='3'/></cputune>", "");
    g_autofree char *inactive =
        scene_xml("web", 2, "<cputune><vcpupin vcpu='1' cpuset='8-11,^10'/></cputune>", "");
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain web]\ncpu.placement = none\n");

    scene_expect(scene, "web", "cpu.placement", "vcpu 0", KT_WHEN_NOW, "3", "0-15");
    scene_expect(scene, "web", "cpu.placement", "vcpu 1", KT_WHEN_NEXT_BOOT, "8-9,11", NULL);
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);

    /* The state after the plan is the unpinned one, the state before it isn't. */
    g_autofree char *after = kt_cpuset_format(scene_seat(scene, "web")->vcpus[0]);
    g_autofree char *before = kt_cpuset_format(scene->plan->problem->domains[0].vcpus[0].before);
    g_assert_cmpstr(after, ==, "0-15");
    g_assert_cmpstr(before, ==, "3");
}

static void
test_unpin_to_cpuset(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    const char xml[] = "<domain type='kvm'><name>web</name><vcpu cpuset='0-7,64-99'>1</vcpu>"
                       "<cputune><vcpupin vcpu='0' cpuset='3'/></cputune></domain>";
    scene_add(scene, xml, xml);

    scene_plan(scene, "[domain web]\ncpu.placement = none\n");

    scene_expect(scene, "web", "cpu.placement", "vcpu 0", KT_WHEN_NOW, "3", "0-7");
    scene_expect(scene, "web", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT, "3", NULL);
}

static void
test_offline_vcpus(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    const char xml[] = "<domain type='kvm'><name>web</name><vcpu current='1'>4</vcpu></domain>";
    scene_add(scene, xml, xml);

    scene_plan(scene, "[domain web]\ncpu.placement = shared-cache\n");

    g_assert_cmpuint(scene_seat(scene, "web")->n_vcpus, ==, 1);
    g_assert_nonnull(scene_action(scene, "web", "cpu.placement", "vcpu 0", KT_WHEN_NOW));
    g_assert_null(scene_action(scene, "web", "cpu.placement", "vcpu 1", KT_WHEN_NOW));
    g_assert_null(scene_action(scene, "web", "cpu.placement", "vcpu 1", KT_WHEN_NEXT_BOOT));
}

/* libvirt drops pins of vCPUs beyond the persistent maximum: none is staged for those. */
static void
test_fewer_vcpus_staged(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    g_autofree char *live = scene_xml("web", 2, "", "");
    g_autofree char *inactive = scene_xml("web", 1, "", "");
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain web]\ncpu.placement = shared-cache\n");

    g_assert_nonnull(scene_action(scene, "web", "cpu.placement", "vcpu 1", KT_WHEN_NOW));
    g_assert_nonnull(scene_action(scene, "web", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT));
    g_assert_null(scene_action(scene, "web", "cpu.placement", "vcpu 1", KT_WHEN_NEXT_BOOT));
}

static void
test_transient(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    g_autofree char *xml = scene_xml("web", 3, "", "");
    scene_add(scene, xml, NULL);

    scene_plan(scene, "[domain web]\ncpu.placement = shared-cache\n");

    scene_expect_refused(scene, "web", "cpu.placement", NULL, "transient domain has no next boot");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpint(((KtAction *)scene->plan->actions->pdata[i])->when, ==, KT_WHEN_NOW);
}

/* On a busy host a common set of all CPUs may be the cheapest: what comes to nothing is said. */
static void
test_everywhere(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 l3:2 core:2 pu:1");
    scene_add_guest(scene, "a", 5, "", "");
    scene_add_guest(scene, "b", 1, "<cputune><vcpupin vcpu='0' cpuset='0-1'/></cputune>", "");

    scene_plan(scene, "[domain a]\ncpu.placement = shared-cache\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_true(scene_has_note(scene, "a", "cpu.placement: it stays on the whole host"));
    g_assert_cmpuint(scene->plan->domains[1].notes->len, ==, 0);
}

static void
test_shape_without_placement(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "a", 1, "", "");
    scene_add_guest(scene, "b", 1, "", "");
    scene_add_guest(scene, "c", 1, "", "");

    scene_plan(scene, "[domain a]\ncpu.exclusive = yes\ncpu.smt = isolate\n"
                      "[domain b]\ncpu.placement = none\ncpu.kind = fast\n"
                      "[domain c]\ncpu.exclusive = no\ncpu.smt = auto\n");

    scene_expect_refused(scene, "a", "cpu.exclusive", NULL, "cpu.placement");
    scene_expect_refused(scene, "a", "cpu.smt", NULL, "cpu.placement");
    scene_expect_refused(scene, "b", "cpu.kind", NULL, "'none'");
    g_assert_cmpuint(scene->plan->refused->len, ==, 3);
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

static void
test_no_room(void)
{
    g_autoptr(Scene) scene = scene_new("l3:1 core:2 pu:1");
    scene_add_guest(scene, "big", 3, "", "");

    scene_plan(scene,
               "[domain big]\ncpu.placement = shared-cache\ncpu.exclusive = yes\ncpu.emulator = auto\n");

    g_assert_cmpuint(scene_count_refused(scene, "big", "cpu.exclusive", NULL), ==, 1);
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_assert_emulator(scene, "big", "0-1");
}

static void
test_floating_neighbour(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    scene_add_guest(scene, "db", 1, "", "");
    scene_add_guest(scene, "floats", 1, "", "");
    scene_add_guest(scene, "seated", 1, "", "");

    scene_plan(scene, "[domain db seated]\ncpu.placement = shared-cache\n[domain db]\ncpu.exclusive = yes\n");

    g_assert_true(scene_has_note(scene, "db", "not truly exclusive: floats floats here"));
    g_assert_cmpuint(scene->plan->domains[0].notes->len, ==, 1);
    g_assert_cmpuint(scene->plan->domains[2].notes->len, ==, 0);
}

/* What placement is told of a domain. */
static void
test_seat(void)
{
    g_autoptr(Scene) scene = scene_new(HOST);
    KtDomain *domain = scene_add_guest(scene, "db", 4,
                                       "<cpu><topology sockets='1' cores='2' threads='2'/><numa>"
                                       "<cell id='0' cpus='0-1' memory='1' unit='GiB'/>"
                                       "<cell id='1' cpus='2-3' memory='1' unit='GiB'/></numa></cpu>",
                                       "");
    domain->n_memory = 2;
    domain->memory_kib = g_new0(gint64, 2);
    domain->memory_kib[0] = 300;
    domain->memory_kib[1] = 100;
    scene_add_guest(scene, "other", 1, "", "");

    scene_plan(scene,
               "[domain db]\ncpu.placement = numa\ncpu.exclusive = yes\ncpu.smt = share\ncpu.kind = fast\n"
               "priority = 7\n");

    const KtSeatDomain *seat = &scene->plan->problem->domains[0];
    g_assert_true(seat->placed && seat->exclusive);
    g_assert_cmpint(seat->policy, ==, KT_PLACEMENT_NUMA);
    g_assert_cmpint(seat->smt, ==, KT_SMT_SHARE);
    g_assert_cmpint(seat->kind, ==, KT_KIND_FAST);
    g_assert_cmpint(seat->priority, ==, 7);
    g_assert_cmpuint(seat->n_vcpus, ==, 4);
    g_assert_cmpint(seat->vcpus[1].cell, ==, 0);
    g_assert_cmpint(seat->vcpus[2].cell, ==, 1);
    g_assert_cmpint(seat->vcpus[1].guest_core, ==, 0);
    g_assert_cmpint(seat->vcpus[2].guest_core, ==, 1);
    g_assert_cmpfloat(seat->memory_share[0], ==, 0.75);
    g_assert_cmpfloat(seat->memory_share[1], ==, 0.25);
    g_assert_false(scene->plan->problem->domains[1].placed);
    g_assert_cmpint(scene->plan->problem->domains[1].vcpus[0].cell, ==, -1);
    g_assert_null(scene->plan->problem->domains[1].memory_share);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pins/exclusive", test_exclusive);
    g_test_add_func("/pins/idempotent", test_is_idempotent);
    g_test_add_func("/pins/default-is-no-pin", test_default_is_no_pin);
    g_test_add_func("/pins/numad", test_numad);
    g_test_add_func("/pins/unpin", test_unpin);
    g_test_add_func("/pins/unpin-to-cpuset", test_unpin_to_cpuset);
    g_test_add_func("/pins/offline-vcpus", test_offline_vcpus);
    g_test_add_func("/pins/fewer-vcpus-staged", test_fewer_vcpus_staged);
    g_test_add_func("/pins/transient", test_transient);
    g_test_add_func("/pins/everywhere", test_everywhere);
    g_test_add_func("/pins/shape-without-placement", test_shape_without_placement);
    g_test_add_func("/pins/no-room", test_no_room);
    g_test_add_func("/pins/floating-neighbour", test_floating_neighbour);
    g_test_add_func("/pins/seat", test_seat);
    return g_test_run();
}
