/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/remote_host.h"

#include <string.h>

#include "base/error.h"
#include "probes/capture.h"
#include "probes/hypervisor.h"
#include "tests/unit/probes/fake_topology.h"

#define HOST(cells, rest)                                                                                    \
    "<capabilities><host><topology><cells>" cells "</cells></topology>" rest "</host></capabilities>"
#define CELL(id, rest) "<cell id='" id "'>" rest "</cell>"
#define CPU(id, socket, die, core, siblings)                                                                 \
    "<cpu id='" id "' socket_id='" socket "' die_id='" die "' core_id='" core "' siblings='" siblings "'/>"

static KtTopology *
topology_of(const char *xml)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtCapabilities) capabilities = kt_capabilities_parse(xml, &error);
    g_assert_no_error(error);
    KtTopology *topology = kt_topology_from_capabilities(capabilities, &error);
    g_assert_no_error(error);
    return topology;
}

static double
distance(const KtTopology *topology, guint a, guint b)
{
    return kt_topology_distance(topology, kt_topology_pu(topology, a), kt_topology_pu(topology, b));
}

/* Two sockets; threads of a core are numbered as the kernel does on many machines; CPU 7 is offline. */
static void
test_two_sockets(void)
{
    g_autoptr(KtTopology) topology = topology_of(HOST(
        CELL("0", "<memory unit='KiB'>1048576</memory><distances><sibling id='0' value='10'/>"
                  "<sibling id='1' value='32'/></distances><cpus>" CPU("0", "0", "0", "0", "0,4")
                      CPU("1", "0", "0", "1", "1,5") CPU("4", "0", "0", "0", "0,4")
                          CPU("5", "0", "0", "1", "1,5") "</cpus>")
            CELL("1", "<memory unit='KiB'>2097152</memory><distances><sibling id='0' value='32'/>"
                      "<sibling id='1' value='10'/></distances><cpus>" CPU("2", "1", "0", "0", "2,6")
                          CPU("3", "1", "0", "1", "3") CPU("6", "1", "0", "0", "2,6") "<cpu id='7'/></cpus>"),
        "<cache><bank id='0' level='3' size='16' unit='MiB' cpus='0-1,4-5'/>"
        "<bank id='1' level='3' size='16' unit='MiB' cpus='2-3,6-7'/></cache>"));

    assert_cpus(topology->online, "0-6");
    assert_cpus(topology->placeable, "0-6");
    g_assert_cmpuint(topology->n_packages, ==, 2);
    g_assert_cmpuint(topology->n_cores, ==, 4);
    g_assert_cmpuint(topology->n_l3, ==, 2);
    g_assert_cmpuint(topology->n_dies, ==, 0);
    g_assert_cmpuint(topology->n_nodes, ==, 2);
    g_assert_true(topology->smt);
    assert_cpus(topology->groups[0].cpus, "0-1,4-5");
    g_assert_cmpuint(topology->groups[0].cache_bytes, ==, 16 << 20);
    assert_cpus(topology->nodes[1].cpus, "2-3,6");
    g_assert_cmpuint(topology->nodes[1].memory_bytes, ==, G_GUINT64_CONSTANT(2) << 30);
    g_assert_cmpfloat(distance(topology, 0, 4), ==, 0.5);
    g_assert_cmpfloat(distance(topology, 0, 5), ==, 2);
    g_assert_cmpfloat(distance(topology, 0, 6), ==, 16);
    g_assert_cmpint(kt_topology_pci_node(topology, "0000:00:01.0"), ==, -1);
}

/* Two nodes in one socket, four L3 on two dies, and a node without CPUs. */
static void
test_nodes_inside_a_socket(void)
{
    g_autoptr(KtTopology) topology = topology_of(HOST(
        CELL("0", "<memory unit='KiB'>1024</memory><cpus>" CPU("0", "0", "0", "0", "0")
                      CPU("1", "0", "0", "1", "1") CPU("2", "0", "0", "2", "2") "</cpus>")
            CELL("1", "<memory unit='KiB'>1024</memory><cpus>" CPU("3", "0", "1", "0", "3")
                          CPU("4", "0", "1", "1", "4") "</cpus>")
                CELL("4", "<memory unit='KiB'>4096</memory><cpus num='0'/>"),
        "<cache><bank id='0' level='3' size='512' unit='KiB' cpus='0-1'/><bank id='1' level='3' cpus='2'/>"
        "<bank id='2' level='3' cpus='3-4'/><bank id='3' level='2' cpus='0-4'/></cache>"));

    g_assert_cmpuint(topology->n_packages, ==, 1);
    g_assert_cmpuint(topology->n_dies, ==, 2);
    g_assert_cmpuint(topology->n_l3, ==, 3);
    g_assert_cmpuint(topology->n_nodes, ==, 3);
    g_assert_cmpuint(topology->nodes[2].os, ==, 4);
    g_assert_cmpuint(topology->nodes[2].memory_bytes, ==, 4096 * 1024);
    assert_cpus(topology->nodes[0].cpus, "0-2");
    assert_cpus(topology->nodes[1].cpus, "3-4");
    assert_cpus(topology->nodes[2].cpus, "");
    g_assert_cmpuint(topology->groups[0].cache_bytes, ==, 512 * 1024);
    g_assert_cmpfloat(distance(topology, 0, 2), ==, 5);
    g_assert_cmpfloat(distance(topology, 2, 3), ==, 10);
}

/* A cache that lies across the sockets fits in no tree: it is left out, the rest stays. */
static void
test_crossing_parts(void)
{
    g_autoptr(KtTopology) topology =
        topology_of(HOST(CELL("0", "<cpus>" CPU("0", "0", "0", "0", "0") CPU("1", "0", "0", "1", "1")
                                       CPU("2", "1", "0", "0", "2") CPU("3", "1", "0", "1", "3") "</cpus>"),
                         "<cache><bank id='0' level='3' cpus='1-2'/></cache>"));

    g_assert_cmpuint(topology->n_l3, ==, 0);
    g_assert_cmpuint(topology->n_packages, ==, 2);
    g_assert_cmpuint(topology->n_groups, ==, 2);
}

static void
test_errors(void)
{
    static const struct {
        const char *xml;
        KtErrorCode code;
    } cases[] = {
        {"<capabilities", KT_ERROR_PARSE},
        {"<capabilities/>", KT_ERROR_UNSUPPORTED},
        {HOST(CELL("0", "<cpus><cpu id='0'/></cpus>"), ""), KT_ERROR_UNSUPPORTED},
        {HOST(CELL("0", "<cpus>" CPU("99999", "0", "0", "0", "99999") "</cpus>"), ""), KT_ERROR_UNSUPPORTED},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(kt_capabilities_parse(cases[i].xml, &error));
        g_assert_error(error, KT_ERROR, (gint)cases[i].code);
    }
}

/* libvirt's test driver is such a host: two sockets of eight CPUs, 2 and 4 GiB. */
static void
test_driver(void)
{
    g_autoptr(virConnect) connection = virConnectOpen("test:///default");
    if (!connection) {
        g_test_skip("this libvirt has no test driver");
        return;
    }
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(GError) error = NULL;

    g_autoptr(KtSnapshot) snapshot = kt_snapshot_read(root, connection, &error);
    g_assert_no_error(error);
    g_assert_true(kt_capture_write(snapshot, root, copy->directory, &error));
    g_assert_no_error(error);
    g_autoptr(KtSnapshot) again = kt_capture_read(copy->directory, &error);
    g_assert_no_error(error);

    g_assert_false(snapshot->host_is_local);
    g_assert_null(snapshot->kernel->release);
    g_assert_cmpint(snapshot->memory->ksm.run, ==, KT_ABSENT);
    const KtSnapshot *both[] = {snapshot, again};
    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
        assert_cpus(both[i]->topology->online, "0-15");
        g_assert_cmpuint(both[i]->topology->n_nodes, ==, 2);
        g_assert_cmpuint(both[i]->memory->nodes->len, ==, 2);
        const KtNodeMemory *node = &g_array_index(both[i]->memory->nodes, KtNodeMemory, 1);
        g_assert_cmpint(node->total_kib, ==, 4 << 20);
        g_assert_cmpint(kt_pools_find(both[i]->pools, 0, 2048)->total, ==, 0);
        g_assert_null(kt_pools_find(both[i]->pools, 0, 4));
        g_assert_cmpuint(both[i]->pools->pools->len, ==, snapshot->pools->pools->len);
        g_assert_null(both[i]->kernel->release);
    }
    g_assert_cmpint(g_array_index(again->memory->nodes, KtNodeMemory, 0).free_kib, ==,
                    g_array_index(snapshot->memory->nodes, KtNodeMemory, 0).free_kib);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/remote-host/two-sockets", test_two_sockets);
    g_test_add_func("/remote-host/nodes-inside-a-socket", test_nodes_inside_a_socket);
    g_test_add_func("/remote-host/crossing-parts", test_crossing_parts);
    g_test_add_func("/remote-host/errors", test_errors);
    g_test_add_func("/remote-host/driver", test_driver);
    return g_test_run();
}
