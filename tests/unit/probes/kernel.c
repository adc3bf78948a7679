/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/kernel.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/error.h"
#include "tests/unit/probes/fake_topology.h"

static void
test_everything(void)
{
    static const FakeFile files[] = {
        {"proc/sys/kernel/osrelease", "6.1.0-56-amd64\n"},
        {"proc/cmdline", "root=/dev/vda1 isolcpus=2-3 quiet\n"},
        {"sys/devices/system/cpu/isolated", "2-3\n"},
        {"sys/devices/system/cpu/nohz_full", "2-3,7\n"},
        {"proc/sys/kernel/numa_balancing", "1\n"},
        {"sys/module/kvm/parameters/halt_poll_ns", "200000\n"},
        {"proc/sys/net/ipv4/ip_forward", "0\n"},
        {"proc/sys/kernel/io_uring_disabled", "2\n"},
        {"sys/module/kvm_amd/parameters/nested", "1\n"},
        {"proc/pressure/cpu", "some avg10=1.50 avg60=0.25 avg300=4.23 total=401845758\n"},
        {"proc/pressure/memory", "some avg10=0.00 avg60=0.07 avg300=0.23 total=27\n"
                                 "full avg10=3.00 avg60=0.06 avg300=0.18 total=21\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_autoptr(KtKernel) kernel = kt_kernel_read(host->root, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(kernel->release, ==, "6.1.0-56-amd64");
    g_assert_cmpstr(kernel->command_line, ==, "root=/dev/vda1 isolcpus=2-3 quiet");
    assert_cpus(kernel->isolated, "2-3");
    assert_cpus(kernel->nohz_full, "2-3,7");
    g_assert_cmpint(kernel->numa_balancing, ==, 1);
    g_assert_cmpint(kernel->halt_poll_ns, ==, 200000);
    g_assert_cmpint(kernel->ip_forward, ==, 0);
    g_assert_cmpint(kernel->io_uring_disabled, ==, 2);
    g_assert_cmpstr(kernel->nested, ==, "1");
    g_assert_cmpfloat(kernel->cpu.some_avg10, ==, 1.5);
    g_assert_cmpfloat(kernel->cpu.some_avg60, ==, 0.25);
    /* Old kernels have no «full» for the CPU. */
    g_assert_cmpfloat(kernel->cpu.full_avg10, <, 0);
    g_assert_cmpfloat(kernel->memory.some_avg60, ==, 0.07);
    g_assert_cmpfloat(kernel->memory.full_avg10, ==, 3);
    g_assert_cmpfloat(kernel->io.some_avg10, <, 0);
}

static void
test_nothing(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);

    g_autoptr(KtKernel) kernel = kt_kernel_read(host->root, NULL);

    g_assert_nonnull(kernel);
    g_assert_null(kernel->release);
    g_assert_null(kernel->nested);
    g_assert_null(kernel->isolated);
    g_assert_null(kernel->nohz_full);
    g_assert_cmpint(kernel->numa_balancing, ==, KT_ABSENT);
    g_assert_cmpint(kernel->halt_poll_ns, ==, KT_ABSENT);
    g_assert_cmpfloat(kernel->memory.full_avg60, <, 0);
}

static void
test_mask_that_was_never_made(void)
{
    static const FakeFile files[] = {{"sys/devices/system/cpu/nohz_full", "  (null)\n"},
                                     {"sys/devices/system/cpu/isolated", "\n"},
                                     {"sys/module/kvm_intel/parameters/nested", "Y\n"},
                                     {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtKernel) kernel = kt_kernel_read(host->root, NULL);

    assert_cpus(kernel->nohz_full, "");
    assert_cpus(kernel->isolated, "");
    g_assert_cmpstr(kernel->nested, ==, "Y");
}

/* Some kernels let nobody set it. */
static void
test_fixed_halt_poll(void)
{
    static const char path[] = "sys/module/kvm/parameters/halt_poll_ns";
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{path, "200000\n"}, {NULL, NULL}});
    g_autoptr(KtKernel) free = kt_kernel_read(host->root, NULL);
    g_assert_false(free->halt_poll_fixed);

    g_autofree char *file = g_build_filename(host->directory, path, NULL);
    g_assert_cmpint(chmod(file, 0444), ==, 0);
    g_autoptr(KtKernel) fixed = kt_kernel_read(host->root, NULL);
    g_assert_true(fixed->halt_poll_fixed);
}

static void
test_nonsense_is_an_error(void)
{
    static const FakeFile cases[][2] = {
        {{"proc/sys/kernel/numa_balancing", "on"}},
        {{"sys/devices/system/cpu/nohz_full", "all"}},
        {{"proc/pressure/io", "much"}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) host = fake_host_new(cases[i]);
        g_autoptr(GError) error = NULL;

        g_assert_null(kt_kernel_read(host->root, &error));

        g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
        g_assert_nonnull(strstr(error->message, cases[i][0].path));
    }
}

static void
test_this_machine(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(GError) error = NULL;
    struct utsname name;
    g_assert_cmpint(uname(&name), ==, 0);

    g_autoptr(KtKernel) kernel = kt_kernel_read(root, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(kernel->release, ==, name.release);
    g_assert_nonnull(kernel->command_line);
    if (kt_root_exists(root, "proc/pressure/memory"))
        g_assert_cmpfloat(kernel->memory.some_avg10, >=, 0);
}

static const KtOtherTuner *
find_tuner(const GPtrArray *tuners, const char *name)
{
    for (guint i = 0; i < tuners->len; i++) {
        const KtOtherTuner *tuner = g_ptr_array_index(tuners, i);
        if (g_str_equal(tuner->name, name))
            return tuner;
    }
    return NULL;
}

static void
test_other_tuners(void)
{
    static const FakeFile files[] = {
        {"proc/1/comm", "systemd\n"},        {"proc/100/comm", "ksmtuned\n"},
        {"proc/101/comm", "nova-compute\n"}, {"proc/102/comm", "irqbalance\n"},
        {"proc/103/comm", "my-tuned\n"},     {"proc/104/status", "Name: numad\n"},
        {"proc/self/comm", "tuned\n"},       {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_autoptr(GPtrArray) tuners = kt_other_tuners_read(host->root, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(tuners->len, ==, 3);
    const KtOtherTuner *ksmtuned = find_tuner(tuners, "ksmtuned");
    g_assert_cmpint(ksmtuned->pid, ==, 100);
    g_assert_cmpstr(ksmtuned->knobs, ==, "KSM");
    g_assert_true(g_strv_contains(ksmtuned->settings, "ksm.mode"));
    g_assert_true(g_strv_contains(find_tuner(tuners, "nova-compute")->settings, "cpu.placement"));
    /* It is named, but sets nothing that a profile can name. */
    g_assert_null(*find_tuner(tuners, "irqbalance")->settings);
}

static void
test_no_processes(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);

    g_autoptr(GPtrArray) tuners = kt_other_tuners_read(host->root, NULL);

    g_assert_nonnull(tuners);
    g_assert_cmpuint(tuners->len, ==, 0);
}

static void
test_boot_id(void)
{
    static const FakeFile files[] = {{"proc/sys/kernel/random/boot_id", "this-life\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files), bare = fake_host_new(NULL);
    g_autofree char *id = kt_boot_id(host->root), *none = kt_boot_id(bare->root);
    g_assert_cmpstr(id, ==, "this-life");
    g_assert_null(none);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernel/everything", test_everything);
    g_test_add_func("/kernel/nothing", test_nothing);
    g_test_add_func("/kernel/no-mask", test_mask_that_was_never_made);
    g_test_add_func("/kernel/fixed-halt-poll", test_fixed_halt_poll);
    g_test_add_func("/kernel/nonsense", test_nonsense_is_an_error);
    g_test_add_func("/kernel/live", test_this_machine);
    g_test_add_func("/other-tuners/read", test_other_tuners);
    g_test_add_func("/other-tuners/no-processes", test_no_processes);
    g_test_add_func("/kernel/boot-id", test_boot_id);
    return g_test_run();
}
