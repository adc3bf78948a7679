/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/hypervisor.h"

static void
test_local(void)
{
    static const struct {
        const char *uri;
        bool local;
    } cases[] = {
        {"qemu:///system", true},
        {"qemu:///session", true},
        {"qemu:///embed?root=/tmp/x", true},
        {"qemu+unix:///system?socket=/run/x/libvirt-sock", true},
        {"qemu+ssh://root@example.org/system", false},
        {"qemu+ssh://[2001:db8::1]:22/system", false},
        {"qemu://example.org/system", false},
        {"qemu+tcp:///system", false},
        {"test:///default", false},
        {"test+unix:///default", false},
        {"not a uri", false},
        {"", false},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].uri);
        g_assert_cmpint(kt_hypervisor_is_local(cases[i].uri), ==, cases[i].local);
    }
}

static void
test_version(void)
{
    g_autofree char *version = kt_hypervisor_version(7002022);
    g_assert_cmpstr(version, ==, "7.2.22");
    g_assert_null(kt_hypervisor_version(0));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hypervisor/local", test_local);
    g_test_add_func("/hypervisor/version", test_version);
    return g_test_run();
}
