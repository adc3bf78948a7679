/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/disk_scene.h"

static const KtAction *
expect_io(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "d", "disk.io", item, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_DISK_IO);
    return action;
}

static void
test_native_needs_direct_cache(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", " cache='none'", "virtio", "") DISK("vdb", " cache='directsync'", "virtio", "")
                       DISK("vdc", " cache='writeback'", "virtio", "") DISK("vdd", "", "virtio", ""));

    scene_plan(scene, "[domain d]\ndisk.io = native\n");

    expect_io(scene, "disk vda", NULL, "native");
    expect_io(scene, "disk vdb", NULL, "native");
    scene_expect_refused(scene, "d", "disk.io", "disk vdc", "this disk's is 'writeback'");
    scene_expect_refused(scene, "d", "disk.io", "disk vdd", "disk.cache = none");
    g_assert_cmpuint(scene->plan->actions->len, ==, 2);
    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
}

/* The cache mode that the same plan stages is the one that counts, either way. */
static void
test_native_with_planned_cache(void)
{
    g_autoptr(Scene) scene =
        guest_with(DISK("vda", "", "virtio", "") DISK("vdb", " cache='none'", "virtio", ""));

    scene_plan(scene, "[domain d]\ndisk.io = native\ndisk.cache[vda] = none\ndisk.cache[vdb] = writeback\n");

    expect_io(scene, "disk vda", NULL, "native");
    scene_expect(scene, "d", "disk.cache", "disk vdb", KT_WHEN_NEXT_BOOT, "none", "writeback");
    scene_expect_refused(scene, "d", "disk.io", "disk vdb", "this disk's is 'writeback'");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
}

/* A cache mode that is refused doesn't count. */
static void
test_native_with_refused_cache(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", "virtio", ""));
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(0));

    scene_plan(scene, "[domain d]\ndisk.io = native\ndisk.cache = none\n");

    scene_expect_refused(scene, "d", "disk.cache", "disk vda", "O_DIRECT");
    scene_expect_refused(scene, "d", "disk.io", "disk vda", "cache none or directsync");
}

/* io='native' in the definition doesn't hold up a cache mode where the same plan takes it away. */
static void
test_cache_where_native_goes(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", " cache='none' io='native'", "virtio", ""));

    scene_plan(scene, "[domain d]\ndisk.io = threads\ndisk.cache = writeback\n");

    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_NEXT_BOOT, "none", "writeback");
    expect_io(scene, "disk vda", "native", "threads");
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_threads_is_the_default(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", "virtio", "") DISK(
        "vdb", " io='default'", "virtio", "") DISK("vdc", " cache='none' io='native'", "virtio", ""));

    scene_plan(scene, "[domain d]\ndisk.io = threads\n");

    expect_io(scene, "disk vdc", "native", "threads");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_io_uring(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", "virtio", ""));

    scene_plan(scene, "[domain d]\ndisk.io = io_uring\n");

    g_assert_nonnull(strstr(expect_io(scene, "disk vda", NULL, "io_uring")->reason, "without io_uring"));
}

/* What the host says is what the refusal says. */
static void
test_io_uring_not_here(void)
{
    g_autoptr(Scene) scene = guest_with(DISK("vda", "", "virtio", ""));
    scene->snapshot->kernel->io_uring_disabled = 2;
    g_autofree char *why = kt_snapshot_why_no_io_uring(scene->snapshot);

    scene_plan(scene, "[domain d]\ndisk.io = io_uring\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "disk.io", "disk vda", why);
}

/* Linux AIO only where it never waits; never io_uring, which would tie the guest to hosts that have it. */
static void
test_auto(void)
{
    g_autoptr(Scene) scene = guest_with(
        DISK("vda", " cache='none'", "virtio", "") DISK("vdb", " cache='none'", "virtio", "")
            DISK("vdc", " cache='none' io='native'", "virtio",
                 "") "<disk type='block'><driver name='qemu' cache='none'/><source dev='/dev/vg/d'/><target "
                     "dev='vdd' bus='virtio'/></disk>" DISK("vde", " cache='writeback'", "virtio", ""));
    scene_image(scene, "vda", KT_ALLOCATED_FULL);
    scene_image(scene, "vdb", KT_ALLOCATED_SPARSE);
    scene_image(scene, "vdc", KT_ALLOCATED_METADATA);
    scene_image(scene, "vde", KT_ALLOCATED_FULL);

    scene_plan(scene, "[domain d]\ndisk.io = auto\n");

    g_assert_nonnull(strstr(expect_io(scene, "disk vda", NULL, "native")->reason, "preallocated"));
    g_assert_nonnull(strstr(expect_io(scene, "disk vdc", "native", "threads")->reason, "grows"));
    g_assert_nonnull(strstr(expect_io(scene, "disk vdd", NULL, "native")->reason, "block device"));
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_not_of_this_host(void)
{
    g_autoptr(Scene) scene = guest_with(
        "<disk type='network'><source protocol='rbd' name='pool/image'/><target dev='vda'/></disk>"
        "<disk type='vhostuser'><source type='unix' path='/s'/><target dev='vdb' bus='virtio'/></disk>");

    scene_plan(scene, "[domain d]\ndisk.io = io_uring\n");

    scene_expect_refused(scene, "d", "disk.io", "disk vda", "'network'");
    scene_expect_refused(scene, "d", "disk.io", "disk vdb", "another process");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

static void
test_block_job(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live =
        scene_xml("d", 1, "", DISK("vda", " cache='none'", "virtio", "<mirror type='file' job='copy'/>"));
    g_autofree char *inactive = scene_xml("d", 1, "", DISK("vda", " cache='none'", "virtio", ""));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\ndisk.io = native\n");

    scene_expect_refused(scene, "d", "disk.io", "disk vda", "block job");
}

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live =
        scene_xml("d", 1, "", DISK("vda", "", "virtio", "") DISK("vdb", "", "virtio", ""));
    g_autofree char *inactive = scene_xml(
        "d", 1, "", DISK("vda", " io='io_uring'", "virtio", "") DISK("vdb", " io='threads'", "virtio", ""));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\ndisk.io[vda] = keep\n");

    const GPtrArray *pending = scene->plan->domains[0].pending;
    g_assert_cmpuint(pending->len, ==, 1);
    const KtPending *one = pending->pdata[0];
    g_assert_cmpstr(one->setting->key, ==, "disk.io");
    g_assert_cmpstr(one->item, ==, "disk vda");
    g_assert_cmpstr(one->live, ==, "threads");
    g_assert_cmpstr(one->staged, ==, "io_uring");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/disk-io/native/needs-direct-cache", test_native_needs_direct_cache);
    g_test_add_func("/disk-io/native/planned-cache", test_native_with_planned_cache);
    g_test_add_func("/disk-io/native/refused-cache", test_native_with_refused_cache);
    g_test_add_func("/disk-io/native/goes", test_cache_where_native_goes);
    g_test_add_func("/disk-io/threads-is-the-default", test_threads_is_the_default);
    g_test_add_func("/disk-io/io-uring", test_io_uring);
    g_test_add_func("/disk-io/io-uring/not-here", test_io_uring_not_here);
    g_test_add_func("/disk-io/auto", test_auto);
    g_test_add_func("/disk-io/not-of-this-host", test_not_of_this_host);
    g_test_add_func("/disk-io/block-job", test_block_job);
    g_test_add_func("/disk-io/pending", test_pending);
    return g_test_run();
}
