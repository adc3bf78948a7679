/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define MAC_A "52:54:00:00:00:0a"
#define MAC_B "52:54:00:00:00:0b"
#define NIC(type, mac, model) "<interface type='" type "'><mac address='" mac "'/>" model "</interface>"
#define E1000 "<model type='e1000'/>"
#define VIRTIO "<model type='virtio'/>"
#define OS_ID "http://os.example/linux/9"
#define OS                                                                                                   \
    "<metadata><libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"        \
    "<libosinfo:os id='" OS_ID "'/></libosinfo:libosinfo></metadata>"

static Scene *
guest_with(const char *rest, const char *nics)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", 1, rest, nics);
    return scene;
}

static const KtAction *
expect_virtio(const Scene *scene, const char *mac, const char *from)
{
    g_autofree char *item = g_strdup_printf("nic %s", mac);
    const KtAction *action = scene_expect(scene, "d", "nic.model", item, KT_WHEN_NEXT_BOOT, from, "virtio");
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_NIC_MODEL);
    g_assert_cmpint(action->risk, ==, KT_RISK_MEDIUM);
    return action;
}

static void
see_os(Scene *scene, const char *evidence)
{
    g_hash_table_insert(scene->snapshot->virtio_os, g_strdup(OS_ID), g_strdup(evidence));
}

static void
test_assume(void)
{
    g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, E1000) NIC("user", MAC_B, VIRTIO));

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\n");

    g_assert_nonnull(strstr(expect_virtio(scene, MAC_A, "e1000")->reason, "guest.virtio = assume"));
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_never(void)
{
    g_autoptr(Scene) scene = guest_with(OS, NIC("user", MAC_A, E1000));
    see_os(scene, "libosinfo lists virtio-net for it");

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = never\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, "guest.virtio = never");
}

/* Traffic on a virtio NIC proves that the guest drives one; traffic on the emulated one proves nothing. */
static void
test_traffic(void)
{
    g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, E1000) NIC("user", MAC_B, VIRTIO));
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    g_hash_table_add(domain->nic_traffic, g_strdup(MAC_B));

    scene_plan(scene, "[domain d]\nnic.model = virtio\n");

    g_assert_nonnull(strstr(expect_virtio(scene, MAC_A, "e1000")->reason, MAC_B));
}

static void
test_traffic_elsewhere(void)
{
    g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, E1000) NIC("user", MAC_B, VIRTIO));
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    g_hash_table_add(domain->nic_traffic, g_strdup(MAC_A));

    scene_plan(scene, "[domain d]\nnic.model = virtio\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, "guest.virtio = assume");
}

static void
test_os_has_it(void)
{
    g_autoptr(Scene) scene = guest_with(OS, NIC("user", MAC_A, "<model type='rtl8139'/>"));
    see_os(scene, "libosinfo lists virtio-net for it");

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = detect\n");

    g_assert_nonnull(strstr(expect_virtio(scene, MAC_A, "rtl8139")->reason, "libosinfo lists"));
}

static void
test_os_lacks_it(void)
{
    g_autoptr(Scene) scene = guest_with(OS, NIC("user", MAC_A, E1000));
    see_os(scene, "");

    scene_plan(scene, "[domain d]\nnic.model = virtio\n");

    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, "no virtio-net device by itself");
}

static void
test_os_unknown(void)
{
    g_autoptr(Scene) scene = guest_with(OS, NIC("user", MAC_A, E1000));

    scene_plan(scene, "[domain d]\nnic.model = virtio\n");

    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, OS_ID);
}

static void
test_not_emulated(void)
{
    g_autoptr(Scene) scene =
        guest_with("", "<interface type='hostdev'><mac address='" MAC_A
                       "'/><source><address type='pci' domain='0' bus='0x3b' "
                       "slot='0' function='0'/></source></interface>" NIC("vdpa", MAC_B, ""));

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, "hostdev");
    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_B, "vdpa");
    g_assert_false(scene->plan->domains[0].migratable);
    g_assert_cmpuint(scene->plan->domains[0].migration->len, ==, 2);
}

/* What the guest's agent says, before the OS database. */
static void
test_agent(void)
{
    static const struct {
        const char *os, *virtio;
        bool changes;
        const char *words;
    } cases[] = {
        {"Debian, Linux 6.1", "its agent says that it runs Linux", true, "its agent says that it runs Linux"},
        {"Windows 10", "", false, "its agent lists no driver"},
        {"FreeBSD 13", NULL, false, "its agent doesn't tell"},
        {NULL, NULL, false, "no agent in it can be asked"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, E1000));
        KtDomain *domain = scene->snapshot->domains->pdata[0];
        domain->agent_os = g_strdup(cases[i].os);
        domain->agent_virtio = g_strdup(cases[i].virtio);

        scene_plan(scene, "[domain d]\nnic.model = virtio\n");

        if (cases[i].changes)
            g_assert_nonnull(strstr(expect_virtio(scene, MAC_A, "e1000")->reason, cases[i].words));
        else
            scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, cases[i].words);
    }
}

/* A persistent definition's OS counts where the live one names none. */
static void
test_os_of_the_persistent_definition(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml("d", 1, "", NIC("user", MAC_A, E1000));
    g_autofree char *inactive = scene_xml("d", 1, OS, NIC("user", MAC_A, E1000));
    KtDomain *domain = scene_add(scene, live, inactive);
    g_assert_cmpstr(kt_domain_os_id(domain), ==, OS_ID);
    see_os(scene, "libosinfo lists virtio-net for it");

    scene_plan(scene, "[domain d]\nnic.model = virtio\n");

    g_assert_nonnull(expect_virtio(scene, MAC_A, "e1000"));
}

/* Agents are asked only where a change hangs on what they say, and before the OS database. */
static void
test_asks_agents_only_when_needed(void)
{
    static const char channel[] = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' "
                                  "state='connected'/></channel>";
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *other = g_strconcat(NIC("user", MAC_A, E1000), channel, NULL);
    g_autofree char *virtio = g_strconcat(NIC("user", MAC_A, VIRTIO), channel, NULL);
    scene_add_guest(scene, "connected", 1, OS, other);
    scene_add_guest(scene, "no-agent", 1, OS, NIC("user", MAC_A, E1000));
    scene_add_guest(scene, "not-named", 1, OS, other);
    scene_add_guest(scene, "virtio", 1, OS, virtio);
    scene_resolve(scene, "[domain connected no-agent virtio]\nnic.model = virtio\n");

    g_autoptr(GArray) agents = kt_nics_ask_agents(scene->snapshot, scene->desired);

    g_assert_cmpuint(agents->len, ==, 1);
    g_assert_cmpuint(g_array_index(agents, guint, 0), ==, 0);

    /* Once the agent has answered, the database isn't needed for it. */
    ((KtDomain *)scene->snapshot->domains->pdata[0])->agent_virtio = g_strdup("it says so");
    g_autoptr(GArray) database = kt_nics_ask_guest_os(scene->snapshot, scene->desired);
    g_assert_cmpuint(database->len, ==, 1);
    g_assert_cmpuint(g_array_index(database, guint, 0), ==, 1);
}

static void
test_virtio_kinds(void)
{
    g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, "<model type='virtio-transitional'/>") NIC(
                                                "bridge", MAC_B, "<model type='virtio-non-transitional'/>"));

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = never\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_true(scene->plan->domains[0].migratable);
}

static void
test_other_bus(void)
{
    g_autoptr(Scene) scene =
        guest_with("", NIC("user", MAC_A, "<model type='usb-net'/>") NIC("user", MAC_B, ""));

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\n");

    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, "usb-net");
    expect_virtio(scene, MAC_B, NULL);
}

static void
test_one_mac_twice(void)
{
    g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, E1000) NIC("bridge", MAC_A, E1000));

    scene_plan(scene, "[domain d]\nnic.model = virtio\nguest.virtio = assume\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    scene_expect_refused(scene, "d", "nic.model", "nic " MAC_A, "several NICs");
}

static void
test_one_nic(void)
{
    g_autoptr(Scene) scene = guest_with("", NIC("user", MAC_A, E1000) NIC("user", MAC_B, E1000));

    scene_plan(scene, "[domain d]\nnic.model[52:54:00:00:00:0B] = virtio\nguest.virtio = assume\n");

    expect_virtio(scene, MAC_B, "e1000");
    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
}

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live = scene_xml("d", 1, "", NIC("user", MAC_A, E1000) NIC("user", MAC_B, VIRTIO));
    g_autofree char *inactive = scene_xml("d", 1, "", NIC("user", MAC_A, VIRTIO) NIC("user", MAC_B, VIRTIO));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\nnic.model = virtio\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->domains[0].pending->len, ==, 1);
    const KtPending *pending = scene->plan->domains[0].pending->pdata[0];
    g_assert_cmpstr(pending->item, ==, "nic " MAC_A);
    g_assert_cmpstr(pending->live, ==, "e1000");
    g_assert_cmpstr(pending->staged, ==, "virtio");
}

/* The big OS database is asked only where a change hangs on it. */
static void
test_asks_only_when_needed(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "assumed", 1, OS, NIC("user", MAC_A, E1000));
    scene_add_guest(scene, "needs", 1, OS, NIC("user", MAC_A, E1000));
    scene_add_guest(scene, "no-os", 1, "", NIC("user", MAC_A, E1000));
    scene_add_guest(scene, "other", 1, OS, NIC("user", MAC_A, E1000));
    scene_add_guest(scene, "virtio", 1, OS, NIC("user", MAC_A, VIRTIO));
    scene_resolve(scene, "[domain assumed needs no-os virtio]\nnic.model = virtio\n"
                         "[domain assumed]\nguest.virtio = assume\n");

    g_autoptr(GArray) asked = kt_nics_ask_guest_os(scene->snapshot, scene->desired);

    g_assert_cmpuint(asked->len, ==, 1);
    g_assert_cmpuint(g_array_index(asked, guint, 0), ==, (guint)scene_index(scene, "needs"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nics/assume", test_assume);
    g_test_add_func("/nics/never", test_never);
    g_test_add_func("/nics/traffic", test_traffic);
    g_test_add_func("/nics/traffic-elsewhere", test_traffic_elsewhere);
    g_test_add_func("/nics/os/has-it", test_os_has_it);
    g_test_add_func("/nics/os/lacks-it", test_os_lacks_it);
    g_test_add_func("/nics/os/unknown", test_os_unknown);
    g_test_add_func("/nics/agent", test_agent);
    g_test_add_func("/nics/os/persistent", test_os_of_the_persistent_definition);
    g_test_add_func("/nics/asks-agents-only-when-needed", test_asks_agents_only_when_needed);
    g_test_add_func("/nics/not-emulated", test_not_emulated);
    g_test_add_func("/nics/virtio-kinds", test_virtio_kinds);
    g_test_add_func("/nics/other-bus", test_other_bus);
    g_test_add_func("/nics/one-mac-twice", test_one_mac_twice);
    g_test_add_func("/nics/one-nic", test_one_nic);
    g_test_add_func("/nics/pending", test_pending);
    g_test_add_func("/nics/asks-only-when-needed", test_asks_only_when_needed);
    return g_test_run();
}
