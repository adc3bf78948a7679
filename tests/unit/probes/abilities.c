/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "probes/snapshot.h"

static void
test_io_uring(void)
{
    static const struct {
        const char *qemu, *libvirt, *release, *asked;
        gint64 disabled;
        const char *why; /* words of it; NULL = it has io_uring */
    } samples[] = {
        {"7.2.0", "9.0.0", "6.1.0-13-amd64", NULL, KT_ABSENT, NULL},
        {"7.2.0", "9.0.0", "6.18.0", "", 0, NULL},
        {"5.0.0", "6.3.0", "5.1.0", NULL, KT_ABSENT, NULL},
        {"7.2.0", "9.0.0", NULL, "", KT_ABSENT, "Linux isn't known"},
        {"4.2.0", "9.0.0", "6.1.0", NULL, KT_ABSENT, "QEMU 5.0"},
        {"7.2.0", "6.2.0", "6.1.0", NULL, KT_ABSENT, "libvirt 6.3"},
        {NULL, "9.0.0", "6.1.0", NULL, KT_ABSENT, "QEMU isn't known"},
        {"7.2.0", NULL, "6.1.0", NULL, KT_ABSENT, "libvirt isn't known"},
        {"7.2.0", "9.0.0", "4.19.0", "", KT_ABSENT, "Linux 5.1"},
        {"7.2.0", "9.0.0", "6.18.0", "", 2, "io_uring_disabled is 2"},
        {"7.2.0", "9.0.0", "6.18.0", "", 1, "io_uring_disabled is 1"},
        /* What it was built with counts more than its version. */
        {"7.2.0", "9.0.0", "6.18.0", "this QEMU has none", 0, "this QEMU has none"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        KtKernel kernel = {.release = (char *)samples[i].release, .io_uring_disabled = samples[i].disabled};
        KtSnapshot snapshot = {.qemu = (char *)samples[i].qemu,
                               .libvirt = (char *)samples[i].libvirt,
                               .kernel = &kernel,
                               .no_io_uring = (char *)samples[i].asked};

        g_autofree char *why = kt_snapshot_why_no_io_uring(&snapshot);

        g_test_message("%" G_GSIZE_FORMAT ": %s", i, why);
        g_assert_true(kt_snapshot_has_io_uring(&snapshot) == (samples[i].why == NULL));
        g_assert_true(samples[i].why ? why && strstr(why, samples[i].why) : why == NULL);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abilities/io-uring", test_io_uring);
    return g_test_run();
}
