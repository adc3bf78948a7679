/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/topology.h"

#include <sched.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/probes/fake_topology.h"

static KtTopology *
synthetic(const char *description)
{
    g_autoptr(GError) error = NULL;
    KtTopology *topology = kt_topology_from_synthetic(description, &error);
    g_assert_no_error(error);
    return topology;
}

/* The topology of a host with these files and this XML. */
static KtTopology *
read_xml(const char *xml, const FakeFile *files)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;
    fake_host_write(host, KT_TOPOLOGY_FILE, xml);
    g_autoptr(KtCgroup) cgroup = kt_cgroup_read(host->root, &error);
    g_assert_no_error(error);
    KtTopology *topology = kt_topology_read(host->root, cgroup, &error);
    g_assert_no_error(error);
    return topology;
}

static KtTopology *
read_files(const char *description, const FakeFile *files)
{
    g_autofree char *xml = fake_topology_xml(description, NULL);
    return read_xml(xml, files);
}

static double
distance(const KtTopology *topology, guint a, guint b)
{
    return kt_topology_distance(topology, kt_topology_pu(topology, a), kt_topology_pu(topology, b));
}

static void
test_counts(void)
{
    g_autoptr(KtTopology) topology = synthetic("pack:2 numa:1 l3:2 core:4 pu:2");

    g_assert_cmpuint(topology->n_pus, ==, 32);
    g_assert_cmpuint(topology->n_cores, ==, 16);
    g_assert_cmpuint(topology->n_l3, ==, 4);
    g_assert_cmpuint(topology->n_l2, ==, 0);
    g_assert_cmpuint(topology->n_packages, ==, 2);
    g_assert_cmpuint(topology->n_nodes, ==, 2);
    g_assert_cmpuint(topology->n_groups, ==, 4);
    g_assert_cmpuint(topology->n_kinds, ==, 1);
    g_assert_true(topology->smt);
    assert_cpus(topology->online, "0-31");
    assert_cpus(topology->placeable, "0-31");
    assert_cpus(topology->groups[1].cpus, "8-15");
    g_assert_cmpint(topology->groups[1].package, ==, 0);
    g_assert_cmpuint(topology->groups[1].cache_bytes, >, 0);
    assert_cpus(topology->cores[1].cpus, "2-3");
    assert_cpus(topology->nodes[1].cpus, "16-31");
    g_assert_null(kt_topology_pu(topology, 32));
    g_assert_cmpint(kt_topology_node_index(topology, 1), ==, 1);
    g_assert_cmpint(kt_topology_node_index(topology, 2), ==, -1);
}

static void
test_distance_steps(void)
{
    /* Two cores share an L2, two L2 an L3, two L3 a node, each package is a node. */
    g_autoptr(KtTopology) topology = synthetic("pack:2 numa:1 l3:2 l2:2 core:2 pu:2");

    g_assert_cmpfloat(distance(topology, 0, 0), ==, 0);
    g_assert_cmpfloat(distance(topology, 0, 1), ==, 0.5);
    g_assert_cmpfloat(distance(topology, 0, 2), ==, 1);
    g_assert_cmpfloat(distance(topology, 0, 4), ==, 2);
    g_assert_cmpfloat(distance(topology, 0, 8), ==, 5);
    g_assert_cmpfloat(distance(topology, 0, 16), ==, 10);
}

static void
test_without_l3(void)
{
    g_autoptr(KtTopology) packages = synthetic("pack:2 numa:2 core:2 pu:1");
    g_autoptr(KtTopology) nodes = synthetic("numa:2 core:2 pu:1");
    g_autoptr(KtTopology) machine = synthetic("core:2 pu:1");

    /* The package stands for the L3, then the node, then all. */
    g_assert_cmpuint(packages->n_groups, ==, 2);
    assert_cpus(packages->groups[0].cpus, "0-3");
    g_assert_cmpuint(packages->groups[0].cache_bytes, ==, 0);
    g_assert_cmpfloat(distance(packages, 0, 2), ==, 2);
    g_assert_cmpuint(nodes->n_groups, ==, 2);
    g_assert_cmpint(nodes->pus[0].package, ==, -1);
    g_assert_cmpfloat(distance(nodes, 0, 1), ==, 2);
    g_assert_cmpfloat(distance(nodes, 0, 2), ==, 10);
    g_assert_cmpuint(machine->n_groups, ==, 1);
    g_assert_cmpint(machine->pus[0].l3, ==, -1);
    g_assert_false(machine->smt);
}

static void
test_pu_without_core(void)
{
    g_autoptr(KtTopology) topology = synthetic("pack:1 pu:4");

    g_assert_cmpuint(topology->n_cores, ==, 4);
    g_assert_cmpfloat(distance(topology, 0, 1), ==, 2);
}

/* The nodes' XML with the memory of node @os taken out. */
static char *
without_memory(const char *xml, guint os)
{
    g_autofree char *node = g_strdup_printf("type=\"NUMANode\" os_index=\"%u\"", os);
    const char *memory = strstr(strstr(xml, node), "local_memory=\"");
    const char *digits = memory + strlen("local_memory=\"");
    return g_strdup_printf("%.*s0%s", (int)(digits - xml), xml, strchr(digits, '"'));
}

static void
test_slit(void)
{
    hwloc_uint64_t slit[] = {10, 12, 32, 15, 10, 25, 32, 21, 10};
    g_autofree char *xml = fake_topology_xml("numa:3 core:2 pu:1", slit);

    g_autoptr(KtTopology) topology = read_xml(xml, NULL);

    g_assert_cmpfloat(distance(topology, 0, 2), ==, 6);
    g_assert_cmpfloat(distance(topology, 2, 0), ==, 7.5);
    g_assert_cmpfloat(distance(topology, 4, 2), ==, 10.5);
}

static void
test_slit_that_is_none(void)
{
    /* 5 is no distance of ACPI's: as if the host said nothing at all. */
    hwloc_uint64_t slit[] = {10, 12, 32, 15, 10, 5, 32, 21, 10};
    g_autofree char *xml = fake_topology_xml("numa:3 core:2 pu:1", slit);

    g_autoptr(KtTopology) topology = read_xml(xml, NULL);

    for (guint i = 0; i < 9; i++)
        g_assert_cmpuint(topology->slit[i], ==, i % 4 == 0 ? 10 : 20);
}

static void
test_nearest_memory(void)
{
    hwloc_uint64_t slit[] = {10, 20, 30, 20, 10, 14, 30, 14, 10};
    g_autofree char *full = fake_topology_xml("numa:3 core:2 pu:1", slit);
    g_autofree char *middle = without_memory(full, 1);
    g_autofree char *two = without_memory(middle, 0);
    g_autofree char *none = without_memory(two, 2);

    /* CPUs 2 and 3 are of node 1, which is nearer to node 2 than to 0. */
    g_autoptr(KtTopology) topology = read_xml(middle, NULL);
    g_assert_cmpuint(kt_topology_pu(topology, 2)->node, ==, 2);
    g_assert_false(topology->nodes[1].has_memory);
    assert_cpus(topology->nodes[1].cpus, "");
    assert_cpus(topology->nodes[2].cpus, "2-5");
    g_assert_cmpfloat(distance(topology, 2, 4), ==, 2);

    g_autoptr(KtTopology) all_of_two = read_xml(two, NULL);
    assert_cpus(all_of_two->nodes[2].cpus, "0-5");

    /* A host that tells no memory at all: every node counts. */
    g_autoptr(KtTopology) unknown = read_xml(none, NULL);
    g_assert_true(unknown->nodes[1].has_memory);
    assert_cpus(unknown->nodes[1].cpus, "2-3");
}

static void
test_placeable(void)
{
    static const struct {
        FakeFile files[3];
        const char *placeable;
    } cases[] = {
        {{{NULL, NULL}}, "0-7"},
        {{{"sys/fs/cgroup/machine.slice/cpuset.cpus.effective", "2-5\n"}}, "2-5"},
        {{{"sys/fs/cgroup/unified/machine.slice/cpuset.cpus.effective", "3-99\n"}}, "3-7"},
        {{{"sys/fs/cgroup/cpuset/machine.slice/cpuset.effective_cpus", "1\n"}}, "1"},
        {{{"sys/fs/cgroup/cpuset/machine/cpuset.cpus", "6-7\n"}}, "6-7"},
        /* The group isn't made yet: it will have its parent's CPUs. */
        {{{"sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"}}, "0-3"},
        {{{"sys/fs/cgroup/machine.slice/cpuset.cpus.effective", "4-5\n"},
          {"sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"}},
         "4-5"},
        /* Nobody has filled the group yet. */
        {{{"sys/fs/cgroup/cpuset/machine.slice/cpuset.cpus", "\n"}}, "0-7"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(KtTopology) topology = read_files("numa:2 core:4 pu:1", cases[i].files);
        assert_cpus(topology->placeable, cases[i].placeable);
        assert_cpus(topology->online, "0-7");
        for (guint pu = 0; pu < topology->n_pus; pu++)
            g_assert_cmpint(topology->pus[pu].placeable, ==, hwloc_bitmap_isset(topology->placeable, pu));
    }
}

static void
test_isolated(void)
{
    static const FakeFile files[] = {{"sys/devices/system/cpu/isolated", "6-9\n"}, {NULL, NULL}};

    g_autoptr(KtTopology) topology = read_files("core:8 pu:1", files);

    assert_cpus(topology->isolated, "6-7");
    g_assert_true(topology->pus[7].isolated);
    g_assert_false(topology->pus[5].isolated);
}

static void
test_dies(void)
{
    g_autoptr(KtTopology) dies = synthetic("pack:2 die:2 core:2 pu:1");
    g_autoptr(KtTopology) none = synthetic("pack:2 core:2 pu:1");

    g_assert_cmpuint(dies->n_dies, ==, 4);
    g_assert_cmpint(dies->pus[1].die, ==, 0);
    g_assert_cmpint(dies->pus[2].die, ==, 1);
    g_assert_cmpint(dies->pus[7].die, ==, 3);
    g_assert_cmpuint(none->n_dies, ==, 0);
    g_assert_cmpint(none->pus[0].die, ==, -1);
}

#define CACHE(cpu, index, name) "sys/devices/system/cpu/cpu" #cpu "/cache/index" #index "/" name

/* hwloc knows no L3 at all, the kernel two. */
static void
test_l3_that_hwloc_misses(void)
{
    static const FakeFile files[] = {
        {CACHE(0, 0, "level"), "1\n"},
        {CACHE(0, 1, "level"), "3\n"},
        {CACHE(0, 1, "shared_cpu_list"), "0-1,6\n"},
        {CACHE(0, 1, "size"), "16384K\n"},
        /* Its caches are numbered in another way. */
        {CACHE(2, 0, "level"), "3\n"},
        {CACHE(2, 0, "shared_cpu_list"), "2-3\n"},
        {NULL, NULL},
    };

    g_autoptr(KtTopology) topology = read_files("pack:1 core:4 pu:1", files);

    g_assert_cmpuint(topology->n_l3, ==, 2);
    g_assert_cmpuint(topology->n_groups, ==, 2);
    assert_cpus(topology->groups[0].cpus, "0-1");
    assert_cpus(topology->groups[1].cpus, "2-3");
    g_assert_cmpuint(topology->groups[0].cache_bytes, ==, 16 << 20);
    g_assert_cmpuint(topology->groups[1].cache_bytes, ==, 0);
    g_assert_cmpfloat(distance(topology, 0, 1), ==, 2);
    g_assert_cmpfloat(distance(topology, 0, 2), ==, 5);
    g_assert_nonnull(strstr(topology->note, "CPUs 0-1; 2-3"));
}

/* hwloc has one L3 for each package, the kernel two in the second. What it doesn't tell of stays. */
static void
test_l3_that_hwloc_sees_otherwise(void)
{
    static const FakeFile files[] = {
        {CACHE(4, 0, "level"), "3\n"},
        {CACHE(4, 0, "shared_cpu_list"), "4-5\n"},
        {CACHE(6, 0, "level"), "3\n"},
        {CACHE(6, 0, "shared_cpu_list"), "6-7\n"},
        {NULL, NULL},
    };

    g_autoptr(KtTopology) topology = read_files("pack:2 l3:1 core:4 pu:1", files);

    g_assert_cmpuint(topology->n_l3, ==, 3);
    assert_cpus(topology->groups[0].cpus, "0-3");
    assert_cpus(topology->groups[1].cpus, "4-5");
    assert_cpus(topology->groups[2].cpus, "6-7");
    g_assert_cmpint(topology->pus[7].l3, ==, 2);
    g_assert_cmpuint(topology->groups[0].cache_bytes, >, 0);
    g_assert_nonnull(strstr(topology->note, "CPUs 4-5; 6-7"));
}

static void
test_l3_as_the_kernel_has_it(void)
{
    static const FakeFile files[] = {
        {CACHE(0, 0, "level"), "3\n"},
        {CACHE(0, 0, "shared_cpu_list"), "0-1\n"},
        {CACHE(2, 0, "level"), "3\n"},
        {CACHE(2, 0, "shared_cpu_list"), "2-3,9\n"},
        {NULL, NULL},
    };

    g_autoptr(KtTopology) topology = read_files("pack:2 l3:1 core:2 pu:1", files);

    g_assert_cmpuint(topology->n_l3, ==, 2);
    g_assert_null(topology->note);
}

static void
test_errors(void)
{
    static const struct {
        const char *xml;
        FakeFile files[2];
        KtErrorCode code;
        const char *named;
    } cases[] = {
        {NULL, {{NULL, NULL}}, KT_ERROR_IO, "/topology.xml"},
        {"<topology", {{NULL, NULL}}, KT_ERROR_PARSE, "/topology.xml"},
        {"<domain/>", {{NULL, NULL}}, KT_ERROR_PARSE, "/topology.xml"},
        {"", {{"sys/devices/system/cpu/isolated", "x"}}, KT_ERROR_PARSE, "/sys/devices/system/cpu/isolated"},
        {"", {{CACHE(0, 0, "level"), "x"}}, KT_ERROR_PARSE, "/" CACHE(0, 0, "level")},
    };
    g_autofree char *good = fake_topology_xml("core:2 pu:1", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) host = fake_host_new(cases[i].files);
        g_autoptr(GError) error = NULL;
        if (cases[i].xml)
            fake_host_write(host, KT_TOPOLOGY_FILE, *cases[i].xml ? cases[i].xml : good);

        g_assert_null(kt_topology_read(host->root, NULL, &error));

        g_assert_error(error, KT_ERROR, (gint)cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].named));
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_topology_from_synthetic("nonsense", &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
}

static void
test_live_machine_whatever_the_caller_may_use(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autofree char *online = NULL;
    cpu_set_t before, one;
    g_assert_true(kt_root_read(root, "sys/devices/system/cpu/online", &online, NULL));
    g_assert_cmpint(sched_getaffinity(0, sizeof before, &before), ==, 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    }
    g_assert_cmpint(sched_setaffinity(0, sizeof one, &one), ==, 0);

    g_autoptr(GError) error = NULL;
    g_autoptr(KtTopology) topology = kt_topology_read(root, NULL, &error);

    sched_setaffinity(0, sizeof before, &before);
    g_assert_no_error(error);
    assert_cpus(topology->online, online);
    g_assert_true(hwloc_bitmap_isincluded(topology->placeable, topology->online));
}

/** What the samples' own table says of them; 0 L3 = none, and cores that hwloc has no objects for count as
 * PUs. */
typedef struct {
    const char *name;
    guint pus, cores, nodes, l3;
} Sample;

static const Sample samples[] = {
    {"128arm-2pa2n8cluster4co", 128, 128, 4, 4},
    {"16em64t-4s2c2t-offlines", 12, 7, 1, 4},
    {"192em64t-24n8c2t", 384, 192, 24, 24},
    {"20s390-2g6s4c", 20, 20, 1, 0},
    {"2i386-2c-nohugepage", 2, 2, 1, 0},
    {"32em64t-2n8c2t-pci-normalio", 32, 16, 2, 2},
    {"40intel64-2g2n4c+pci", 40, 40, 4, 4},
    {"48amd64-4d2n6c-sparse", 48, 48, 8, 8},
    {"64amd64-4s2n4ca2co", 64, 64, 8, 8},
    {"8em64t-2s2ca2c", 8, 8, 1, 0},
    {"8intel64-4n2t-memattrs", 8, 8, 4, 0},
    {"fakecpukinds", 4, 2, 1, 0},
    {"power8gpudistances", 16, 8, 2, 8},
    {"epyc-2s8ccx8c2t-synthetic", 256, 128, 2, 16},
    {"big-8s8ccx8c2t-synthetic", 1024, 512, 8, 64},
};

/* What holds for every topology. */
static void
check_consistent(const KtTopology *topology)
{
    g_autoptr(KtCpuset) grouped = hwloc_bitmap_alloc(), homed = hwloc_bitmap_alloc(),
                        cored = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_groups; i++) {
        g_assert_false(hwloc_bitmap_intersects(grouped, topology->groups[i].cpus));
        hwloc_bitmap_or(grouped, grouped, topology->groups[i].cpus);
    }
    for (guint i = 0; i < topology->n_nodes; i++)
        hwloc_bitmap_or(homed, homed, topology->nodes[i].cpus);
    for (guint i = 0; i < topology->n_cores; i++)
        hwloc_bitmap_or(cored, cored, topology->cores[i].cpus);
    g_assert_true(hwloc_bitmap_isequal(grouped, topology->online));
    g_assert_true(hwloc_bitmap_isequal(homed, topology->online));
    g_assert_true(hwloc_bitmap_isequal(cored, topology->online));
    for (guint i = 0; i < topology->n_pus; i++) {
        g_assert_true(kt_topology_pu(topology, topology->pus[i].os) == &topology->pus[i]);
        g_assert_true(topology->nodes[topology->pus[i].node].has_memory);
        g_assert_true(i == 0 || topology->pus[i - 1].os < topology->pus[i].os);
    }
}

static void
test_samples(void)
{
    const char *shared = g_getenv("KT_SHARED");
    g_autofree char *folder =
        g_build_filename(shared ? shared : KT_SOURCE_DIR "/../shared", "topologies", NULL);
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        g_test_skip("no sample topologies: KT_SHARED doesn't lead to them");
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        const Sample *sample = &samples[i];
        g_autofree char *file = g_strdup_printf("%s/%s.xml", folder, sample->name);
        g_autofree char *xml = NULL;
        g_assert_true(g_file_get_contents(file, &xml, NULL, NULL));
        g_test_message("%s", sample->name);

        g_autoptr(KtTopology) topology = read_xml(xml, NULL);

        g_assert_cmpuint(topology->n_pus, ==, sample->pus);
        g_assert_cmpuint(topology->n_cores, ==, sample->cores);
        g_assert_cmpuint(topology->n_nodes, ==, sample->nodes);
        g_assert_cmpuint(topology->n_l3, ==, sample->l3);
        check_consistent(topology);
        if (g_str_equal(sample->name, "fakecpukinds"))
            g_assert_cmpuint(topology->n_kinds, >, 1);
        if (g_str_equal(sample->name, "32em64t-2n8c2t-pci-normalio")) {
            g_assert_cmpint(kt_topology_pci_node(topology, "0000:03:00.0"), ==, 0);
            g_assert_cmpint(kt_topology_pci_node(topology, "0000:81:00.1"), ==, 1);
            g_assert_cmpint(kt_topology_pci_node(topology, "ffff:ff:1f.7"), ==, -1);
            g_assert_cmpint(kt_topology_pci_node(topology, "no address"), ==, -1);
        }
        /* Its firmware doesn't tell where this one is. */
        if (g_str_equal(sample->name, "40intel64-2g2n4c+pci"))
            g_assert_cmpint(kt_topology_pci_node(topology, "0000:01:00.0"), ==, -1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/topology/counts", test_counts);
    g_test_add_func("/topology/distance-steps", test_distance_steps);
    g_test_add_func("/topology/without-l3", test_without_l3);
    g_test_add_func("/topology/pu-without-core", test_pu_without_core);
    g_test_add_func("/topology/slit", test_slit);
    g_test_add_func("/topology/slit-that-is-none", test_slit_that_is_none);
    g_test_add_func("/topology/nearest-memory", test_nearest_memory);
    g_test_add_func("/topology/placeable", test_placeable);
    g_test_add_func("/topology/isolated", test_isolated);
    g_test_add_func("/topology/dies", test_dies);
    g_test_add_func("/topology/l3-missed", test_l3_that_hwloc_misses);
    g_test_add_func("/topology/l3-otherwise", test_l3_that_hwloc_sees_otherwise);
    g_test_add_func("/topology/l3-agreed", test_l3_as_the_kernel_has_it);
    g_test_add_func("/topology/errors", test_errors);
    g_test_add_func("/topology/live", test_live_machine_whatever_the_caller_may_use);
    g_test_add_func("/topology/samples", test_samples);
    return g_test_run();
}
