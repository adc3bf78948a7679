/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture_parts.h"
#include "probes/domains.h"
#include "tests/fuzz/host.h"

/** A domain's stats.json in a capture, with a definition and a topology that are as they should be. */

static KtTopology *topology;
static KtRoot *root;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    scratch_begin();
    scratch_write("domains/db-1.xml", HOST_XML, strlen(HOST_XML));
    topology = kt_topology_from_synthetic("pack:2 [numa(memory=4294967296)] l3:1 core:2 pu:2", NULL);
    root = kt_root_open(scratch, NULL);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scratch_write("domains/db-1.stats.json", data, size);
    g_autoptr(GError) error = NULL;
    KtDomain *domain = kt_capture_read_domain(root, "db-1", topology, &error);
    fuzz_check_error(domain != NULL, error);
    if (!domain)
        return 0;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        g_assert_true(hwloc_bitmap_isincluded(vcpu->affinity, topology->online));
        g_assert_false(hwloc_bitmap_iszero(vcpu->affinity));
    }
    for (guint i = 0; i < domain->n_memory; i++)
        g_assert_cmpint(domain->memory_kib[i], >=, 0);
    kt_domain_free(domain);
    return 0;
}
