/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/probes/fake_topology.h"

#define UUID "11111111-2222-3333-4444-555555555555"
#define DOMAIN(name, more) "<domain type='kvm'><name>" name "</name><uuid>" UUID "</uuid>" more "</domain>\n"

static KtSnapshot *
read_capture(const FakeHost *host)
{
    g_autoptr(GError) error = NULL;
    KtSnapshot *snapshot = kt_capture_read(host->directory, &error);
    g_assert_no_error(error);
    return snapshot;
}

static const KtDomain *
find(const KtSnapshot *snapshot, const char *name)
{
    const KtDomain *domain = kt_snapshot_find_domain(snapshot, name);
    g_assert_nonnull(domain);
    return domain;
}

static void
test_topology_alone(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("core:4 pu:1", NULL);

    g_autoptr(KtSnapshot) snapshot = read_capture(host);

    assert_cpus(snapshot->topology->online, "0-3");
    g_assert_cmpuint(snapshot->domains->len, ==, 0);
    g_assert_null(snapshot->uri);
    g_assert_true(snapshot->host_is_local);
    g_assert_null(snapshot->memory->thp.enabled);
    g_assert_cmpuint(g_hash_table_size(snapshot->o_direct), ==, 0);
    g_assert_null(kt_snapshot_find_domain(snapshot, "x"));
}

static void
test_definition_alone(void)
{
    static const FakeFile files[] = {
        {"sys/fs/cgroup/machine.slice/cpuset.cpus.effective", "0-5"},
        {"domains/pinned.xml",
         DOMAIN("pinned", "<vcpu cpuset='0-1' current='2'>3</vcpu><iothreads>2</iothreads><cputune>"
                          "<vcpupin vcpu='1' cpuset='3,7'/><emulatorpin cpuset='2'/>"
                          "<iothreadpin iothread='2' cpuset='4'/></cputune>")},
        {"domains/floating.xml", "<domain type='kvm'><name>floating</name><vcpu>1</vcpu></domain>"},
        {"domains/README", "not a domain"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_topology_host("core:8 pu:1", files);

    g_autoptr(KtSnapshot) snapshot = read_capture(host);

    g_assert_cmpuint(snapshot->domains->len, ==, 2);
    const KtDomain *pinned = find(snapshot, UUID);
    g_assert_cmpstr(pinned->name, ==, "pinned");
    g_assert_cmpstr(pinned->label, ==, "pinned");
    g_assert_cmpint(pinned->state, ==, KT_DOMAIN_RUNNING);
    g_assert_true(pinned->active && pinned->persistent);
    g_assert_cmpstr(pinned->live_xml, ==, pinned->inactive_xml);
    g_assert_nonnull(pinned->inactive);
    g_assert_cmpuint(pinned->vcpus->len, ==, 3);
    g_assert_cmpuint(kt_domain_online_vcpus(pinned), ==, 2);
    assert_cpus(kt_domain_find_vcpu(pinned, 0)->affinity, "0-1");
    assert_cpus(kt_domain_find_vcpu(pinned, 1)->affinity, "3");
    assert_cpus(pinned->emulator, "2");
    assert_cpus(kt_domain_find_iothread(pinned, 1)->affinity, "0-1");
    assert_cpus(kt_domain_find_iothread(pinned, 2)->affinity, "4");
    g_assert_cmpstr(pinned->process, ==, "id:0");
    g_assert_cmpint(pinned->age_ns, ==, KT_ABSENT);
    g_assert_null(pinned->memory_kib);

    const KtDomain *floating = g_ptr_array_index(snapshot->domains, 0);
    assert_cpus(kt_domain_find_vcpu(floating, 0)->affinity, "0-5");
    assert_cpus(floating->emulator, "0-5");
    g_assert_cmpuint(strlen(floating->uuid), ==, strlen(UUID));
    g_autoptr(KtSnapshot) again = read_capture(host);
    g_assert_cmpstr(find(again, "floating")->uuid, ==, floating->uuid);
}

static void
test_stats(void)
{
    static const FakeFile files[] = {
        {"domains/LABEL.xml", DOMAIN("db", "<vcpu>4</vcpu><iothreads>1</iothreads>")},
        {"domains/LABEL.inactive.xml", DOMAIN("db", "<vcpu>2</vcpu>")},
        {"domains/LABEL.stats.json",
         "{\"state\":\"paused\",\"pid\":99,\"age_ns\":7,\"recent_load\":1,\"vcpus\":[{\"id\":0,\"online\":true,\"affinity\":\"0-300\","
         "\"time_ns\":5,\"delay_ns\":6},{\"id\":1,\"affinity\":\"900\"},{\"id\":2,\"online\":false}],"
         "\"emulator\":{\"affinity\":\"3\"},\"iothreads\":[{\"id\":1,\"affinity\":\"2\"}],"
         "\"memory_kib\":{\"1\":1048576},\"autostart\":true,\"future\":[{}]}"},
        {"domains/gone.xml", DOMAIN("transient", "<vcpu>1</vcpu>")},
        {"domains/gone.stats.json", "{}"},
        {"domains/off.xml", DOMAIN("off", "<vcpu>1</vcpu>")},
        {"domains/off.stats.json", "{\"state\":\"shut off\",\"pid\":null,\"vcpus\":[null]}"},
        {"domains/off2.xml", DOMAIN("off2", "<vcpu>1</vcpu>")},
        {"domains/off2.stats.json", "{\"state\":\"shutoff\",\"managed_save\":true}"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_topology_host("numa:2 core:2 pu:1", files);

    g_autoptr(KtSnapshot) snapshot = read_capture(host);

    const KtDomain *db = find(snapshot, "db");
    g_assert_cmpstr(db->label, ==, "LABEL");
    g_assert_cmpint(db->state, ==, KT_DOMAIN_PAUSED);
    g_assert_true(db->active && db->persistent && db->autostart);
    g_assert_cmpint(db->pid, ==, 99);
    g_assert_cmpstr(db->process, ==, "99:0");
    g_assert_cmpint(db->age_ns, ==, 7);
    g_assert_cmpfloat(db->recent_load, ==, 1);
    g_assert_cmpuint(db->live->vcpus, ==, 4);
    g_assert_cmpuint(db->inactive->vcpus, ==, 2);
    assert_cpus(kt_domain_find_vcpu(db, 0)->affinity, "0-3");
    g_assert_cmpint(kt_domain_find_vcpu(db, 0)->time_ns, ==, 5);
    g_assert_cmpint(kt_domain_find_vcpu(db, 0)->delay_ns, ==, 6);
    assert_cpus(kt_domain_find_vcpu(db, 1)->affinity, "0-3");
    g_assert_cmpint(kt_domain_find_vcpu(db, 1)->delay_ns, ==, KT_ABSENT);
    g_assert_false(kt_domain_find_vcpu(db, 2)->online);
    g_assert_true(kt_domain_find_vcpu(db, 3)->online);
    assert_cpus(db->emulator, "3");
    assert_cpus(kt_domain_find_iothread(db, 1)->affinity, "2");
    g_assert_cmpuint(db->n_memory, ==, 2);
    g_assert_cmpint(db->memory_kib[0], ==, 0);
    g_assert_cmpint(db->memory_kib[1], ==, 1048576);

    const KtDomain *transient = find(snapshot, "transient");
    g_assert_true(transient->active && !transient->persistent);
    g_assert_null(transient->inactive);

    const KtDomain *off = find(snapshot, "off"), *off2 = find(snapshot, "off2");
    g_assert_cmpint(off->state, ==, KT_DOMAIN_SHUT_OFF);
    g_assert_true(off->persistent && !off->active);
    g_assert_null(off->live);
    g_assert_null(off->emulator);
    g_assert_nonnull(off->inactive);
    g_assert_true(!off2->active && off2->managed_save);
}

static void
test_host(void)
{
    static const FakeFile files[] = {
        {"host.json",
         "{\"uri\":\"qemu:///system\",\"libvirt\":\"9.0.0\",\"qemu\":\"7.2.0\",\"taken_usec\":12,"
         "\"o_direct\":{\"/a\":true,\"/b\":false},\"virtio_os\":{\"x\":\"\"},\"state\":{\"a\":1}}"},
        {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", files);

    g_autoptr(KtSnapshot) snapshot = read_capture(host);

    g_assert_cmpstr(snapshot->uri, ==, "qemu:///system");
    g_assert_true(snapshot->host_is_local);
    g_assert_cmpstr(snapshot->libvirt, ==, "9.0.0");
    g_assert_cmpstr(snapshot->qemu, ==, "7.2.0");
    g_assert_cmpint(snapshot->taken_usec, ==, 12);
    g_assert_cmpstr(snapshot->memory->thp.enabled, ==, "madvise");
    g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(snapshot->o_direct, "/a")), ==, 1);
    g_assert_true(g_hash_table_contains(snapshot->o_direct, "/b"));
    g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(snapshot->o_direct, "/b")), ==, 0);
    g_assert_false(g_hash_table_contains(snapshot->o_direct, "/c"));
    g_assert_cmpstr(g_hash_table_lookup(snapshot->virtio_os, "x"), ==, "");

    fake_host_write(host, "host.json", "{\"uri\":\"qemu+ssh://far/system\"}");
    g_autoptr(KtSnapshot) remote = read_capture(host);
    g_assert_false(remote->host_is_local);
}

static void
test_errors_name_the_file(void)
{
    static const struct {
        FakeFile files[3];
        const char *named;
    } cases[] = {
        {{{"host.json", "{"}}, "/host.json: 1:"},
        {{{"host.json", "[]"}}, "/host.json"},
        {{{"host.json", "{\"uri\":1}"}}, "/host.json"},
        {{{"host.json", "{\"o_direct\":{\"/a\":1}}"}}, "/a"},
        {{{"host.json", "{\"o_direct\":[]}"}}, "/host.json"},
        {{{"host.json", "{\"virtio_os\":{\"x\":true}}"}}, "/host.json"},
        {{{"domains/a.xml", "<domain>"}}, "/domains/a.xml"},
        {{{"domains/a.xml", "<network/>"}}, "/domains/a.xml"},
        {{{"domains/a.xml", ""}}, "/domains/a.xml"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.inactive.xml", "<x/>"}}, "/domains/a.inactive.xml"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.inactive.xml", DOMAIN("b", "")}},
         "/domains/a.inactive.xml: wanted the domain 'a' of a.xml, found 'b'"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/b.xml", DOMAIN("a", "")}},
         "/domains/b.xml: a.xml holds a domain named 'a' too"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "nonsense"}}, "/domains/a.stats.json"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"state\":\"happy\"}"}}, "'happy'"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"state\":1}"}}, "a.stats.json"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"vcpus\":{}}"}}, "vcpus"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"vcpus\":[{\"id\":7}]}"}},
         "vCPU 7"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"vcpus\":[{\"id\":-1}]}"}},
         "vCPU -1"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"vcpus\":[3]}"}}, "vcpus"},
        {{{"domains/a.xml", DOMAIN("a", "")},
          {"domains/a.stats.json", "{\"vcpus\":[{\"id\":0,\"affinity\":\"3-1\"}]}"}},
         "a.stats.json: affinity: '3-1'"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"emulator\":\"0\"}"}},
         "a.stats.json"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"iothreads\":[{\"id\":1}]}"}},
         "IOThread 1"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"memory_kib\":{\"5\":1}}"}}, "'5'"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"memory_kib\":{\"0\":-1}}"}},
         "'0'"},
        {{{"domains/a.xml", DOMAIN("a", "")}, {"domains/a.stats.json", "{\"nic_traffic\":[1]}"}},
         "nic_traffic"},
        {{{"sys/kernel/mm/ksm/run", "x"}}, "/sys/kernel/mm/ksm/run"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", cases[i].files);
        g_autoptr(GError) error = NULL;

        g_assert_null(kt_capture_read(host->directory, &error));

        g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, cases[i].named));
        g_assert_nonnull(strstr(error->message, host->directory));
    }
}

static void
test_no_capture(void)
{
    static const FakeFile files[] = {{"domains/a.xml", DOMAIN("a", "")}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL, missing = NULL;

    g_assert_null(kt_capture_read(host->directory, &error));
    g_assert_null(kt_capture_read("/nonexistent/capture", &missing));

    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "/topology.xml"));
    g_assert_error(missing, KT_ERROR, KT_ERROR_IO);
}

/* A host of which a capture holds everything. */
static const FakeFile whole[] = {
    {"host.json", "{\"uri\":\"qemu:///system\",\"libvirt\":\"9.0.0\",\"o_direct\":{\"/a\":true},"
                  "\"virtio_os\":{\"x\":\"y\"},\"taken_usec\":5,\"halt_poll_fixed\":true}"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"sys/kernel/mm/ksm/run", "1\n"},
    {"sys/devices/system/node/node1/meminfo", "Node 1 MemTotal: 10 kB\nNode 1 MemFree: 5 kB\n"},
    {"sys/devices/system/cpu/isolated", "3\n"},
    {"sys/devices/system/cpu/cpu0/cache/index0/level", "3\n"},
    {"sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0-1\n"},
    {"sys/kernel/mm/ksm/advisor_max_cpu", "70\n"},
    {"sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled", "always [inherit] madvise never\n"},
    {"sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "2\n"},
    {"sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "9\n"},
    {"proc/mounts", "//nas/secret /home cifs rw,username=me 0 0\nnone /cg cgroup2 rw 0 0\n"
                    "none /huge hugetlbfs rw,pagesize=2M 0 0\n"},
    {"proc/1/comm", "systemd\n"},
    {"proc/77/comm", "numad\n"},
    {"proc/78/comm", "somebody\n"},
    {"proc/cmdline", "quiet\n"},
    {"proc/pressure/memory", "some avg10=1.00 avg60=2.00\n"},
    {"sys/module/kvm/parameters/halt_poll_ns", "5\n"},
    {"cg/cgroup.controllers", "cpuset cpu\n"},
    {"cg/cpuset.cpus.effective", "0-3\n"},
    {"cg/machine.slice/cpuset.cpus.effective", "1-3\n"},
    {"cg/system.slice/cpuset.cpus", "0\n"},
    {"domains/db.xml", DOMAIN("db", "<vcpu>2</vcpu><iothreads>1</iothreads><devices>"
                                    "<graphics type='vnc' port='-1'/></devices>")},
    {"domains/db.inactive.xml",
     DOMAIN("db", "<vcpu>2</vcpu><devices><graphics type='vnc' passwd='hush' port='-1'/>"
                  "</devices>")},
    {"domains/db.stats.json",
     "{\"pid\":7,\"process\":\"7:8\",\"age_ns\":9,\"recent_load\":0.123457,\"vcpus\":[{\"id\":0,\"affinity\":\"1\",\"time_ns\":4}],"
     "\"memory_kib\":{\"0\":7},\"nic_traffic\":[\"52:54:00:00:00:01\"]}"},
    {"domains/off.xml", DOMAIN("off", "")},
    {"domains/off.stats.json", "{\"state\":\"shut off\",\"autostart\":true}"},
    {NULL, NULL},
};

static void
test_write_and_read_again(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("numa:2 core:2 pu:1", whole);
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(KtSnapshot) snapshot = read_capture(host);
    g_autoptr(GError) error = NULL;

    g_assert_true(kt_capture_write(snapshot, host->root, copy->directory, &error));

    g_assert_no_error(error);
    g_autoptr(KtSnapshot) again = read_capture(copy);
    g_assert_cmpstr(again->uri, ==, snapshot->uri);
    g_assert_cmpstr(again->libvirt, ==, snapshot->libvirt);
    g_assert_null(again->qemu);
    g_assert_cmpint(again->taken_usec, ==, 5);
    g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(again->o_direct, "/a")), ==, 1);
    g_assert_cmpstr(g_hash_table_lookup(again->virtio_os, "x"), ==, "y");
    assert_cpus(again->topology->placeable, "1-3");
    assert_cpus(again->topology->isolated, "3");
    g_assert_cmpuint(again->topology->n_nodes, ==, 2);
    g_assert_cmpstr(again->memory->thp.enabled, ==, "madvise");
    g_assert_cmpint(again->memory->ksm.run, ==, 1);
    g_assert_cmpint(again->memory->ksm.pages_shared, ==, KT_ABSENT);
    g_assert_cmpuint(again->memory->nodes->len, ==, 1);
    const KtDomain *db = find(again, "db"), *off = find(again, "off");
    g_assert_cmpstr(db->live_xml, ==, find(snapshot, "db")->live_xml);
    g_assert_cmpstr(db->process, ==, "7:8");
    g_assert_cmpint(db->age_ns, ==, 9);
    g_assert_cmpfloat(db->recent_load, ==, 0.123457);
    assert_cpus(kt_domain_find_vcpu(db, 0)->affinity, "1");
    assert_cpus(kt_domain_find_vcpu(db, 1)->affinity, "1-3");
    g_assert_cmpint(kt_domain_find_vcpu(db, 0)->time_ns, ==, 4);
    g_assert_cmpint(db->memory_kib[0], ==, 7);
    g_assert_true(g_hash_table_contains(db->nic_traffic, "52:54:00:00:00:01"));
    g_assert_true(off->autostart && !off->active && off->persistent);
}

static void
test_host_written_and_read_again(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("numa:2 core:2 pu:1", whole);
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(KtSnapshot) snapshot = read_capture(host);

    g_assert_true(kt_capture_write(snapshot, host->root, copy->directory, NULL));

    g_autoptr(KtSnapshot) again = read_capture(copy);
    const KtSnapshot *both[] = {snapshot, again};
    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
        const KtSnapshot *one = both[i];
        assert_cpus(one->topology->groups[0].cpus, "0-1");
        g_assert_nonnull(one->topology->note);
        g_assert_cmpint(one->memory->ksm.advisor_max_cpu, ==, 70);
        g_assert_cmpuint(one->memory->thp.sizes->len, ==, 1);
        g_assert_cmpint(kt_pools_size(one->pools, 2048)->reserved, ==, 2);
        g_assert_cmpint(kt_pools_find(one->pools, 1, 2048)->total, ==, 9);
        g_assert_cmpuint(one->pools->mounts->len, ==, 1);
        g_assert_cmpstr(one->kernel->command_line, ==, "quiet");
        g_assert_cmpint(one->kernel->halt_poll_ns, ==, 5);
        g_assert_true(one->kernel->halt_poll_fixed);
        g_assert_cmpfloat(one->kernel->memory.some_avg60, ==, 2);
        g_assert_cmpint(one->cgroup->layout, ==, KT_CGROUP_V2);
        g_assert_true(one->cgroup->systemd);
        g_assert_cmpstr(one->cgroup->cpuset_mount, ==, "cg");
        g_assert_cmpuint(one->cgroup->services->len, ==, 1);
        g_assert_cmpuint(one->other_tuners->len, ==, 1);
        g_assert_cmpstr(((const KtOtherTuner *)one->other_tuners->pdata[0])->name, ==, "numad");
    }
    /* What no probe reads is nobody's business. */
    g_autofree char *mounts = fake_host_text(copy, "proc/mounts");
    g_assert_null(strstr(mounts, "secret"));
    g_assert_false(kt_root_exists(copy->root, "proc/78"));
}

static void
test_secrets_stay_at_home(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("numa:2 core:2 pu:1", whole);
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(KtSnapshot) snapshot = read_capture(host);
    g_assert_nonnull(strstr(find(snapshot, "db")->inactive_xml, "hush"));

    g_assert_true(kt_capture_write(snapshot, host->root, copy->directory, NULL));

    g_autofree char *xml = fake_host_text(copy, "domains/db.inactive.xml");
    g_assert_null(strstr(xml, "hush"));
    g_assert_nonnull(strstr(xml, "<graphics type=\"vnc\" port=\"-1\"/>"));
    g_autofree char *file = g_build_filename(copy->directory, "domains/db.inactive.xml", NULL);
    struct stat about;
    g_assert_cmpint(stat(file, &about), ==, 0);
    g_assert_cmpuint(about.st_mode & 0777, ==, 0600);
}

static void
test_write_needs_an_empty_directory(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("numa:2 core:2 pu:1", whole);
    g_autoptr(KtSnapshot) snapshot = read_capture(host);
    g_autoptr(GError) full = NULL, denied = NULL, made = NULL;
    g_autofree char *deep = g_build_filename(host->directory, "a/b/c", NULL);
    g_autofree char *file = g_build_filename(host->directory, "host.json", NULL);

    g_assert_false(kt_capture_write(snapshot, host->root, host->directory, &full));
    g_assert_false(kt_capture_write(snapshot, host->root, file, &denied));
    g_assert_true(kt_capture_write(snapshot, host->root, deep, &made));

    g_assert_error(full, KT_ERROR, KT_ERROR_CONFLICT);
    g_assert_error(denied, KT_ERROR, KT_ERROR_ACCESS);
    g_assert_no_error(made);
}

/* Any domain may be in a capture, and comes out of the one that is written from it. */
static void
visit_sample(const char *path, const char *xml)
{
    g_autoptr(FakeHost) host = fake_topology_host("numa:2 core:4 pu:1", NULL);
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(GError) error = NULL;
    fake_host_write(host, "domains/sample.xml", xml);
    g_test_message("%s", path);

    g_autoptr(KtSnapshot) snapshot = read_capture(host);
    g_assert_true(kt_capture_write(snapshot, host->root, copy->directory, &error));
    g_assert_no_error(error);
    g_autoptr(KtSnapshot) again = read_capture(copy);

    const KtDomain *before = g_ptr_array_index(snapshot->domains, 0);
    const KtDomain *after = g_ptr_array_index(again->domains, 0);
    g_assert_cmpuint(before->vcpus->len, >, 0);
    g_assert_cmpstr(before->name, ==, after->name);
    g_assert_cmpstr(before->uuid, ==, after->uuid);
    g_assert_cmpuint(before->vcpus->len, ==, after->vcpus->len);
    g_assert_cmpuint(before->iothreads->len, ==, after->iothreads->len);
    for (guint i = 0; i < before->vcpus->len; i++) {
        const KtVcpu *one = g_ptr_array_index(before->vcpus, i), *other = g_ptr_array_index(after->vcpus, i);
        g_assert_cmpint(one->online, ==, other->online);
        g_assert_true(hwloc_bitmap_isequal(one->affinity, other->affinity));
    }
}

static void
test_samples(void)
{
    domain_corpus_each(visit_sample);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capture/topology-alone", test_topology_alone);
    g_test_add_func("/capture/definition-alone", test_definition_alone);
    g_test_add_func("/capture/stats", test_stats);
    g_test_add_func("/capture/host", test_host);
    g_test_add_func("/capture/errors", test_errors_name_the_file);
    g_test_add_func("/capture/no-capture", test_no_capture);
    g_test_add_func("/capture/write", test_write_and_read_again);
    g_test_add_func("/capture/write-host", test_host_written_and_read_again);
    g_test_add_func("/capture/secrets", test_secrets_stay_at_home);
    g_test_add_func("/capture/write-empty-directory", test_write_needs_an_empty_directory);
    g_test_add_func("/capture/samples", test_samples);
    return g_test_run();
}
