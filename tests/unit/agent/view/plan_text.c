/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/view.h"

#include "tests/unit/tuners/scene.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 80};

#define DISK                                                                                                 \
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/images/a.img'/>"         \
    "<target dev='vda' bus='virtio'/></disk>"
#define NIC                                                                                                  \
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>"                \
    "<model type='e1000'/></interface>"

static char *
draw(const Scene *scene)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &style, scene->plan, "x.conf");
    return g_strdup(out->str);
}

static void
expect(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        g_test_message("'%s' isn't in:\n%s", words, text);
    g_assert_nonnull(strstr(text, words));
}

static Scene *
host_with_guests(void)
{
    Scene *scene = scene_new("package:1 l3:2 core:4 pu:1");
    scene_add_guest(scene, "db", 2, "", DISK NIC);
    scene_add_guest(scene, "web", 2, "", "");
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    return scene;
}

static void
test_all_parts(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    scene_plan(scene, "[host]\nthp.enabled = madvise\n"
                      "[domain db]\ncpu.placement = shared-cache\ndisk.cache = none\nnic.model = virtio\n");

    g_autofree char *text = draw(scene);

    g_assert_true(g_str_has_prefix(text, "x.conf: 3 changes now, 3 for the next boot, 1 refused\n"
                                         "8 CPUs, 8 cores, 1 memory node, 2 L3 groups; 2 domains\n"
                                         "\n"
                                         "host\n"
                                         "  thp.enabled  always → madvise "));
    expect(text, "\ndb  running, 2 vCPUs, 1 GiB\n  cpu.placement  vCPU 0-1  0-7 → ");
    expect(text, "now + next boot\n");
    expect(text, "  disk.cache     vda       default → none  ");
    expect(text, "  ✗ nic.model 52:54:00:00:00:01\n      nothing tells that");
    expect(text, "\ncost of placement  ");
    expect(text, "  2 vCPUs move  ");
    /* Of a domain that nothing is said of, nothing is printed. */
    g_assert_null(strstr(text, "\nweb"));
}

static void
test_topology_note(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    scene->snapshot->topology->note = g_strdup("hwloc sees 1 L3, the kernel 2");
    scene_plan(scene, "[host]\nthp.enabled = madvise\n");

    g_autofree char *text = draw(scene);

    expect(text, "2 domains\nnote: hwloc sees 1 L3, the kernel 2\n");
}

static void
test_nothing_to_change(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    scene_plan(scene, "[host]\nthp.enabled = always\n");

    g_autofree char *text = draw(scene);

    g_assert_cmpstr(text, ==,
                    "x.conf: nothing to change\n8 CPUs, 8 cores, 1 memory node, 2 L3 groups; 2 domains\n");
}

static void
test_cost_only_where_placed(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    scene_plan(scene, "[domain db]\ndisk.cache = none\n");

    g_autofree char *text = draw(scene);

    g_assert_null(strstr(text, "cost of placement"));
}

static void
test_equal_refusals_are_one(void)
{
    /* given a transient domain: nothing can be staged for it */
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autofree char *xml = scene_xml("t", 1, "", DISK);
    scene_add(scene, xml, NULL);
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
    scene_plan(scene,
               "[host]\nhousekeeping = none\n[domain t]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
               "disk.cache = none\n");

    g_autofree char *text = draw(scene);

    expect(text, "  ✗ cpu.placement, disk.cache vda\n      a transient domain has no next boot");
    g_assert_null(strstr(strstr(text, "a transient domain") + 1, "a transient domain"));
}

static void
test_pending_is_shown(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autofree char *live = scene_xml("p", 1, "", DISK);
    g_autofree char *inactive = scene_xml("p", 1, "",
                                          "<disk type='file' device='disk'><driver name='qemu' type='raw' "
                                          "cache='none'/><source file='/images/a.img'/>"
                                          "<target dev='vda' bus='virtio'/></disk>");
    scene_add(scene, live, inactive);
    scene_plan(scene, "[host]\nhousekeeping = none\n");

    g_autofree char *text = draw(scene);
    g_autoptr(GString) drift = g_string_new(NULL);
    kt_view_drift(drift, &style, scene->plan, "x.conf");

    expect(text, "  pending: disk.cache vda: default now, none once it was powered off and started\n");
    expect(drift->str, "x.conf: all is as the profile wants it\n");
    expect(drift->str, "  pending: disk.cache vda: ");
}

/* Many shut-off guests are no reason for a long list. */
static void
test_equal_notes_are_one(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    for (guint i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("off-%u", i);
        g_autofree char *xml = scene_xml(name, 1, "", "");
        scene_add(scene, NULL, xml)->managed_save = i == 1;
    }
    scene_plan(scene, "[domain off-*]\ncpu.placement = shared-cache\n");

    g_autofree char *text = draw(scene);

    expect(text, "\noff-0, off-2\n  note: shut off");
    expect(text, "\noff-1  shut off");
    g_assert_null(strstr(text, "\noff-2"));
}

static void
test_drift(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    scene_plan(scene, "[host]\nthp.enabled = madvise\n");
    g_autoptr(GString) out = g_string_new(NULL);

    kt_view_drift(out, &style, scene->plan, "x.conf");

    expect(out->str, "x.conf: 1 setting differs, found → wanted\n\nhost\n  thp.enabled  always → madvise ");
    expect(out->str, ".conf:2  now\n");
}

static void
test_hostile_name(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autofree char *xml = scene_xml("a&#x9b;31m", 1, "", DISK);
    scene_add(scene, NULL, xml);
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
    scene_plan(scene, "[domain *]\ndisk.cache = none\n");

    g_autofree char *text = draw(scene);

    g_assert_null(strstr(text, "\xc2\x9b"));
    expect(text, "a\\x");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/plan/all-parts", test_all_parts);
    g_test_add_func("/view/plan/topology-note", test_topology_note);
    g_test_add_func("/view/plan/nothing", test_nothing_to_change);
    g_test_add_func("/view/plan/cost", test_cost_only_where_placed);
    g_test_add_func("/view/plan/refusals", test_equal_refusals_are_one);
    g_test_add_func("/view/plan/equal-notes", test_equal_notes_are_one);
    g_test_add_func("/view/plan/pending", test_pending_is_shown);
    g_test_add_func("/view/plan/drift", test_drift);
    g_test_add_func("/view/plan/hostile", test_hostile_name);
    return g_test_run();
}
