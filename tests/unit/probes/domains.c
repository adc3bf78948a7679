/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/domains.h"

#include <libvirt/virterror.h>
#include <string.h>

#include "base/error.h"
#include "probes/domain_parts.h"
#include "probes/hypervisor.h"
#include "tests/unit/probes/fake_topology.h"

/* libvirt's own driver without guests; NULL, and the test skipped, where this libvirt hasn't got it. */
static virConnectPtr
open_test_driver(bool read_only)
{
    virConnectPtr connection =
        read_only ? virConnectOpenReadOnly("test:///default") : virConnectOpen("test:///default");
    if (!connection)
        g_test_skip("this libvirt has no test driver");
    return connection;
}

static GPtrArray *
read_domains(virConnectPtr connection, const KtTopology *topology)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_autoptr(GError) error = NULL;
    GPtrArray *domains = kt_domains_read(connection, host->root, topology, &error);
    g_assert_no_error(error);
    return domains;
}

static const KtDomain *
find(const GPtrArray *domains, const char *name)
{
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(domains, i);
        if (g_str_equal(domain->name, name))
            return domain;
    }
    g_assert_not_reached();
}

static void
test_running(void)
{
    g_autoptr(virConnect) connection = open_test_driver(false);
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    if (!connection)
        return;
    g_autoptr(virDomain) handle = virDomainLookupByName(connection, "test");
    unsigned char cpu_2 = 1 << 2, beyond = 1 << 7;
    g_assert_cmpint(virDomainPinVcpu(handle, 0, &cpu_2, 1), ==, 0);
    g_assert_cmpint(virDomainPinVcpu(handle, 1, &beyond, 1), ==, 0);

    g_autoptr(GPtrArray) domains = read_domains(connection, topology);

    g_assert_cmpuint(domains->len, ==, 1);
    const KtDomain *domain = g_ptr_array_index(domains, 0);
    g_assert_cmpstr(domain->name, ==, "test");
    g_assert_cmpstr(domain->label, ==, "test");
    g_assert_cmpint(domain->state, ==, KT_DOMAIN_RUNNING);
    g_assert_true(domain->active && domain->persistent);
    g_assert_false(domain->autostart || domain->managed_save);
    g_assert_cmpint(domain->pid, ==, 0);
    g_assert_cmpstr(domain->process, ==, "id:1");
    g_assert_cmpuint(kt_domain_online_vcpus(domain), ==, 2);
    assert_cpus(kt_domain_find_vcpu(domain, 0)->affinity, "2");
    /* A CPU that isn't online says nothing. */
    assert_cpus(kt_domain_find_vcpu(domain, 1)->affinity, "0-3");
    assert_cpus(domain->emulator, "0-3");
    g_assert_cmpuint(domain->iothreads->len, ==, 0);
    g_assert_null(domain->memory_kib);
    g_assert_nonnull(strstr(domain->live_xml, "testnet0"));
    g_assert_nonnull(domain->inactive);
    g_assert_true(kt_domain_def(domain) == domain->live);
    g_assert_cmpuint(g_hash_table_size(domain->nic_traffic), ==, 0);
}

#define DOMAIN(name, more)                                                                                   \
    "<domain type='test'><name>" name "</name><memory>4096</memory><vcpu>1</vcpu>"                           \
    "<os><type>hvm</type></os>" more "</domain>"

static void
test_shut_off_paused_and_saved(void)
{
    g_autoptr(virConnect) connection = open_test_driver(false);
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    if (!connection)
        return;
    g_autoptr(virDomain) off = virDomainDefineXML(
        connection, DOMAIN("off", "<devices><graphics type='vnc' passwd='secret'/></devices>"));
    g_autoptr(virDomain) paused = virDomainCreateXML(connection, DOMAIN("a b:paused", ""), 0);
    g_autoptr(virDomain) saved = virDomainLookupByName(connection, "test");
    g_assert_true(off && paused && saved);
    g_assert_cmpint(virDomainSuspend(paused), ==, 0);
    g_assert_cmpint(virDomainSetAutostart(off, 1), ==, 0);
    g_assert_cmpint(virDomainManagedSave(saved, 0), ==, 0);

    g_autoptr(GPtrArray) domains = read_domains(connection, topology);

    g_assert_cmpuint(domains->len, ==, 3);
    const KtDomain *first = g_ptr_array_index(domains, 0);
    g_assert_cmpstr(first->name, ==, "a b:paused");
    g_assert_cmpstr(first->label, ==, "a_b_paused");
    g_assert_cmpint(first->state, ==, KT_DOMAIN_PAUSED);
    g_assert_true(first->active);
    g_assert_false(first->persistent);
    g_assert_null(first->inactive_xml);

    const KtDomain *second = find(domains, "off");
    g_assert_cmpint(second->state, ==, KT_DOMAIN_SHUT_OFF);
    g_assert_true(second->autostart && second->persistent && !second->active);
    g_assert_null(second->process);
    g_assert_null(second->live_xml);
    g_assert_null(second->emulator);
    g_assert_cmpuint(second->vcpus->len, ==, 0);
    g_assert_true(kt_domain_def(second) == second->inactive);
    /* What is defined again must have its secrets. */
    g_assert_nonnull(strstr(second->inactive_xml, "passwd='secret'"));

    const KtDomain *third = find(domains, "test");
    g_assert_true(third->managed_save);
    g_assert_false(third->active);
}

static GPtrArray *
renew_domains(virConnectPtr connection, const KtTopology *topology, GPtrArray *before, const char *changed)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_autoptr(GHashTable) set = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) error = NULL;
    if (changed)
        g_hash_table_add(set, (gpointer)changed);
    GPtrArray *domains = kt_domains_renew(before, set, connection, host->root, topology, &error);
    g_assert_no_error(error);
    return domains;
}

static void
test_renewed(void)
{
    /* given a look at a domain that runs and two that don't */
    g_autoptr(virConnect) connection = open_test_driver(false);
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    if (!connection)
        return;
    g_autoptr(virDomain) running = virDomainLookupByName(connection, "test");
    g_autoptr(virDomain) off = virDomainDefineXML(connection, DOMAIN("off", ""));
    g_autoptr(virDomain) gone = virDomainDefineXML(connection, DOMAIN("gone", ""));
    g_autoptr(GPtrArray) first = read_domains(connection, topology);
    const KtDomain *before = find(first, "test");

    /* when much happens, and nobody tells of the pin and the flag */
    unsigned char cpu_2 = 1 << 2;
    g_assert_cmpint(virDomainPinVcpu(running, 0, &cpu_2, 1), ==, 0);
    g_assert_cmpint(virDomainSetAutostart(running, 1), ==, 0);
    g_assert_cmpint(virDomainCreate(off), ==, 0);
    g_assert_cmpint(virDomainUndefine(gone), ==, 0);
    g_autoptr(virDomain) new = virDomainDefineXML(connection, DOMAIN("new", ""));
    g_assert_nonnull(new);
    g_autoptr(GPtrArray) second = renew_domains(connection, topology, first, NULL);

    /* then the one is as it was but for the flag, and what came, started and went is seen */
    g_assert_cmpuint(second->len, ==, 3);
    g_assert_true(find(second, "test") == before);
    assert_cpus(kt_domain_find_vcpu(before, 0)->affinity, "0-3");
    g_assert_true(before->autostart);
    g_assert_true(find(second, "off")->active);
    g_assert_nonnull(find(second, "new")->inactive);

    /* when it is told, then it is read */
    g_autofree char *uuid = g_strdup(before->uuid);
    g_autoptr(GPtrArray) third = renew_domains(connection, topology, second, uuid);
    assert_cpus(kt_domain_find_vcpu(find(third, "test"), 0)->affinity, "2");
}

static void
test_read_only_connection(void)
{
    g_autoptr(virConnect) connection = open_test_driver(true);
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    if (!connection)
        return;

    g_autoptr(GPtrArray) domains = read_domains(connection, topology);

    g_assert_cmpuint(domains->len, ==, 1);
    g_assert_nonnull(find(domains, "test")->inactive);
}

#define PROC(tid, comm, list)                                                                                \
    {"proc/10/task/" tid "/comm", comm "\n"},                                                                \
    {                                                                                                        \
        "proc/10/task/" tid "/status", "Cpus_allowed_list:\t" list "\n"                                      \
    }

/* A running domain of two vCPUs and IOThread 4, its threads at what its definition says. */
static KtDomain *
two_vcpus(const KtTopology *topology)
{
    KtDomain *domain = kt_domain_new("db", "11111111-2222-3333-4444-555555555555");
    domain->active = true;
    domain->live = kt_domain_def_parse("<domain type='kvm'><name>db</name><vcpu cpuset='0-1,30'>2</vcpu>"
                                       "<iothreadids><iothread id='4'/></iothreadids><cputune>"
                                       "<vcpupin vcpu='1' cpuset='3'/></cputune></domain>",
                                       NULL);
    kt_domain_fill_threads(domain, topology);
    return domain;
}

static void
test_threads_of_the_definition(void)
{
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);

    g_autoptr(KtDomain) domain = two_vcpus(topology);

    assert_cpus(kt_domain_find_vcpu(domain, 0)->affinity, "0-1");
    assert_cpus(kt_domain_find_vcpu(domain, 1)->affinity, "3");
    g_assert_null(kt_domain_find_vcpu(domain, 2));
    assert_cpus(domain->emulator, "0-1");
    g_assert_cmpuint(domain->iothreads->len, ==, 1);
    assert_cpus(kt_domain_find_iothread(domain, 4)->affinity, "0-1");
}

static void
test_threads_of_the_process(void)
{
    static const FakeFile files[] = {
        {"proc/10/stat", "10 (qemu) S 1 10 10 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 77 99 1\n"},
        {"proc/10/status", "VmRSS:\t 4096 kB\n"},
        {"proc/uptime", "2.77 3.00\n"},
        PROC("10", "qemu", "0-1"),
        PROC("11", "CPU 0/KVM", "2"),
        PROC("12", "CPU 1/KVM", "2-200"),
        PROC("13", "IO iothread4", "1"),
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    g_autoptr(KtDomain) domain = two_vcpus(topology);

    g_assert_true(kt_domain_fill_from_process(domain, host->root, 10, topology));

    assert_cpus(kt_domain_find_vcpu(domain, 0)->affinity, "2");
    assert_cpus(kt_domain_find_vcpu(domain, 1)->affinity, "2-3");
    assert_cpus(kt_domain_find_iothread(domain, 4)->affinity, "1");
    assert_cpus(domain->emulator, "0-1");
    g_assert_cmpint(domain->pid, ==, 10);
    g_assert_cmpstr(domain->process, ==, "10:77");
    g_assert_cmpfloat_with_epsilon((double)domain->age_ns, 2e9, 1e6);
    g_assert_cmpuint(domain->n_memory, ==, 1);
    g_assert_cmpint(domain->memory_kib[0], ==, 4096);
}

static void
test_process_without_its_vcpus(void)
{
    static const FakeFile files[] = {
        {"proc/10/stat", "10 (qemu) S 1 10 10 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 77 99 1\n"},
        PROC("10", "qemu", "0-1"),
        PROC("11", "CPU 0/KVM", "2"),
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    g_autoptr(KtDomain) domain = two_vcpus(topology);

    g_assert_false(kt_domain_fill_from_process(domain, host->root, 10, topology));
    g_assert_false(kt_domain_fill_from_process(domain, host->root, 99, topology));

    assert_cpus(kt_domain_find_vcpu(domain, 0)->affinity, "0-1");
    g_assert_null(domain->process);
}

static void
test_default_cpus(void)
{
    g_autoptr(KtTopology) topology = kt_topology_from_synthetic("core:4 pu:1", NULL);
    static const struct {
        const char *vcpu;
        const char *cpus;
    } cases[] = {
        {"<vcpu>1</vcpu>", "0-3"},
        {"<vcpu cpuset='1-9,^2'>1</vcpu>", "1,3"},
        {"<vcpu cpuset='8'>1</vcpu>", "0-3"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = g_strdup_printf("<domain><name>x</name>%s</domain>", cases[i].vcpu);
        g_autoptr(KtDomainDef) def = kt_domain_def_parse(xml, NULL);

        g_autoptr(KtCpuset) cpus = kt_domain_default_cpus(def, topology);

        assert_cpus(cpus, cases[i].cpus);
    }
}

static void
test_labels(void)
{
    static const struct {
        const char *name;
        const char *label;
    } cases[] = {
        {"plain-1.x_y", "plain-1.x_y"},
        {"../../etc/passwd", "_._.._etc_passwd"},
        {"-rf", "_rf"},
        {"a b", "a_b"},
        {"a/b", "a_b-2"},
        {"a\tb", "a_b-3"},
        {"db.inactive", "db.inactive_"},
        {"\xc3\xa4", "__"},
    };
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_ptr_array_add(domains, kt_domain_new(cases[i].name, ""));

    kt_domains_label(domains);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(((const KtDomain *)g_ptr_array_index(domains, i))->label, ==, cases[i].label);
}

static void
be_quiet(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

int
main(int argc, char **argv)
{
    virSetErrorFunc(NULL, be_quiet);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domains/running", test_running);
    g_test_add_func("/domains/shut-off", test_shut_off_paused_and_saved);
    g_test_add_func("/domains/renewed", test_renewed);
    g_test_add_func("/domains/read-only", test_read_only_connection);
    g_test_add_func("/domains/definition", test_threads_of_the_definition);
    g_test_add_func("/domains/process", test_threads_of_the_process);
    g_test_add_func("/domains/process-without-vcpus", test_process_without_its_vcpus);
    g_test_add_func("/domains/default-cpus", test_default_cpus);
    g_test_add_func("/domains/labels", test_labels);
    return g_test_run();
}
