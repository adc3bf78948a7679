/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/snapshot.h"
#include "tests/unit/probes/fake_topology.h"

/* A small OS database, so that the result doesn't depend on the one of this machine. */
static const FakeFile database[] = {
    {"device/pcisig.com/pci-1af4-1041.xml",
     "<libosinfo version='0.0.1'><device id='http://pcisig.com/pci/1af4/1041'><name>virtio1.0-net</name>"
     "<class>net</class></device></libosinfo>"},
    {"device/pcisig.com/pci-8086-100e.xml",
     "<libosinfo version='0.0.1'><device id='http://pcisig.com/pci/8086/100e'><name>e1000</name>"
     "<class>net</class></device></libosinfo>"},
    {"os/example.org/linux-9.xml",
     "<libosinfo version='0.0.1'><os id='http://example.org/linux/9'><name>Example "
     "9</name><version>9</version>"
     "<family>linux</family><devices><device "
     "id='http://pcisig.com/pci/8086/100e'/></devices></os></libosinfo>"},
    {"os/example.org/linux-10.xml",
     "<libosinfo version='0.0.1'><os id='http://example.org/linux/10'><name>Example "
     "10</name><version>10</version>"
     "<family>linux</family><derives-from id='http://example.org/linux/9'/>"
     "<devices><device id='http://pcisig.com/pci/1af4/1041'/></devices></os></libosinfo>"},
    {"os/example.org/linux-11.xml",
     "<libosinfo version='0.0.1'><os id='http://example.org/linux/11'><name>Example "
     "11</name><version>11</version>"
     "<family>linux</family><derives-from id='http://example.org/linux/10'/></os></libosinfo>"},
    {"os/example.org/linux-rolling.xml",
     "<libosinfo version='0.0.1'><os id='http://example.org/linux/rolling'><name>Example rolling</name>"
     "<version>rolling</version><family>linux</family></os></libosinfo>"},
    {"os/example.org/win-10.xml",
     "<libosinfo version='0.0.1'><os id='http://example.org/win/10'><name>Win 10</name><version>10</version>"
     "<family>winnt</family><driver arch='x86_64' location='file:///x'>"
     "<device id='http://pcisig.com/pci/1af4/1041'/></driver></os></libosinfo>"},
    {NULL, NULL},
};

static KtDomain *
domain_with_os(const char *os_id)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='kvm'><name>x</name><metadata><l:libosinfo "
        "xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>%s%s%s</l:libosinfo></metadata></domain>",
        os_id ? "<l:os id='" : "", os_id ? os_id : "", os_id ? "'/>" : "");
    KtDomain *domain = kt_domain_new("x", "");
    domain->inactive = kt_domain_def_parse(xml, NULL);
    g_assert_nonnull(domain->inactive);
    g_assert_cmpstr(domain->inactive->os_id, ==, os_id);
    return domain;
}

/* What is found of an OS: NULL = not known to the database. */
static char *
ask(const char *os_id)
{
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    g_autoptr(GArray) indices = g_array_new(FALSE, TRUE, sizeof(guint));
    KtSnapshot snapshot = {.domains = domains, .virtio_os = found};
    g_ptr_array_add(domains, domain_with_os(os_id));
    g_array_set_size(indices, 1);

    kt_snapshot_ask_guest_os(&snapshot, indices);

    return os_id ? g_strdup(g_hash_table_lookup(found, os_id)) : NULL;
}

static void
test_ask(void)
{
    static const struct {
        const char *id;
        const char *evidence;
    } cases[] = {
        {"http://example.org/linux/9", ""},
        {"http://example.org/linux/10", "libosinfo lists virtio1.0-net for Example 10"},
        /* What an OS derives from counts too. */
        {"http://example.org/linux/11", "libosinfo lists virtio1.0-net for Example 11"},
        {"http://example.org/linux/12.1",
         "libosinfo lists virtio1.0-net for Example 11, the guest's newest relative that it knows"},
        {"http://example.org/linux/9.5", ""},
        /* Older than all that is known, and not in the database: its successors prove nothing. */
        {"http://example.org/linux/8", NULL},
        {"http://example.org/linux/testing", NULL},
        /* A driver is one to be installed. */
        {"http://example.org/win/10", ""},
        /* Only a Linux has what its predecessor had. */
        {"http://example.org/win/11", NULL},
        {"http://example.net/other/1", NULL},
        {"nonsense", NULL},
        {NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *evidence = ask(cases[i].id);
        g_assert_cmpstr(evidence, ==, cases[i].evidence);
    }
}

static void
test_known_is_not_asked_again(void)
{
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    g_autoptr(GArray) indices = g_array_new(FALSE, TRUE, sizeof(guint));
    KtSnapshot snapshot = {.domains = domains, .virtio_os = found};
    g_ptr_array_add(domains, domain_with_os("http://example.org/linux/10"));
    g_array_set_size(indices, 1);
    g_hash_table_insert(found, g_strdup("http://example.org/linux/10"), g_strdup("from a capture"));

    kt_snapshot_ask_guest_os(&snapshot, indices);

    g_assert_cmpstr(g_hash_table_lookup(found, "http://example.org/linux/10"), ==, "from a capture");
}

int
main(int argc, char **argv)
{
    g_autoptr(FakeHost) host = fake_host_new(database);
    g_setenv("OSINFO_SYSTEM_DIR", host->directory, TRUE);
    g_setenv("OSINFO_LOCAL_DIR", host->directory, TRUE);
    g_setenv("OSINFO_USER_DIR", host->directory, TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-os/ask", test_ask);
    g_test_add_func("/guest-os/known", test_known_is_not_asked_again);
    return g_test_run();
}
