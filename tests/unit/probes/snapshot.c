/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/snapshot.h"

#include "probes/hypervisor.h"
#include "tests/unit/probes/fake_topology.h"

static void
test_without_hypervisor(void)
{
    static const FakeFile files[] = {{"sys/kernel/mm/ksm/run", "0\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", files);

    g_autoptr(KtSnapshot) snapshot = kt_snapshot_read(host->root, NULL, NULL);

    g_assert_nonnull(snapshot);
    g_assert_true(snapshot->host_is_local);
    g_assert_null(snapshot->uri);
    g_assert_cmpuint(snapshot->domains->len, ==, 0);
    g_assert_cmpint(snapshot->memory->ksm.run, ==, 0);
    g_assert_cmpint(snapshot->taken_usec, >, 0);
}

static void
test_with_hypervisor(void)
{
    g_autoptr(virConnect) connection = virConnectOpen("test:///default");
    if (!connection) {
        g_test_skip("this libvirt has no test driver");
        return;
    }
    g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", NULL);

    g_autoptr(KtSnapshot) snapshot = kt_snapshot_read(host->root, connection, NULL);

    g_assert_nonnull(snapshot);
    g_assert_cmpstr(snapshot->uri, ==, "test:///default");
    g_assert_false(snapshot->host_is_local);
    g_assert_nonnull(snapshot->libvirt);
    g_assert_cmpuint(snapshot->domains->len, ==, 1);
    g_assert_cmpuint(g_hash_table_size(snapshot->o_direct), ==, 0);
    const KtDomain *domain = kt_snapshot_find_domain(snapshot, "test");
    g_assert_nonnull(domain);
    g_autofree char *upper = g_ascii_strup(domain->uuid, -1);
    g_assert_true(kt_snapshot_find_domain(snapshot, upper) == domain);
}

static void
test_errors(void)
{
    static const FakeFile files[] = {{"sys/kernel/mm/ksm/run", "x\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", files);
    g_autoptr(FakeHost) empty = fake_host_new(NULL);
    g_autoptr(GError) bad_memory = NULL, no_topology = NULL;

    g_assert_null(kt_snapshot_read(host->root, NULL, &bad_memory));
    g_assert_null(kt_snapshot_read(empty->root, NULL, &no_topology));

    g_assert_nonnull(bad_memory);
    g_assert_nonnull(no_topology);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/snapshot/without-hypervisor", test_without_hypervisor);
    g_test_add_func("/snapshot/with-hypervisor", test_with_hypervisor);
    g_test_add_func("/snapshot/errors", test_errors);
    return g_test_run();
}
