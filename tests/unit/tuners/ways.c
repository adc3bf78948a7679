/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/disk_scene.h"

#define VDA(cache) DISK("vda", cache, "virtio", "")
#define PLUGGABLE                                                                                            \
    "<controller type='pci' index='0' model='pcie-root'/><controller type='pci' index='1' "                  \
    "model='pcie-root-port'/>"
#define NIC(bus, target)                                                                                     \
    "<interface type='bridge'><mac address='52:54:00:00:00:01'/>" target "<model type='e1000e'/>"            \
    "<address type='pci' domain='0x0000' bus='" bus "' slot='0x01' function='0x0'/></interface>"
#define TAP "<target dev='vnet0'/>"
#define ITEM "nic 52:54:00:00:00:01"

/* Nothing disturbs a guest whose section doesn't allow it. */
static void
test_none(void)
{
    g_autoptr(Scene) scene = guest_with(VDA(""));
    scene_plan(scene, "[domain d]\ndisk.cache = none\n");
    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_NEXT_BOOT, NULL, "none");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_pause(void)
{
    g_autoptr(Scene) scene = guest_with(VDA(""));
    scene_plan(scene,
               "[domain d]\ndisk.cache = none\ndisk.io = native\nmemory.ksm = no\ndisruption = pause\n");
    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE, NULL, "none");
    scene_expect(scene, "d", "disk.io", "disk vda", KT_WHEN_PAUSE, NULL, "native");
    scene_expect(scene, "d", "memory.ksm", NULL, KT_WHEN_PAUSE, NULL, "no");
    g_assert_true(scene_has_note(scene, "d", "stands still about"));
    g_assert_cmpint(scene->plan->domains[0].pause_usec, >, 0);

    /* then one step carries them all, after the definition's */
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
    const KtStep *step = scene->plan->steps->pdata[1];
    g_assert_cmpint(step->kind, ==, KT_STEP_PAUSE);
    g_assert_cmpuint(step->actions->len, ==, 3);
}

/* What was staged before gets to the guest too, where the profile names it, and only then. */
static void
test_staged_before(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml("d", 1, "", VDA(" io='threads' discard='ignore'"));
    g_autofree char *staged =
        scene_xml("d", 1, "", VDA(" io='threads' discard='unmap' cache='writethrough'"));
    scene_add(scene, live, staged);
    scene_plan(scene, "[domain d]\ndisk.cache = writethrough\ndisruption = pause\n");
    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE, NULL, "writethrough");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);

    /* then only the other one waits */
    g_assert_cmpuint(scene->plan->domains[0].pending->len, ==, 1);
    g_assert_cmpstr(((const KtPending *)scene->plan->domains[0].pending->pdata[0])->setting->key, ==,
                    "disk.discard");
}

/* Safety rule 5: every way between the cache modes. */
static void
test_cache_arrows(void)
{
    static const char *const modes[] = {NULL, "writeback", "none", "unsafe", "writethrough", "directsync"};
    for (guint from = 0; from < G_N_ELEMENTS(modes); from++) {
        for (guint to = 1; to < G_N_ELEMENTS(modes); to++) {
            if (from == to)
                continue;
            g_autofree char *driver =
                modes[from] ? g_strdup_printf(" cache='%s'", modes[from]) : g_strdup("");
            g_autofree char *disk =
                g_strdup_printf("<disk type='file' device='disk'><driver name='qemu'%s/>"
                                "<source file='/images/vda.img'/><target dev='vda' bus='virtio'/></disk>",
                                driver);
            g_autofree char *profile =
                g_strdup_printf("[domain d]\ndisk.cache = %s\ndisruption = pause\n", modes[to]);
            g_autoptr(Scene) scene = guest_with(disk);
            scene_plan(scene, profile);
            scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_NEXT_BOOT, modes[from], modes[to]);
            bool gains_cache = from >= 4 && to < 4;
            const KtAction *live = scene_action(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE);
            g_assert_true((live == NULL) == gains_cache);
            g_assert_cmpuint(scene_count_refused(scene, "d", "disruption", "disk vda"), ==,
                             gains_cache ? 1 : 0);
        }
    }
}

/* It has no next boot: what can't be brought to it now isn't planned at all. */
static void
test_transient(void)
{
    g_autofree char *xml = scene_xml("d", 1, "", VDA(" cache='directsync'") PLUGGABLE NIC("0x01", TAP));
    static const char profile[] = "[domain d]\ndisk.cache = %s\nmemory.ksm = no\nnic.model = virtio\n"
                                  "guest.virtio = assume\ndisruption = %s\n";
    static const struct {
        const char *cache, *disruption;
        bool replugs;
    } cases[] = {{"writethrough", "pause", false},
                 {"none", "pause", false},
                 {"none", "replug", true},
                 {"none", "restart", true}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
        g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
        scene_add(scene, xml, NULL);
        g_autofree char *text = g_strdup_printf(profile, cases[i].cache, cases[i].disruption);
        scene_plan(scene, text);

        const GPtrArray *actions = scene->plan->actions;
        for (guint k = 0; k < actions->len; k++)
            g_assert_cmpint(((const KtAction *)actions->pdata[k])->when, !=, KT_WHEN_NEXT_BOOT);
        scene_expect(scene, "d", "memory.ksm", NULL, KT_WHEN_PAUSE, NULL, "no");
        if (g_str_equal(cases[i].cache, "writethrough"))
            scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE, "directsync", "writethrough");
        else
            scene_expect_refused(scene, "d", "disk.cache", "disk vda", "no next boot");
        if (cases[i].replugs)
            scene_expect(scene, "d", "nic.model", ITEM, KT_WHEN_REPLUG, "e1000e", "virtio");
        else
            scene_expect_refused(scene, "d", "nic.model", ITEM, "disruption = replug");
    }
}

static void
test_no_pause(void)
{
    /* given what QEMU's state can't be taken out of it with */
    static const struct {
        const char *devices, *words;
    } cases[] = {
        {"<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x3b' slot='0' function='0'/>"
         "</source></hostdev>",
         "passed through"},
        {"<interface type='vhostuser'><mac address='52:54:00:00:00:09'/></interface>", "vhostuser"},
        {"<disk type='file' device='disk'><source file='/images/b'/><target dev='vdb' bus='virtio'/><transient/></disk>",
         "transient"},
        {"<disk type='file' device='disk'><source file='/images/b'/><target dev='vdb' bus='virtio'/>"
         "<mirror type='file' file='/c' job='copy'/></disk>",
         "block job"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *devices = g_strdup_printf("%s%s", VDA(""), cases[i].devices);
        g_autoptr(Scene) scene = guest_with(devices);
        scene_plan(scene, "[domain d]\ndisk.cache[vda] = none\ndisruption = pause\n");
        g_assert_null(scene_action(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE));
        scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_NEXT_BOOT, NULL, "none");
        scene_expect_refused(scene, "d", "disruption", NULL, cases[i].words);
    }
}

static void
test_max_pause(void)
{
    g_autoptr(Scene) scene = guest_with(VDA(""));
    scene_plan(scene, "[domain d]\ndisk.cache = none\ndisruption = pause\nmax-pause = 500ms\n");
    g_assert_null(scene_action(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE));
    scene_expect_refused(scene, "d", "disruption", NULL, "longer than max-pause = 500ms");
}

/* What a pause may not take long enough for, a restart does, and then it does all. */
static void
test_restart(void)
{
    g_autoptr(Scene) scene = guest_with(VDA(" cache='directsync'") PLUGGABLE NIC("0x01", TAP));
    scene_plan(scene,
               "[domain d]\ndisk.cache = none\nmemory.ksm = no\nnic.model = virtio\nguest.virtio = assume\n"
               "disruption = restart\n");
    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_RESTART, "directsync", "none");
    scene_expect(scene, "d", "memory.ksm", NULL, KT_WHEN_RESTART, NULL, "no");
    scene_expect(scene, "d", "nic.model", ITEM, KT_WHEN_RESTART, "e1000e", "virtio");
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);
}

static void
test_replug(void)
{
    g_autoptr(Scene) scene = guest_with(VDA("") PLUGGABLE NIC("0x01", TAP));
    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\ndisk.cache = none\n"
                      "disruption = replug\n");
    scene_expect(scene, "d", "nic.model", ITEM, KT_WHEN_REPLUG, "e1000e", "virtio");
    scene_expect(scene, "d", "disk.cache", "disk vda", KT_WHEN_PAUSE, NULL, "none");
    /* then the pause, which makes a new process, is last */
    g_assert_cmpuint(scene->plan->steps->len, ==, 3);
    g_assert_cmpint(((const KtStep *)scene->plan->steps->pdata[1])->kind, ==, KT_STEP_REPLUG);
    g_assert_cmpint(((const KtStep *)scene->plan->steps->pdata[2])->kind, ==, KT_STEP_PAUSE);
}

static void
test_pause_does_not_replug(void)
{
    g_autoptr(Scene) scene = guest_with(PLUGGABLE NIC("0x01", TAP));
    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\ndisruption = pause\n");
    scene_expect(scene, "d", "nic.model", ITEM, KT_WHEN_NEXT_BOOT, "e1000e", "virtio");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_no_replug(void)
{
    static const struct {
        const char *devices, *words;
    } cases[] = {
        {PLUGGABLE NIC("0x00", TAP), "pcie-root itself"},
        {PLUGGABLE NIC("0x01", ""), "no device on the host"},
        {"<controller type='pci' index='0' model='pcie-root'/>"
         "<controller type='pci' index='1' model='pcie-to-pci-bridge'/>" NIC("0x01", TAP),
         "no pcie-root-port is free"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = guest_with(cases[i].devices);
        scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\ndisruption = replug\n");
        g_assert_null(scene_action(scene, "d", "nic.model", ITEM, KT_WHEN_REPLUG));
        scene_expect_refused(scene, "d", "disruption", ITEM, cases[i].words);
    }
}

/* What a tuner refused isn't brought to the guest by another way. */
static void
test_refused_stays_refused(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml("d", 1, "", PLUGGABLE NIC("0x01", TAP));
    g_autofree char *staged =
        scene_xml("d", 1, "",
                  PLUGGABLE "<interface type='bridge'><mac address='52:54:00:00:00:01'/>"
                            "<model type='rtl8139'/></interface>");
    scene_add(scene, live, staged);
    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = never\ndisruption = restart\n");
    scene_expect_refused(scene, "d", "nic.model", ITEM, "never");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ways/none", test_none);
    g_test_add_func("/ways/pause", test_pause);
    g_test_add_func("/ways/pause/staged-before", test_staged_before);
    g_test_add_func("/ways/pause/cache-arrows", test_cache_arrows);
    g_test_add_func("/ways/pause/transient", test_transient);
    g_test_add_func("/ways/pause/impossible", test_no_pause);
    g_test_add_func("/ways/pause/too-long", test_max_pause);
    g_test_add_func("/ways/pause/no-replug", test_pause_does_not_replug);
    g_test_add_func("/ways/replug", test_replug);
    g_test_add_func("/ways/replug/impossible", test_no_replug);
    g_test_add_func("/ways/restart", test_restart);
    g_test_add_func("/ways/refused", test_refused_stays_refused);
    return g_test_run();
}
