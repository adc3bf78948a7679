/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/disk_scene.h"

#define VIRTIO(target, driver) DISK(target, driver, "virtio", "<address type='pci' slot='0x04'/>")

static void
expect_count(const Scene *scene, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "d", "disk.iothreads", NULL, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_IOTHREADS);
}

static void
expect_disk(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "d", "disk.iothreads", item, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->field, ==, KT_XML_DISK_IOTHREAD);
}

/* Another plan, of what this one leaves in the definition. */
static Scene *
after(const Scene *scene, const char *profile)
{
    const KtDomain *domain = scene->snapshot->domains->pdata[0];
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(KtXmlEdit));
    for (guint i = 0; i < scene->plan->actions->len; i++) {
        const KtAction *action = scene->plan->actions->pdata[i];
        KtXmlEdit edit = {action->field, action->item, action->to};
        if (action->kind == KT_STEP_DEFINE)
            g_array_append_val(edits, edit);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *staged =
        kt_domain_xml_edit(domain->inactive_xml, (const KtXmlEdit *)edits->data, edits->len, &error);
    g_assert_no_error(error);
    Scene *next = scene_new("node:1 core:4 pu:1");
    scene_add(next, domain->live_xml, staged);
    scene_plan(next, profile);
    return next;
}

static void
assert_settled(const Scene *scene, const char *profile)
{
    g_autoptr(Scene) next = after(scene, profile);
    for (guint i = 0; i < next->plan->actions->len; i++) {
        const KtAction *action = next->plan->actions->pdata[i];
        g_test_message("%s %s: %s -> %s", action->setting->key, action->item, action->from, action->to);
    }
    g_assert_cmpuint(next->plan->actions->len, ==, 0);
}

static void
test_number(void)
{
    static const char profile[] = "[domain d]\ndisk.iothreads = 2\n";
    g_autoptr(Scene) scene = guest_with(VIRTIO("vda", "") VIRTIO("vdb", "") VIRTIO("vdc", ""));

    scene_plan(scene, profile);

    expect_count(scene, NULL, "2");
    expect_disk(scene, "disk vda", NULL, "1");
    expect_disk(scene, "disk vdb", NULL, "2");
    expect_disk(scene, "disk vdc", NULL, "1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 4);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
    assert_settled(scene, profile);
}

/* One a disk, at most 4, at most one a vCPU. */
static void
test_auto(void)
{
    static const char profile[] = "[domain d]\ndisk.iothreads = auto\n";
    static const char disks[] =
        VIRTIO("vda", "") VIRTIO("vdb", "") VIRTIO("vdc", "") VIRTIO("vdd", "") VIRTIO("vde", "");
    static const struct {
        guint vcpus;
        const char *disks, *number;
    } cases[] = {{1, disks, "1"}, {2, disks, "2"}, {8, disks, "4"}, {8, VIRTIO("vda", ""), "1"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
        scene_add_guest(scene, "d", cases[i].vcpus, "", cases[i].disks);
        scene_plan(scene, profile);
        expect_count(scene, NULL, cases[i].number);
        assert_settled(scene, profile);
    }
}

static void
test_auto_without_virtio_disks(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("sda", "", "scsi", "") DISK("hda", "", "ide", ""));

    scene_plan(scene, "[domain d]\ndisk.iothreads = auto\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_true(scene_has_note(scene, "d", "disk sda: a scsi disk has the IOThread of its controller"));
}

static void
test_disks_that_cannot(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("sda", "", "scsi", "") DISK("hda", "", "ide", "") DISK(
        "vda", "", "virtio", "<address type='virtio-mmio'/>") VIRTIO("vdb", ""));

    scene_plan(scene, "[domain d]\ndisk.iothreads = 1\n");

    scene_expect_refused(scene, "d", "disk.iothreads", "disk sda", "controller");
    scene_expect_refused(scene, "d", "disk.iothreads", "disk hda", "bus 'ide'");
    scene_expect_refused(scene, "d", "disk.iothreads", "disk vda", "'virtio-mmio'");
    expect_count(scene, NULL, "1");
    expect_disk(scene, "disk vdb", NULL, "1");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
}

/* What is dealt out evenly isn't shuffled, and no IOThread goes away. */
static void
test_keeps_what_is_there(void)
{
    static const char profile[] = "[domain d]\ndisk.iothreads = 2\n";
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", 2,
                    "<iothreads>3</iothreads><iothreadids><iothread id='1'/><iothread id='7'/><iothread "
                    "id='9'/></iothreadids>",
                    VIRTIO("vda", " iothread='9'") VIRTIO("vdb", "") VIRTIO("vdc", " iothread='7'")
                        VIRTIO("vdd", ""));

    scene_plan(scene, profile);

    expect_disk(scene, "disk vdb", NULL, "7");
    expect_disk(scene, "disk vdd", NULL, "9");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    assert_settled(scene, profile);
}

/* New ones get the lowest free numbers, as libvirt gives them. */
static void
test_adds_to_what_is_there(void)
{
    static const char profile[] = "[domain d]\ndisk.iothreads = 3\n";
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", 4, "<iothreads>1</iothreads><iothreadids><iothread id='2'/></iothreadids>",
                    VIRTIO("vda", " iothread='2'") VIRTIO("vdb", " iothread='2'")
                        VIRTIO("vdc", " iothread='2'"));

    scene_plan(scene, profile);

    expect_count(scene, "1", "3");
    expect_disk(scene, "disk vdb", "2", "1");
    expect_disk(scene, "disk vdc", "2", "3");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
    assert_settled(scene, profile);
}

static void
test_none(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", 4, "<iothreads>1</iothreads>",
                    VIRTIO("vda", " iothread='1'") DISK("sda", "", "sata", ""));

    scene_plan(scene, "[domain d]\ndisk.iothreads = 0\n");

    expect_disk(scene, "disk vda", "1", NULL);
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_one_disk_of_them(void)
{
    g_autoptr(Scene) scene = guest_with(VIRTIO("vda", "") VIRTIO("vdb", "") VIRTIO("vdc", ""));

    scene_plan(scene, "[domain d]\ndisk.iothreads = 2\ndisk.iothreads[vda] = 0\n");

    expect_count(scene, NULL, "2");
    expect_disk(scene, "disk vdb", NULL, "1");
    expect_disk(scene, "disk vdc", NULL, "2");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
}

/* IOThreads that don't run yet are pinned in the definition, behind the action that makes them. */
static void
test_pins(void)
{
    static const char profile[] = "[domain d]\ndisk.iothreads = 2\ncpu.iothreads = 3\n";
    g_autoptr(Scene) scene = guest_with(VIRTIO("vda", "") VIRTIO("vdb", ""));

    scene_plan(scene, profile);

    const KtAction *pin =
        scene_expect(scene, "d", "cpu.iothreads", "iothread 1", KT_WHEN_NEXT_BOOT, NULL, "3");
    g_assert_cmpint(pin->field, ==, KT_XML_IOTHREAD_PIN);
    const KtAction *count = scene_action(scene, "d", "disk.iothreads", NULL, KT_WHEN_NEXT_BOOT);
    g_assert_cmpuint(count->id, <, pin->id);
    scene_expect(scene, "d", "cpu.iothreads", "iothread 2", KT_WHEN_NEXT_BOOT, NULL, "3");
    g_assert_cmpuint(scene->plan->actions->len, ==, 5);
    assert_settled(scene, profile);
}

static void
test_no_next_boot(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *transient = scene_xml("d", 2, "", VIRTIO("vda", "") VIRTIO("vdb", ""));
    scene_add(scene, transient, NULL);

    scene_plan(scene, "[domain d]\ndisk.iothreads = auto\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 1);
    scene_expect_refused(scene, "d", "disk.iothreads", NULL, "transient");
}

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml("d", 2, "", VIRTIO("vda", ""));
    g_autofree char *inactive = scene_xml("d", 2, "<iothreads>1</iothreads>", VIRTIO("vda", " iothread='1'"));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\ndisk.iothreads = auto\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    const GPtrArray *pending = scene->plan->domains[0].pending;
    g_assert_cmpuint(pending->len, ==, 2);
    const KtPending *count = pending->pdata[0], *disk = pending->pdata[1];
    g_assert_cmpstr(count->item, ==, NULL);
    g_assert_cmpstr(count->staged, ==, "1");
    g_assert_cmpstr(disk->item, ==, "disk vda");
    g_assert_cmpstr(disk->live, ==, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iothreads/number", test_number);
    g_test_add_func("/iothreads/auto", test_auto);
    g_test_add_func("/iothreads/auto-without-virtio-disks", test_auto_without_virtio_disks);
    g_test_add_func("/iothreads/disks-that-cannot", test_disks_that_cannot);
    g_test_add_func("/iothreads/keeps-what-is-there", test_keeps_what_is_there);
    g_test_add_func("/iothreads/adds-to-what-is-there", test_adds_to_what_is_there);
    g_test_add_func("/iothreads/none", test_none);
    g_test_add_func("/iothreads/one-disk-of-them", test_one_disk_of_them);
    g_test_add_func("/iothreads/pins", test_pins);
    g_test_add_func("/iothreads/no-next-boot", test_no_next_boot);
    g_test_add_func("/iothreads/pending", test_pending);
    return g_test_run();
}
