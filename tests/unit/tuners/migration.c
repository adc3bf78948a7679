/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/tuners/scene.h"

#define DISK(type, attribute, source, rest)                                                                  \
    "<disk type='" type "' device='disk'><source " attribute "='" source                                     \
    "'/><target dev='vda' bus='virtio'/>" rest "</disk>"
#define FILE_DISK(rest) DISK("file", "file", "/images/a", rest)
#define CACHE(mode) "<driver name='qemu' type='raw' cache='" mode "'/>"

static Scene *
new_scene(void)
{
    Scene *scene = scene_new("node:2 core:4 pu:1");
    scene->snapshot->qemu = g_strdup("7.2.0");
    scene->snapshot->libvirt = g_strdup("9.0.0");
    if (scene->snapshot->images == NULL)
        scene->snapshot->images = kt_images_new();
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
    return scene;
}

static KtImage *
add_image(Scene *scene, const char *path, KtReach reach, const char *file_system)
{
    KtImage *image = g_new0(KtImage, 1);
    image->path = g_strdup(path);
    image->chain = g_ptr_array_new_with_free_func(g_free);
    image->reach = reach;
    image->file_system = g_strdup(file_system);
    g_hash_table_insert(scene->snapshot->images, image->path, image);
    return image;
}

static const KtMigrationReason *
find(const Scene *scene, const char *words)
{
    const GPtrArray *reasons = scene->plan->domains[0].migration;
    for (guint i = 0; i < reasons->len; i++) {
        const KtMigrationReason *reason = reasons->pdata[i];
        if (strstr(reason->reason, words) != NULL)
            return reason;
    }
    return NULL;
}

static void
assert_reason(const Scene *scene, KtMigrationWeight weight, KtMigrationTime time, const char *words)
{
    const KtMigrationReason *reason = find(scene, words);
    if (reason == NULL)
        g_error("'%s' isn't among the reasons", words);
    g_test_message("%s, %s: %s", kt_migration_weight_name(reason->weight),
                   kt_migration_time_name(reason->time), reason->reason);
    g_assert_cmpint(reason->weight, ==, weight);
    g_assert_cmpint(reason->time, ==, time);
}

static void
assert_count(const Scene *scene, guint n)
{
    for (guint i = 0; i < scene->plan->domains[0].migration->len; i++)
        g_test_message("%s", ((KtMigrationReason *)scene->plan->domains[0].migration->pdata[i])->reason);
    g_assert_cmpuint(scene->plan->domains[0].migration->len, ==, n);
}

#define EMPTY "[host]\n"

/* ---- what is there ---- */

static const struct {
    const char *rest, *devices;
    gint weight; /* -1 = nothing to say */
    const char *words;
} samples[] = {
    {"", "", -1, NULL},
    {"", DISK("network", "name", "pool/a", ""), -1, NULL},
    {"", "<disk type='file' device='cdrom'><target dev='sda'/></disk>", -1, NULL},
    {"", DISK("block", "dev", "/dev/sdb", CACHE("none")), KT_MIGRATION_NEEDS, "block device /dev/sdb"},
    {"", DISK("nvme", "name", "x", ""), KT_MIGRATION_STOPS, "NVMe"},
    {"", DISK("dir", "dir", "/x", ""), KT_MIGRATION_STOPS, "directory"},
    {"", DISK("volume", "volume", "a", ""), KT_MIGRATION_NEEDS, "volume a"},
    {"", DISK("network", "name", "a", "<transient/>"), KT_MIGRATION_STOPS, "transient"},
    {"", DISK("network", "name", "a", "<driver name='qemu' io='io_uring'/>"), KT_MIGRATION_NEEDS, "io_uring"},
    {"", DISK("network", "name", "a", "<mirror type='file'/>"), KT_MIGRATION_STOPS, "block job"},
    {"", FILE_DISK(CACHE("none")), KT_MIGRATION_NEEDS, "isn't known"},
    {"", "<disk type='block' device='cdrom'><source dev='/dev/sr0'/><target dev='sda'/></disk>",
     KT_MIGRATION_NEEDS, "/dev/sr0"},
    {"", "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>", KT_MIGRATION_STOPS, "vDPA"},
    {"", "<interface type='vhostuser'><mac address='52:54:00:00:00:01'/></interface>", KT_MIGRATION_NEEDS,
     "52:54:00:00:00:01"},
    {"", "<interface type='bridge'><source bridge='br0'/></interface>", -1, NULL},
    {"",
     "<hostdev type='pci'><source><address domain='0' bus='0x3b' slot='0' function='0'/></source></hostdev>",
     KT_MIGRATION_STOPS, "PCI device 0000:3b:00.0 is passed through"},
    {"", "<hostdev type='pci'/>", KT_MIGRATION_STOPS, "PCI device of the host"},
    {"", "<hostdev type='usb'/>", KT_MIGRATION_NEEDS, "USB device"},
    {"", "<hostdev type='mdev'/>", KT_MIGRATION_STOPS, "mdev"},
    {"", "<filesystem><driver type='virtiofs'/><target dir='s%sh'/></filesystem>", KT_MIGRATION_STOPS,
     "virtiofs (s%sh)"},
    {"", "<filesystem><target dir='x'/></filesystem>", KT_MIGRATION_STOPS, "9p (x)"},
    {"", "<shmem name='m'/>", KT_MIGRATION_STOPS, "shmem m"},
    {"", "<tpm><backend type='passthrough'/></tpm>", KT_MIGRATION_STOPS, "TPM"},
    {"<launchSecurity type='sev'/>", "", KT_MIGRATION_STOPS, "closed to this host (sev)"},
    {"<cpu mode='host-passthrough'/>", "", KT_MIGRATION_NEEDS, "host-passthrough"},
    {"<cpu mode='custom'><feature name='invtsc' policy='require'/></cpu>", "", KT_MIGRATION_STOPS, "invtsc"},
    {"<memoryBacking><hugepages/></memoryBacking>", "", KT_MIGRATION_NEEDS, "1024 MiB of free huge pages"},
    {"<numatune><memory mode='strict' nodeset='1'/></numatune>", "", KT_MIGRATION_NEEDS, "memory node 1"},
    {"<cputune><vcpupin vcpu='0' cpuset='2-3'/><emulatorpin cpuset='5'/></cputune>", "", KT_MIGRATION_NEEDS,
     "CPUs 2-3,5"},
    /* All CPUs of this host: fewer there won't do. */
    {"<cputune><vcpupin vcpu='0' cpuset='0-7'/></cputune>", "", KT_MIGRATION_NEEDS, "CPUs 0-7"},
};

static void
test_kinds(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_test_message("%s%s", samples[i].rest, samples[i].devices);
        g_autoptr(Scene) scene = new_scene();
        scene_add_guest(scene, "d", 1, samples[i].rest, samples[i].devices);

        scene_plan(scene, EMPTY);

        assert_count(scene, samples[i].weight < 0 ? 0 : 1);
        g_assert_true(scene->plan->domains[0].migratable == (samples[i].weight != KT_MIGRATION_STOPS));
        if (samples[i].weight >= 0)
            assert_reason(scene, (KtMigrationWeight)samples[i].weight, KT_MIGRATION_ALWAYS, samples[i].words);
    }
}

/* ---- storage (qemuMigrationSrcIsSafe) ---- */

static void
test_storage(void)
{
    static const struct {
        KtReach reach;
        const char *cache, *qemu;
        gint weight;
        const char *words;
    } cases[] = {
        {KT_REACH_LOCAL, CACHE("none"), "7.2.0", KT_MIGRATION_STOPS, "this host alone (fs)"},
        {KT_REACH_SHARED, CACHE("none"), "3.1.0", -1, NULL},
        {KT_REACH_SHARED, CACHE("directsync"), "3.1.0", -1, NULL},
        {KT_REACH_SHARED, CACHE("writeback"), "3.1.0", KT_MIGRATION_STOPS, "cache 'writeback'"},
        {KT_REACH_SHARED, "", "3.1.0", KT_MIGRATION_STOPS, "cache 'default'"},
        {KT_REACH_SHARED, "<shareable/>", "3.1.0", -1, NULL},
        /* It gives back the host's cache by itself. */
        {KT_REACH_SHARED, CACHE("writeback"), "7.2.0", -1, NULL},
        {KT_REACH_SHARED, CACHE("writeback"), NULL, KT_MIGRATION_NEEDS, "QEMU 4.0"},
        {KT_REACH_CLUSTER, CACHE("writeback"), "3.1.0", -1, NULL},
        {KT_REACH_LOCAL, "<readonly/>", "7.2.0", KT_MIGRATION_NEEDS, "read-only image of disk vda"},
        {KT_REACH_SHARED, "<readonly/>", "3.1.0", -1, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = new_scene();
        g_free(scene->snapshot->qemu);
        scene->snapshot->qemu = g_strdup(cases[i].qemu);
        add_image(scene, "/images/a", cases[i].reach, "fs");
        g_autofree char *disk = g_strdup_printf("<disk type='file' device='disk'><source file='/images/a'/>"
                                                "<target dev='vda' bus='virtio'/>%s</disk>",
                                                cases[i].cache);
        scene_add_guest(scene, "d", 1, "", disk);

        scene_plan(scene, EMPTY);

        assert_count(scene, cases[i].weight < 0 ? 0 : 1);
        if (cases[i].weight >= 0)
            assert_reason(scene, (KtMigrationWeight)cases[i].weight, KT_MIGRATION_ALWAYS, cases[i].words);
    }
}

static void
test_local_medium(void)
{
    g_autoptr(Scene) scene = new_scene();
    add_image(scene, "/iso/x.iso", KT_REACH_LOCAL, "ext4");
    scene_add_guest(
        scene, "d", 1, "",
        "<disk type='file' device='cdrom'><source file='/iso/x.iso'/><target dev='sda'/><readonly/></disk>");

    scene_plan(scene, EMPTY);

    assert_reason(scene, KT_MIGRATION_NEEDS, KT_MIGRATION_ALWAYS, "ejected");
    g_assert_true(scene->plan->domains[0].migratable);
}

static void
test_snapshots_and_jobs(void)
{
    g_autoptr(Scene) scene = new_scene();
    KtDomain *domain = scene_add_guest(scene, "d", 1, "", DISK("network", "name", "a", ""));
    domain->has_snapshots = true;
    g_hash_table_add(domain->block_jobs, g_strdup("vda"));

    scene_plan(scene, EMPTY);

    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_ALWAYS, "snapshots");
    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_ALWAYS, "block job");
    g_assert_false(scene->plan->domains[0].migratable);
}

/* ---- what the plan changes ---- */

static void
test_cache_makes_it_migratable(void)
{
    g_autoptr(Scene) scene = new_scene();
    g_free(scene->snapshot->qemu);
    scene->snapshot->qemu = g_strdup("3.1.0");
    add_image(scene, "/images/a", KT_REACH_SHARED, "nfs");
    scene_add_guest(scene, "d", 1, "", FILE_DISK(CACHE("writeback")));

    scene_plan(scene, "[domain d]\ndisk.cache = none\n");

    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_NEXT_BOOT, "writeback", "none");
    assert_count(scene, 1);
    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_UNTIL_NEXT_BOOT, "cache 'writeback'");
    g_assert_false(scene->plan->domains[0].migratable);
}

static void
test_cache_ends_it(void)
{
    g_autoptr(Scene) scene = new_scene();
    g_free(scene->snapshot->qemu);
    scene->snapshot->qemu = g_strdup("3.1.0");
    add_image(scene, "/images/a", KT_REACH_SHARED, "nfs");
    scene_add_guest(scene, "d", 1, "", FILE_DISK(CACHE("none")));

    scene_plan(scene, "[domain d]\ndisk.cache = writeback\n");

    assert_count(scene, 1);
    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_FROM_NEXT_BOOT, "cache 'writeback'");
    g_assert_true(scene->plan->domains[0].migratable);
}

static void
test_pins(void)
{
    g_autoptr(Scene) scene = new_scene();
    scene_add_guest(scene, "d", 2, "", "");

    scene_plan(scene, "[domain d]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n");

    /* Live and persistent definition get the same pins. */
    assert_count(scene, 1);
    assert_reason(scene, KT_MIGRATION_NEEDS, KT_MIGRATION_ALWAYS, "pinned to");
    g_assert_true(find(scene, "pinned to")->planned);
}

/* What the plan has no part in isn't laid to it. */
static void
test_what_the_plan_brings_about(void)
{
    g_autoptr(Scene) scene = new_scene();
    scene->snapshot->kernel->release = g_strdup("6.1.0");
    scene_add_guest(scene, "d", 1, "<cputune><vcpupin vcpu='0' cpuset='2'/></cputune>",
                    FILE_DISK(CACHE("writeback")));

    scene_plan(scene, "[domain d]\ndisk.cache = none\ndisk.io = io_uring\n");

    assert_count(scene, 3);
    assert_reason(scene, KT_MIGRATION_NEEDS, KT_MIGRATION_FROM_NEXT_BOOT, "io_uring");
    g_assert_true(find(scene, "io_uring")->planned);
    g_assert_false(find(scene, "isn't known")->planned);
    g_assert_false(find(scene, "pinned to")->planned);
}

/* libvirt can't take a live pin away, only widen it to all CPUs of this host. */
static void
test_unpinned_again(void)
{
    g_autoptr(Scene) scene = new_scene();
    scene_add_guest(scene, "d", 1, "<cputune><vcpupin vcpu='0' cpuset='2'/></cputune>", "");

    scene_plan(scene, "[domain d]\ncpu.placement = none\n");

    g_assert_nonnull(scene_action(scene, "d", "cpu.placement", "vcpu 0", KT_WHEN_NOW));
    assert_count(scene, 1);
    assert_reason(scene, KT_MIGRATION_NEEDS, KT_MIGRATION_UNTIL_NEXT_BOOT, "CPUs 0-7");
}

/* What comes to the running guest at once counts for it at once. */
static void
test_paused_and_restarted(void)
{
    static const struct {
        const char *cache, *disruption;
        KtWhen when;
    } cases[] = {{"writeback", "pause", KT_WHEN_PAUSE}, {"writethrough", "restart", KT_WHEN_RESTART}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = new_scene();
        g_free(scene->snapshot->qemu);
        scene->snapshot->qemu = g_strdup("3.1.0");
        add_image(scene, "/images/a", KT_REACH_SHARED, "nfs");
        g_autofree char *disk = g_strdup_printf(
            "<disk type='file' device='disk'><driver name='qemu' type='raw' cache='%s'/><source "
            "file='/images/a'/><target dev='vda' bus='virtio'/></disk>",
            cases[i].cache);
        g_autofree char *profile =
            g_strdup_printf("[domain d]\ndisk.cache = none\ndisruption = %s\n", cases[i].disruption);
        scene_add_guest(scene, "d", 1, "", disk);

        scene_plan(scene, profile);

        scene_expect(scene, "d", "disk.cache", "disk vda", cases[i].when, cases[i].cache, "none");
        assert_count(scene, 0);
        g_assert_true(scene->plan->domains[0].migratable);
    }
}

/* What was staged before is as good as what this plan stages. */
static void
test_staged_from_before(void)
{
    g_autoptr(Scene) scene = new_scene();
    g_autofree char *live = scene_xml("d", 1, "", "<hostdev type='mdev'/>");
    g_autofree char *inactive = scene_xml("d", 1, "", "<tpm><backend type='passthrough'/></tpm>");
    scene_add(scene, live, inactive);

    scene_plan(scene, EMPTY);

    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_UNTIL_NEXT_BOOT, "mdev");
    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_FROM_NEXT_BOOT, "TPM");
}

static void
test_saved_image_and_transient(void)
{
    for (guint transient = 0; transient < 2; transient++) {
        g_autoptr(Scene) scene = new_scene();
        g_autofree char *live = scene_xml("d", 1, "", "<hostdev type='mdev'/>");
        g_autofree char *inactive = scene_xml("d", 1, "", "");
        scene_add(scene, live, transient ? NULL : inactive)->managed_save = !transient;

        scene_plan(scene, EMPTY);

        assert_count(scene, 1);
        assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_ALWAYS, "mdev");
    }
}

static void
test_shut_off(void)
{
    g_autoptr(Scene) scene = new_scene();
    g_autofree char *inactive = scene_xml("d", 1, "", "<hostdev type='mdev'/>");
    scene_add(scene, NULL, inactive);

    scene_plan(scene, EMPTY);

    assert_reason(scene, KT_MIGRATION_STOPS, KT_MIGRATION_ALWAYS, "mdev");
    g_assert_false(scene->plan->domains[0].migratable);
}

/* ---- any definition ---- */

static void
judge_sample(const char *path, const char *xml)
{
    g_test_message("%s", path);
    g_autoptr(Scene) scene = new_scene();
    scene_add(scene, xml, xml);

    scene_plan(scene, EMPTY);

    const KtDomainPlan *planned = &scene->plan->domains[0];
    bool stops = false;
    for (guint i = 0; i < planned->migration->len; i++) {
        const KtMigrationReason *reason = planned->migration->pdata[i];
        g_assert_true(*reason->reason != '\0');
        /* Both definitions are the same. */
        g_assert_cmpint(reason->time, ==, KT_MIGRATION_ALWAYS);
        stops = stops || reason->weight == KT_MIGRATION_STOPS;
    }
    g_assert_true(planned->migratable == !stops);
}

static void
test_corpus(void)
{
    domain_corpus_each(judge_sample);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration/kinds", test_kinds);
    g_test_add_func("/migration/storage", test_storage);
    g_test_add_func("/migration/local-medium", test_local_medium);
    g_test_add_func("/migration/snapshots-and-jobs", test_snapshots_and_jobs);
    g_test_add_func("/migration/cache-makes-it-migratable", test_cache_makes_it_migratable);
    g_test_add_func("/migration/cache-ends-it", test_cache_ends_it);
    g_test_add_func("/migration/pins", test_pins);
    g_test_add_func("/migration/planned", test_what_the_plan_brings_about);
    g_test_add_func("/migration/unpinned-again", test_unpinned_again);
    g_test_add_func("/migration/paused-and-restarted", test_paused_and_restarted);
    g_test_add_func("/migration/staged-from-before", test_staged_from_before);
    g_test_add_func("/migration/saved-image-and-transient", test_saved_image_and_transient);
    g_test_add_func("/migration/shut-off", test_shut_off);
    g_test_add_func("/migration/corpus", test_corpus);
    return g_test_run();
}
