/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

#define NIC(type, mac, model, extra)                                                                         \
    "<interface type='" type "'><mac address='52:54:00:00:00:" mac "'/><model type='" model "'/>" extra      \
    "</interface>"
#define ITEM(mac) "nic 52:54:00:00:00:" mac

static Scene *
guest_with(guint vcpus, const char *nics)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", vcpus, "", nics);
    return scene;
}

static const KtAction *
expect_queues(const Scene *scene, const char *item, const char *from, const char *to)
{
    const KtAction *action = scene_expect(scene, "d", "nic.queues", item, KT_WHEN_NEXT_BOOT, from, to);
    g_assert_cmpint(action->kind, ==, KT_STEP_DEFINE);
    g_assert_cmpint(action->field, ==, KT_XML_NIC_QUEUES);
    return action;
}

static void
test_number(void)
{
    g_autoptr(Scene) scene =
        guest_with(4, NIC("network", "01", "virtio", "") NIC("bridge", "02", "virtio", "<driver queues='4'/>")
                          NIC("direct", "03", "virtio", "<driver queues='2'/>")
                              NIC("ethernet", "04", "virtio-non-transitional", ""));

    scene_plan(scene, "[domain d]\nnic.queues = 2\n");

    g_assert_nonnull(strstr(expect_queues(scene, ITEM("01"), NULL, "2")->reason, "ethtool -L"));
    expect_queues(scene, ITEM("02"), "4", "2");
    expect_queues(scene, ITEM("04"), NULL, "2");
    g_assert_cmpuint(scene->plan->actions->len, ==, 3);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_cannot(void)
{
    g_autoptr(Scene) scene =
        guest_with(2, NIC("user", "01", "virtio", "") NIC("bridge", "02", "e1000", "")
                          NIC("vhostuser", "03", "virtio", "") NIC("bridge", "04", "virtio", ""));

    scene_plan(scene, "[domain d]\nnic.queues = 2\nnic.queues[52:54:00:00:00:04] = 4\n");

    scene_expect_refused(scene, "d", "nic.queues", ITEM("01"), "'user'");
    scene_expect_refused(scene, "d", "nic.queues", ITEM("02"), "nic.model = virtio too");
    scene_expect_refused(scene, "d", "nic.queues", ITEM("03"), "'vhostuser'");
    scene_expect_refused(scene, "d", "nic.queues", ITEM("04"), "4 queues are more than its 2 vCPUs");
    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
}

/* The model that the same plan stages is the one that counts. */
static void
test_planned_model(void)
{
    g_autoptr(Scene) scene = guest_with(2, NIC("bridge", "01", "e1000", ""));

    scene_plan(scene, "[domain d]\nguest.virtio = assume\nnic.model = virtio\nnic.queues = auto\n");

    scene_expect(scene, "d", "nic.model", ITEM("01"), KT_WHEN_NEXT_BOOT, "e1000", "virtio");
    expect_queues(scene, ITEM("01"), NULL, "2");
}

/* One a vCPU, at most 8; what can't have several is left without a word. */
static void
test_auto(void)
{
    static const struct {
        guint vcpus;
        const char *queues;
    } cases[] = {{2, "2"}, {8, "8"}, {16, "8"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene =
            guest_with(cases[i].vcpus, NIC("network", "01", "virtio", "") NIC("user", "02", "virtio", "")
                                           NIC("network", "03", "rtl8139", ""));
        scene_plan(scene, "[domain d]\nnic.queues = auto\n");
        expect_queues(scene, ITEM("01"), NULL, cases[i].queues);
        g_assert_cmpuint(scene->plan->actions->len, ==, 1);
        g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    }
}

/* One queue is what a NIC has without a word of them. */
static void
test_one(void)
{
    g_autoptr(Scene) scene = guest_with(1, NIC("network", "01", "virtio", "") NIC("user", "02", "e1000", ""));

    scene_plan(scene, "[domain d]\nnic.queues = auto\nnic.queues[52:54:00:00:00:02] = 1\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_same_mac_twice(void)
{
    g_autoptr(Scene) scene =
        guest_with(2, NIC("network", "01", "virtio", "") NIC("network", "01", "virtio", ""));

    scene_plan(scene, "[domain d]\nnic.queues = 2\n");

    scene_expect_refused(scene, "d", "nic.queues", ITEM("01"), "MAC of its own");
}

static void
test_pending(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *live =
        scene_xml("d", 2, "", NIC("network", "01", "virtio", "") NIC("network", "02", "virtio", ""));
    g_autofree char *inactive = scene_xml("d", 2, "",
                                          NIC("network", "01", "virtio", "<driver queues='2'/>")
                                              NIC("network", "02", "virtio", "<driver queues='1'/>"));
    scene_add(scene, live, inactive);

    scene_plan(scene, "[domain d]\nnic.queues = keep\n");

    const GPtrArray *pending = scene->plan->domains[0].pending;
    g_assert_cmpuint(pending->len, ==, 1);
    const KtPending *one = pending->pdata[0];
    g_assert_cmpstr(one->item, ==, ITEM("01"));
    g_assert_cmpstr(one->live, ==, "1");
    g_assert_cmpstr(one->staged, ==, "2");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nic-queues/number", test_number);
    g_test_add_func("/nic-queues/cannot", test_cannot);
    g_test_add_func("/nic-queues/planned-model", test_planned_model);
    g_test_add_func("/nic-queues/auto", test_auto);
    g_test_add_func("/nic-queues/one", test_one);
    g_test_add_func("/nic-queues/same-mac-twice", test_same_mac_twice);
    g_test_add_func("/nic-queues/pending", test_pending);
    return g_test_run();
}
