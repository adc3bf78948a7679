/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define DISK(target, driver, extra)                                                                          \
    "<disk type='file' device='disk'><driver name='qemu' type='raw'" driver                                  \
    "/><source file='/images/" target ".img'/><target dev='" target "' bus='virtio'/>" extra "</disk>"

/* A running domain d with these disks, whose images are in /images (takes O_DIRECT) or /tmpfs (refuses). */
static Scene *
guest_with(const char *disks)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", 1, "", disks);
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/tmpfs"), GINT_TO_POINTER(0));
    return scene;
}

static const KtAction *
expect_cache(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "d", "disk.cache", item, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_DISK_CACHE);
    return action;
}

static void
test_all_disks(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", "") DISK("vdb", " cache='none'", "") DISK(
        "vdc", " cache='writeback'", "") "<disk type='file' device='cdrom'><source "
                                         "file='/images/cd.iso'/><target dev='sda' bus='sata'/></disk>"
                                         "<disk type='file' device='floppy'><source "
                                         "file='/images/fd.img'/><target dev='fda' bus='fdc'/></disk>");

    scene_plan(scene, "[domain d]\ndisk.cache = none\n");

    expect_cache(scene, "disk vda", NULL, "none");
    g_assert_nonnull(
        strstr(expect_cache(scene, "disk vdc", "writeback", "none")->reason, "/images takes O_DIRECT"));
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
}

static void
test_named_disk(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", "", "") "<disk type='file' device='cdrom'><source "
                                       "file='/images/cd.iso'/><target dev='sda' bus='sata'/></disk>");

    scene_plan(scene, "[domain d]\ndisk.cache[sda] = writethrough\n");

    expect_cache(scene, "disk sda", NULL, "writethrough");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_default_is_absent(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", "", "") DISK("vdb", " cache='default'", "") DISK("vdc", " cache='none'", ""));

    scene_plan(scene, "[domain d]\ndisk.cache = default\n");

    expect_cache(scene, "disk vdc", "none", NULL);
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_o_direct(void)
{
    g_autoptr(Scene) scene = guest_with(
        "<disk type='file'><source file='/tmpfs/a'/><target dev='vda'/></disk>"
        "<disk type='file'><source file='/unseen/b'/><target dev='vdb'/></disk>"
        "<disk type='volume'><source pool='p' volume='v'/><target dev='vdc'/></disk>"
        "<disk type='network'><source protocol='rbd' name='pool/image'/><target dev='vdd'/></disk>");

    scene_plan(scene, "[domain d]\ndisk.cache = directsync\n");

    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "/tmpfs refuses");
    scene_expect_refused(scene, "d", "disk.cache", "disk vdb", "/unseen takes it is not known");
    scene_expect_refused(scene, "d", "disk.cache", "disk vdc", "doesn't tell in which directory");
    expect_cache(scene, "disk vdd", NULL, "directsync");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

/* `auto`: none where that is possible, no word where it isn't. */
static void
test_auto(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", " cache='writeback'", "") DISK(
        "vdb", " cache='directsync'",
        "") "<disk type='file'><source file='/tmpfs/c'/><target dev='vdc'/></disk>");

    scene_plan(scene, "[domain d]\ndisk.cache = auto\n");

    expect_cache(scene, "disk vda", "writeback", "none");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_unsafe_by_pattern(void)
{
    static const char *const sections[] = {"*", "d*", "d other-*", "title:d"};
    for (guint i = 0; i < G_N_ELEMENTS(sections); i++) {
        g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
        scene_add_guest(scene, "d", 1, "<title>d</title>", DISK("vda", "", ""));
        g_autofree char *profile = g_strdup_printf("[domain %s]\ndisk.cache = unsafe\n", sections[i]);
        scene_plan(scene, profile);
        g_assert_cmpuint(scene->plan->actions->len, ==, 0);
        scene_expect_refused(scene, "d", "disk.cache", "disk vda", "[domain d]");
    }
}

static void
test_unsafe_by_name(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", ""));

    scene_plan(scene, "[domain d]\ndisk.cache = unsafe\n");

    const KtAction *action = expect_cache(scene, "disk vda", NULL, "unsafe");
    g_assert_cmpint(action->risk, ==, KT_RISK_HIGH);
    g_assert_nonnull(strstr(action->reason, "lost"));
}

static void
test_native_io(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", " cache='none' io='native'", ""));

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "io='native'");
}

/* libvirt runs a shared disk with none unless told otherwise. */
static void
test_shared_disk(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", "", "<shareable/>") DISK("vdb", "", "<shareable/><readonly/>"));

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n[domain d]\ndisk.cache[vdb] = none\n");

    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "<shareable/>");
    expect_cache(scene, "disk vdb", NULL, "none");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_shared_disk_is_direct(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", "<shareable/>"));

    scene_plan(scene, "[domain d]\ndisk.cache = none\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_block_job(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml("d", 1, "", DISK("vda", "", "<mirror type='file' job='copy'/>"));
    g_autofree char *inactive = scene_xml("d", 1, "", DISK("vda", "", ""));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "block job");
}

/* A pull doesn't show in the definition: it is found by asking about what the plan would change. */
static void
test_block_job_that_was_asked(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", ""));
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");
    g_autoptr(GArray) asked = kt_disks_ask_block_jobs(scene->plan);
    g_assert_cmpuint(asked->len, ==, 1);
    g_hash_table_add(domain->block_jobs, g_strdup("vda"));

    g_autoptr(KtPlan) again = kt_plan_make(scene->snapshot, scene->desired);

    g_assert_cmpuint(again->actions->len, ==, 0);
    g_assert_cmpuint(again->refused->len, ==, 1);
    g_autoptr(GArray) asked_again = kt_disks_ask_block_jobs(again);
    g_assert_cmpuint(asked_again->len, ==, 0);
}

static void
test_hanging_qemu(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", ""));
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    domain->unanswered = true;

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "doesn't answer libvirt");
}

static void
add_chain(Scene *scene, const char *below, const char *ends)
{
    KtImage *image = g_new0(KtImage, 1);
    image->path = g_strdup("/images/vda.img");
    image->chain = g_ptr_array_new_with_free_func(g_free);
    image->chain_ends = g_strdup(ends);
    if (below)
        g_ptr_array_add(image->chain, g_strdup(below));
    if (!scene->snapshot->images)
        scene->snapshot->images = kt_images_new();
    g_hash_table_insert(scene->snapshot->images, image->path, image);
}

/* QEMU opens all of a backing chain in the disk's cache mode. */
static void
test_chain(void)
{
    static const struct {
        const char *below, *ends, *words; /* words NULL: it changes */
    } cases[] = {
        {"/images/base.img", NULL, NULL},
        {NULL, NULL, NULL},
        {"/tmpfs/base.img", NULL, "which /tmpfs refuses"},
        {"/elsewhere/base.img", NULL, "whether /elsewhere takes it is not known"},
        {NULL, "/x can't be read", "what is below /images/vda.img (/x can't be read)"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = guest_with(DISK("vda", "", ""));
        add_chain(scene, cases[i].below, cases[i].ends);

        scene_plan(scene, "[domain d]\ndisk.cache = none\n");

        if (cases[i].words == NULL)
            expect_cache(scene, "disk vda", NULL, "none");
        else
            scene_expect_refused(scene, "d", "disk.cache", "disk vda", cases[i].words);
    }
}

static void
test_vhostuser_disk(void)
{
    g_autoptr(Scene) scene =
        guest_with("<disk type='vhostuser'><source type='unix' path='/s'/><target dev='vda'/></disk>");

    scene_plan(scene, "[domain d]\ndisk.cache = none\n");

    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "vhostuser");
}

/* Safety rule 5: the guest's view of a write cache changes, which the power cycle makes safe. */
static void
test_write_cache_class(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", " cache='writethrough'", "") DISK("vdb", " cache='none'", ""));

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");

    g_assert_nonnull(
        strstr(expect_cache(scene, "disk vda", "writethrough", "writeback")->reason, "write cache"));
    g_assert_null(strstr(expect_cache(scene, "disk vdb", "none", "writeback")->reason, "write cache"));
}

static void
test_no_next_boot(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *saved = scene_xml("saved", 1, "", DISK("vda", "", ""));
    g_autofree char *transient =
        scene_xml("transient", 1, "", DISK("vda", "", "") DISK("vdb", " cache='unsafe'", ""));
    scene_add(scene, NULL, saved)->managed_save = true;
    scene_add(scene, transient, NULL);

    scene_plan(scene, "[domain *]\ndisk.cache = writeback\ndisk.cache[vdb] = keep\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "saved", "disk.cache", "disk vda", "a saved image");
    scene_expect_refused(scene, "transient", "disk.cache", "disk vda", "transient");
    g_assert_true(scene_has_note(scene, "saved", "saved image"));
    g_assert_true(scene_has_note(scene, "transient", "no next boot"));
}

static void
test_shut_off(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *xml = scene_xml("d", 1, "", DISK("vda", "", ""));
    scene_add(scene, NULL, xml);

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");

    expect_cache(scene, "disk vda", NULL, "writeback");
}

/* Pending is what earlier runs staged, not what this plan adds; libvirt's own word for a shared disk is no
 * difference. */
static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml(
        "d", 1, "", DISK("vda", "", "") DISK("vdb", "", "") DISK("vdc", " cache='none'", "<shareable/>"));
    g_autofree char *inactive = scene_xml("d", 1, "",
                                          DISK("vda", " cache='none'", "") DISK("vdb", " cache='default'", "")
                                              DISK("vdc", "", "<shareable/>"));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\ndisk.cache[vdb] = writeback\n");

    const GPtrArray *pending = scene->plan->domains[0].pending;
    g_assert_cmpuint(pending->len, ==, 1);
    const KtPending *one = pending->pdata[0];
    g_assert_cmpstr(one->item, ==, "disk vda");
    g_assert_cmpstr(one->live, ==, NULL);
    g_assert_cmpstr(one->staged, ==, "none");
    g_assert_cmpstr(one->setting->key, ==, "disk.cache");
    expect_cache(scene, "disk vdb", "default", "writeback");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/disks/all", test_all_disks);
    g_test_add_func("/disks/named", test_named_disk);
    g_test_add_func("/disks/default", test_default_is_absent);
    g_test_add_func("/disks/o-direct", test_o_direct);
    g_test_add_func("/disks/auto", test_auto);
    g_test_add_func("/disks/unsafe/pattern", test_unsafe_by_pattern);
    g_test_add_func("/disks/unsafe/name", test_unsafe_by_name);
    g_test_add_func("/disks/native-io", test_native_io);
    g_test_add_func("/disks/shared", test_shared_disk);
    g_test_add_func("/disks/shared-is-direct", test_shared_disk_is_direct);
    g_test_add_func("/disks/block-job", test_block_job);
    g_test_add_func("/disks/block-job-asked", test_block_job_that_was_asked);
    g_test_add_func("/disks/hanging-qemu", test_hanging_qemu);
    g_test_add_func("/disks/chain", test_chain);
    g_test_add_func("/disks/vhostuser", test_vhostuser_disk);
    g_test_add_func("/disks/write-cache-class", test_write_cache_class);
    g_test_add_func("/disks/no-next-boot", test_no_next_boot);
    g_test_add_func("/disks/shut-off", test_shut_off);
    g_test_add_func("/disks/pending", test_pending);
    return g_test_run();
}
