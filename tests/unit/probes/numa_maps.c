/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/numa_maps.h"

#include "tests/unit/fake_root.h"

static const char text[] =
    "7f0000000000 prefer:1 anon=3000 dirty=3000 N0=1000 N1=2000 kernelpagesize_kB=4\n"
    "7f1000000000 default file=/usr/bin/qemu mapped=4 N0=4 kernelpagesize_kB=4\n"
    "7f2000000000 default file=/memfd:ram dirty=9 mapmax=2 N1=9 kernelpagesize_kB=4\n"
    "7f3000000000 default file=/anon_hugepage\\040(deleted) huge dirty=2 N0=2 kernelpagesize_kB=2048\n"
    "nonsense\n";

static void
test_parse(void)
{
    static const struct {
        guint64 start;
        bool anonymous, cached, huge;
        gint64 node0, node1;
    } wanted[] = {
        {0x7f0000000000, true, false, false, 4000, 8000},
        {0x7f1000000000, false, true, false, 16, 0},
        {0x7f2000000000, false, false, false, 0, 36},
        {0x7f3000000000, false, false, true, 4096, 0},
    };
    g_autoptr(GArray) mappings = kt_numa_maps_parse(text);
    g_assert_cmpuint(mappings->len, ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < mappings->len; i++) {
        const KtNumaMapping *mapping = &g_array_index(mappings, KtNumaMapping, i);
        g_assert_cmpuint(mapping->start, ==, wanted[i].start);
        g_assert_cmpint(mapping->anonymous, ==, wanted[i].anonymous);
        g_assert_cmpint(mapping->cached, ==, wanted[i].cached);
        g_assert_cmpint(mapping->huge, ==, wanted[i].huge);
        g_assert_cmpint(g_array_index(mapping->kib, gint64, 0), ==, wanted[i].node0);
        g_assert_cmpint(mapping->kib->len > 1 ? g_array_index(mapping->kib, gint64, 1) : 0, ==,
                        wanted[i].node1);
    }
}

static void
test_absent(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"proc/1/numa_maps", ""}, {NULL, NULL}});
    g_assert_null(kt_numa_maps_read(host->root, 1));
    g_assert_null(kt_numa_maps_read(host->root, 2));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/numa-maps/parse", test_parse);
    g_test_add_func("/numa-maps/absent", test_absent);
    return g_test_run();
}
