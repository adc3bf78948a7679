/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/pools.h"

#include <string.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

#define HOST_2M "sys/kernel/mm/hugepages/hugepages-2048kB/"
#define HOST_1G "sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define NODE "sys/devices/system/node/node"
#define IN_2M "/hugepages/hugepages-2048kB/"
#define IN_1G "/hugepages/hugepages-1048576kB/"

static void
test_two_nodes(void)
{
    static const FakeFile files[] = {
        {HOST_2M "nr_hugepages", "48\n"},
        {HOST_2M "free_hugepages", "40\n"},
        {HOST_2M "resv_hugepages", "3\n"},
        {HOST_2M "surplus_hugepages", "1\n"},
        {HOST_1G "nr_hugepages", "4\n"},
        {NODE "0" IN_2M "nr_hugepages", "16\n"},
        {NODE "0" IN_2M "free_hugepages", "15\n"},
        {NODE "0" IN_2M "surplus_hugepages", "0\n"},
        {NODE "0" IN_1G "nr_hugepages", "4\n"},
        {NODE "2" IN_2M "nr_hugepages", "32\n"},
        {NODE "2" IN_2M "free_hugepages", "25\n"},
        {NODE "2" IN_2M "surplus_hugepages", "1\n"},
        {"proc/meminfo", "MemTotal: 100 kB\nHugepagesize:       2048 kB\n"},
        {"proc/mounts", "proc /proc proc rw 0 0\n"
                        "hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n"
                        "none /mnt/huge\\0401G hugetlbfs rw,pagesize=1024M,mode=1770 0 0\n"
                        "none /plain hugetlbfs rw 0 0\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_autoptr(KtPools) pools = kt_pools_read(host->root, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(pools->default_kib, ==, 2048);
    g_assert_cmpuint(pools->sizes->len, ==, 2);
    g_assert_cmpuint(g_array_index(pools->sizes, KtPageSize, 0).page_kib, ==, 2048);
    const KtPageSize *small = kt_pools_size(pools, 2048), *big = kt_pools_size(pools, 1048576);
    g_assert_cmpint(small->total, ==, 48);
    g_assert_cmpint(small->free, ==, 40);
    g_assert_cmpint(small->reserved, ==, 3);
    g_assert_cmpint(small->surplus, ==, 1);
    g_assert_cmpint(big->total, ==, 4);
    g_assert_cmpint(big->reserved, ==, KT_ABSENT);
    g_assert_null(kt_pools_size(pools, 4));

    g_assert_cmpuint(pools->pools->len, ==, 3);
    g_assert_cmpuint(g_array_index(pools->pools, KtPool, 1).page_kib, ==, 1048576);
    const KtPool *far = kt_pools_find(pools, 2, 2048);
    g_assert_cmpint(far->total, ==, 32);
    g_assert_cmpint(far->free, ==, 25);
    g_assert_cmpint(far->surplus, ==, 1);
    g_assert_null(kt_pools_find(pools, 1, 2048));
    g_assert_null(kt_pools_find(pools, 2, 1048576));

    g_assert_cmpuint(pools->mounts->len, ==, 3);
    const KtHugetlbMount *const *mounts = (const KtHugetlbMount *const *)pools->mounts->pdata;
    g_assert_cmpstr(mounts[0]->directory, ==, "/dev/hugepages");
    g_assert_cmpuint(mounts[0]->page_kib, ==, 2048);
    g_assert_cmpstr(mounts[1]->directory, ==, "/mnt/huge 1G");
    g_assert_cmpuint(mounts[1]->page_kib, ==, 1048576);
    g_assert_cmpuint(mounts[2]->page_kib, ==, 0);
}

static void
test_kernel_without_hugetlb(void)
{
    static const FakeFile files[] = {{"proc/meminfo", "MemTotal: 100 kB\n"},
                                     {NODE "0/meminfo", "Node 0 MemTotal: 100 kB\n"},
                                     {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtPools) pools = kt_pools_read(host->root, NULL);

    g_assert_nonnull(pools);
    g_assert_cmpuint(pools->sizes->len, ==, 0);
    g_assert_cmpuint(pools->pools->len, ==, 0);
    g_assert_cmpuint(pools->mounts->len, ==, 0);
    g_assert_cmpuint(pools->default_kib, ==, 0);
}

/* Without NUMA the host's pool is node 0's. */
static void
test_kernel_without_numa(void)
{
    static const FakeFile files[] = {
        {HOST_2M "nr_hugepages", "7\n"}, {HOST_2M "free_hugepages", "5\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtPools) pools = kt_pools_read(host->root, NULL);

    g_assert_cmpuint(pools->pools->len, ==, 1);
    g_assert_cmpint(kt_pools_find(pools, 0, 2048)->total, ==, 7);
    g_assert_cmpint(kt_pools_find(pools, 0, 2048)->free, ==, 5);
}

static void
test_names_that_are_no_size(void)
{
    static const FakeFile files[] = {
        {"sys/kernel/mm/hugepages/hugepages-xkB/nr_hugepages", "7\n"},
        {"sys/kernel/mm/hugepages/hugepages-kB/nr_hugepages", "7\n"},
        {"sys/kernel/mm/hugepages/hugepages-2048/nr_hugepages", "7\n"},
        {"sys/kernel/mm/hugepages/power", "7\n"},
        {"proc/mounts", "none /odd hugetlbfs rw,pagesize=some 0 0\nnonsense\n\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtPools) pools = kt_pools_read(host->root, NULL);

    g_assert_cmpuint(pools->sizes->len, ==, 0);
    g_assert_cmpuint(pools->mounts->len, ==, 1);
    g_assert_cmpuint(((const KtHugetlbMount *)pools->mounts->pdata[0])->page_kib, ==, 0);
}

static void
test_nonsense_is_an_error(void)
{
    static const FakeFile files[] = {{HOST_2M "free_hugepages", "some\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_assert_null(kt_pools_read(host->root, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
    g_assert_nonnull(strstr(error->message, HOST_2M "free_hugepages"));
}

static void
test_this_machine(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(GError) error = NULL;

    g_autoptr(KtPools) pools = kt_pools_read(root, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        gint64 total = 0;
        for (guint j = 0; j < pools->pools->len; j++) {
            const KtPool *pool = &g_array_index(pools->pools, KtPool, j);
            total += pool->page_kib == size->page_kib ? pool->total : 0;
        }
        g_assert_cmpint(size->total, ==, total);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pools/two-nodes", test_two_nodes);
    g_test_add_func("/pools/without-hugetlb", test_kernel_without_hugetlb);
    g_test_add_func("/pools/without-numa", test_kernel_without_numa);
    g_test_add_func("/pools/no-size", test_names_that_are_no_size);
    g_test_add_func("/pools/nonsense", test_nonsense_is_an_error);
    g_test_add_func("/pools/live", test_this_machine);
    return g_test_run();
}
