/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/status.h"

#include "agent/view/json.h"
#include "tests/unit/tuners/scene.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 80};

#define DISKS(cache)                                                                                         \
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'" cache "/><source file='/i/a.qcow2'/>" \
    "<target dev='vda' bus='virtio'/></disk><disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
#define NIC                                                                                                  \
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>"                \
    "<target dev='vnet0'/><model type='e1000'/></interface>"

static char *
draw(const Scene *scene, char *const *names, const char *unanswered)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_status(out, &style, scene->snapshot, names, unanswered);
    return g_strdup(out->str);
}

static Scene *
host_with_guests(void)
{
    Scene *scene = scene_new("package:1 l3:1 core:4 pu:1");
    g_autofree char *live = scene_xml("db", 2,
                                      "<cputune><vcpupin vcpu='0' cpuset='1'/>"
                                      "<vcpupin vcpu='1' cpuset='2'/><emulatorpin cpuset='0'/></cputune>",
                                      DISKS("") NIC);
    g_autofree char *staged = scene_xml("db", 2, "", DISKS(" cache='none'") NIC);
    KtDomain *db = scene_add(scene, live, staged);
    db->age_ns = 200;
    for (guint i = 0; i < db->vcpus->len; i++) {
        KtVcpu *vcpu = db->vcpus->pdata[i];
        vcpu->time_ns = 90;
        vcpu->delay_ns = 10;
    }
    g_autofree char *off = scene_xml("off", 1, "", DISKS(""));
    scene_add(scene, NULL, off);
    KtMemory *memory = scene->snapshot->memory;
    memory->thp.enabled = g_strdup("madvise");
    memory->ksm.run = 1;
    memory->ksm.pages_sharing = 262144;
    return scene;
}

static void
test_one_page(void)
{
    g_autoptr(Scene) scene = host_with_guests();

    g_autofree char *text = draw(scene, NULL, NULL);

    g_assert_true(g_str_has_prefix(text, "host    4 CPUs, 4 cores, 1 memory node, 1 L3 group\n"
                                         "THP     enabled madvise\n"
                                         "KSM     on, 1 GiB saved\n\n"));
    g_assert_nonnull(strstr(text,
                            "\nA db  running, 2 vCPUs, 1 GiB\n"
                            "  vCPUs       on 1 2 · busy 45 % · waited for a CPU 10.0 %\n"
                            "  emulator    on 0\n"
                            "  vda         virtio qcow2, cache default, /i/a.qcow2\n"
                            "  nic         e1000, network default, vnet0, 52:54:00:00:00:01\n"
                            "  migration   yes, where the destination has what it needs\n"
                            "  pending     disk.cache vda: default now, none once it was powered off and\n"
                            "              started\n"));
    /* One line, without its disks. */
    g_assert_true(g_str_has_suffix(text, "\n\noff  shut off, 1 vCPU, 1 GiB\n"));
}

static void
test_named_domains(void)
{
    g_autoptr(Scene) scene = host_with_guests();
    char *const names[] = {(char *)"o*", NULL};

    g_autofree char *text = draw(scene, names, NULL);

    g_assert_nonnull(
        strstr(text, "\noff  shut off, 1 vCPU, 1 GiB\n  vda         virtio qcow2, cache default"));
    g_assert_null(strstr(text, "\nA db"));
}

static void
test_without_hypervisor(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");

    g_autofree char *text = draw(scene, NULL, "libvirt at x doesn't answer: no");

    g_assert_nonnull(strstr(text, "\nno domains: libvirt at x doesn't answer: no\n"));
    g_assert_nonnull(strstr(text, "KSM     not in this kernel, or not captured\n"));
}

static void
test_json(void)
{
    g_autoptr(Scene) scene = host_with_guests();

    g_autofree char *text = kt_view_status_json(scene->snapshot, NULL, NULL, false, NULL);
    g_autoptr(json_t) json = json_loads(text, 0, NULL);

    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(json, "ksm"), "saved_mib")), ==, 1024);
    json_t *domain = json_array_get(json_object_get(json, "domains"), 0);
    g_assert_cmpfloat(json_real_value(json_object_get(domain, "run_delay_percent")), ==, 10.0);
    g_assert_cmpstr(json_string_value(json_object_get(domain, "emulator")), ==, "0");
    g_assert_cmpuint(json_array_size(json_object_get(domain, "pending")), ==, 1);
    json_t *off = json_array_get(json_object_get(json, "domains"), 1);
    g_assert_cmpstr(json_string_value(json_object_get(off, "state")), ==, "shut-off");
    g_assert_true(json_is_null(json_object_get(off, "run_delay_percent")));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/status/page", test_one_page);
    g_test_add_func("/view/status/named", test_named_domains);
    g_test_add_func("/view/status/no-hypervisor", test_without_hypervisor);
    g_test_add_func("/view/status/json", test_json);
    return g_test_run();
}
