/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/disk_scene.h"

static const KtAction *
expect_discard(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "d", "disk.discard", item, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_DISK_DISCARD);
    return action;
}

static const char mixed[] = DISK("vda", "", "virtio", "") DISK("sda", " type='qcow2'", "scsi", "")
    DISK("sdb", "", "sata", "") DISK("sdc", "", "usb", "") DISK("vdb", "", "virtio", "<readonly/>")
        DISK("vdc", " type='vmdk'", "virtio", "") DISK("vdd", " discard='unmap'", "virtio", "");

static void
test_unmap(void)
{
    g_autoptr(Scene) scene = guest_with(mixed);

    scene_plan(scene, "[domain d]\ndisk.discard = unmap\n");

    expect_discard(scene, "disk vda", NULL, "unmap");
    expect_discard(scene, "disk sda", NULL, "unmap");
    expect_discard(scene, "disk sdb", NULL, "unmap");
    scene_expect_refused(scene, "d", "disk.discard", "disk sdc", "bus 'usb'");
    scene_expect_refused(scene, "d", "disk.discard", "disk vdb", "read-only");
    scene_expect_refused(scene, "d", "disk.discard", "disk vdc", "'vmdk'");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
    g_assert_cmpuint(scene->plan->refused->len, ==, 3);
}

/* What `auto` can't set it leaves without a word; space that was set aside stays set aside. */
static void
test_auto(void)
{
    g_autoptr(Scene) scene = guest_with(mixed);
    scene_image(scene, "vda", KT_ALLOCATED_SPARSE);
    scene_image(scene, "sda", KT_ALLOCATED_FULL);

    scene_plan(scene, "[domain d]\ndisk.discard = auto\n");

    expect_discard(scene, "disk vda", NULL, "unmap");
    expect_discard(scene, "disk sdb", NULL, "unmap");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_ignore_is_the_default(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", "", "virtio", "") DISK("vdb", " discard='unmap'", "virtio", ""));

    scene_plan(scene, "[domain d]\ndisk.discard = ignore\n");

    expect_discard(scene, "disk vdb", "unmap", "ignore");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_virtio_needs_qemu_4(void)
{
    static const char *const versions[] = {"3.1.0", NULL};
    for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
        g_autoptr(Scene) scene = guest_with(DISK("vda", "", "virtio", "") DISK("sda", "", "scsi", ""));
        g_free(scene->snapshot->qemu);
        scene->snapshot->qemu = g_strdup(versions[i]);

        scene_plan(scene, "[domain d]\ndisk.discard = unmap\n");

        scene_expect_refused(scene, "d", "disk.discard", "disk vda", "QEMU 4.0");
        expect_discard(scene, "disk sda", NULL, "unmap");
    }
}

/* An old machine type's virtio disk is as it was then, under any QEMU. */
static void
test_virtio_needs_machine_4(void)
{
    static const struct {
        const char *machine;
        bool old;
    } cases[] = {{"pc-i440fx-3.1", true}, {"virt-2.12", true},         {"pc-q35-4.0", false},
                 {"pc-q35-7.2", false},   {"pc-q35-rhel7.6.0", false}, {"s390-ccw-virtio", false},
                 {"pc-q35-jammy", false}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = guest_with("");
        g_autofree char *xml = scene_xml("e", 1, "", DISK("vda", "", "virtio", ""));
        g_auto(GStrv) parts = g_strsplit(xml, "<type arch='x86_64'>", 2);
        g_autofree char *type = g_strdup_printf("<type arch='x86_64' machine='%s'>", cases[i].machine);
        g_autofree char *typed = g_strjoinv(type, parts);
        scene_add(scene, typed, typed);

        scene_plan(scene, "[domain *]\ndisk.discard = unmap\n");

        if (cases[i].old)
            scene_expect_refused(scene, "e", "disk.discard", "disk vda", cases[i].machine);
        else
            scene_expect(scene, "e", "disk.discard", "disk vda", KT_WHEN_NEXT_BOOT, NULL, "unmap");
    }
}

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live =
        scene_xml("d", 1, "", DISK("vda", "", "virtio", "") DISK("vdb", "", "virtio", ""));
    g_autofree char *inactive = scene_xml("d", 1, "",
                                          DISK("vda", " discard='unmap'", "virtio", "")
                                              DISK("vdb", " discard='ignore'", "virtio", ""));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\ndisk.discard = keep\n");

    const GPtrArray *pending = scene->plan->domains[0].pending;
    g_assert_cmpuint(pending->len, ==, 1);
    g_assert_cmpstr(((const KtPending *)pending->pdata[0])->staged, ==, "unmap");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/disk-discard/unmap", test_unmap);
    g_test_add_func("/disk-discard/auto", test_auto);
    g_test_add_func("/disk-discard/ignore-is-the-default", test_ignore_is_the_default);
    g_test_add_func("/disk-discard/virtio-needs-qemu-4", test_virtio_needs_qemu_4);
    g_test_add_func("/disk-discard/virtio-needs-machine-4", test_virtio_needs_machine_4);
    g_test_add_func("/disk-discard/pending", test_pending);
    return g_test_run();
}
