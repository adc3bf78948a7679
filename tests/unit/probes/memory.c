/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/memory.h"

#include <string.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

static void
test_read(void)
{
    static const FakeFile files[] = {
        {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
        {"sys/kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never\n"},
        {"sys/kernel/mm/transparent_hugepage/shmem_enabled",
         "always within_size advise [never] deny force\n"},
        {"sys/kernel/mm/ksm/run", "1\n"},
        {"sys/kernel/mm/ksm/merge_across_nodes", "0\n"},
        {"sys/kernel/mm/ksm/pages_sharing", "4711\n"},
        {"sys/kernel/mm/ksm/general_profit", "-8192\n"},
        {"sys/kernel/mm/ksm/advisor_mode", "[none] scan-time\n"},
        {"sys/kernel/mm/ksm/advisor_max_cpu", "70\n"},
        {"sys/kernel/mm/ksm/advisor_target_scan_time", "200\n"},
        {"sys/kernel/mm/ksm/smart_scan", "1\n"},
        {"sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled", "always [inherit] madvise never\n"},
        {"sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled", "always inherit madvise [never]\n"},
        {"sys/kernel/mm/transparent_hugepage/hugepages-8kB/shmem_enabled", "[never]\n"},
        {"sys/devices/system/node/node10/meminfo",
         "Node 10 MemTotal:        2048 kB\nNode 10 MemFree:          512 kB\nNode 10 MemUsed: 1536 kB\n"},
        {"sys/devices/system/node/node2/meminfo", "Node 2 MemTotal:       0 kB\nNode 2 MemFree:   0 kB\n"},
        {"sys/devices/system/node/online", "2,10\n"},
        {"sys/devices/system/node/nodes", "no node\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_autoptr(KtMemory) memory = kt_memory_read(host->root, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(memory->thp.enabled, ==, "madvise");
    g_assert_cmpstr(memory->thp.defrag, ==, "madvise");
    g_assert_cmpstr(memory->thp.shmem, ==, "never");
    g_assert_cmpint(memory->ksm.run, ==, 1);
    g_assert_cmpint(memory->ksm.merge_across_nodes, ==, 0);
    g_assert_cmpint(memory->ksm.pages_sharing, ==, 4711);
    g_assert_cmpint(memory->ksm.general_profit, ==, -8192);
    g_assert_cmpint(memory->ksm.full_scans, ==, KT_ABSENT);
    g_assert_cmpstr(memory->ksm.advisor_mode, ==, "none");
    g_assert_cmpint(memory->ksm.advisor_max_cpu, ==, 70);
    g_assert_cmpint(memory->ksm.advisor_target_scan_time, ==, 200);
    g_assert_cmpint(memory->ksm.smart_scan, ==, 1);
    g_assert_cmpint(memory->ksm.use_zero_pages, ==, KT_ABSENT);
    /* 8 KiB is for shared memory only. */
    g_assert_cmpuint(memory->thp.sizes->len, ==, 2);
    const KtThpSize *const *sizes = (const KtThpSize *const *)memory->thp.sizes->pdata;
    g_assert_cmpuint(sizes[0]->size_kib, ==, 64);
    g_assert_cmpstr(sizes[0]->enabled, ==, "never");
    g_assert_cmpuint(sizes[1]->size_kib, ==, 2048);
    g_assert_cmpstr(sizes[1]->enabled, ==, "inherit");
    g_assert_cmpuint(memory->nodes->len, ==, 2);
    const KtNodeMemory *nodes = (const KtNodeMemory *)(gpointer)memory->nodes->data;
    g_assert_cmpuint(nodes[0].os, ==, 2);
    g_assert_cmpint(nodes[0].total_kib, ==, 0);
    g_assert_cmpuint(nodes[1].os, ==, 10);
    g_assert_cmpint(nodes[1].total_kib, ==, 2048);
    g_assert_cmpint(nodes[1].free_kib, ==, 512);
    g_assert_cmpint(kt_memory_total_kib(memory), ==, 2048);
    g_assert_cmpint(kt_memory_free_kib(memory), ==, 512);
    g_assert_cmpuint(memory->page_kib, ==, 4);
}

static void
test_nothing_there(void)
{
    static const FakeFile files[] = {{NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtMemory) memory = kt_memory_read(host->root, NULL);

    g_assert_nonnull(memory);
    g_assert_null(memory->thp.enabled);
    g_assert_null(memory->ksm.advisor_mode);
    g_assert_cmpint(memory->ksm.run, ==, KT_ABSENT);
    g_assert_cmpint(memory->ksm.advisor_max_cpu, ==, KT_ABSENT);
    g_assert_cmpuint(memory->thp.sizes->len, ==, 0);
    g_assert_cmpuint(memory->nodes->len, ==, 0);
}

static void
test_sums_of_nothing_are_unknown(void)
{
    g_autoptr(KtMemory) memory = kt_memory_new();
    g_assert_cmpint(kt_memory_total_kib(memory), ==, KT_ABSENT);
    g_assert_cmpint(kt_memory_free_kib(memory), ==, KT_ABSENT);
}

static void
test_kernel_without_numa(void)
{
    static const FakeFile files[] = {
        {"proc/meminfo", "MemTotal:       16000000 kB\nMemFree:         4000000 kB\nMemFreeish: 7 kB\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtMemory) memory = kt_memory_read(host->root, NULL);

    g_assert_cmpuint(memory->nodes->len, ==, 1);
    g_assert_cmpuint(g_array_index(memory->nodes, KtNodeMemory, 0).os, ==, 0);
    g_assert_cmpint(g_array_index(memory->nodes, KtNodeMemory, 0).free_kib, ==, 4000000);
}

static void
test_nonsense_is_an_error(void)
{
    static const struct {
        FakeFile files[2];
        const char *named;
    } cases[] = {
        {{{"sys/kernel/mm/ksm/run", "much\n"}}, "ksm/run"},
        {{{"sys/devices/system/node/node0/meminfo", "Node 0 MemTotal: lots kB\n"}}, "node0/meminfo"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) host = fake_host_new(cases[i].files);
        g_autoptr(GError) error = NULL;

        g_assert_null(kt_memory_read(host->root, &error));

        g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
        g_assert_nonnull(strstr(error->message, cases[i].named));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/sums-of-nothing", test_sums_of_nothing_are_unknown);
    g_test_add_func("/memory/read", test_read);
    g_test_add_func("/memory/nothing-there", test_nothing_there);
    g_test_add_func("/memory/without-numa", test_kernel_without_numa);
    g_test_add_func("/memory/nonsense", test_nonsense_is_an_error);
    return g_test_run();
}
