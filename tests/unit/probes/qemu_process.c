/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/qemu_process.h"

#include <string.h>

#include "tests/unit/probes/fake_topology.h"

#define UUID "11111111-2222-3333-4444-555555555555"

/* A process's command line as /proc has it: each argument ends with a NUL. */
static void
write_command(const FakeHost *host, guint pid, const char *const *arguments)
{
    g_autoptr(GString) line = g_string_new(NULL);
    for (; *arguments; arguments++)
        g_string_append_len(line, *arguments, (gssize)strlen(*arguments) + 1);
    g_autofree char *file = g_strdup_printf("%s/proc/%u/cmdline", host->directory, pid);
    g_autofree char *folder = g_path_get_dirname(file);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, line->str, (gssize)line->len, NULL));
}

static void
test_find(void)
{
    static const char *const db[] = {
        "/usr/bin/qemu-system-x86_64", "-name", "guest=db,debug-threads=on", "-uuid", UUID, "-S", NULL};
    static const char *const comma[] = {"qemu", "-name", "guest=a,,b,debug-threads=on", "-uuid", UUID, NULL};
    static const char *const shell[] = {"sh", "-c", "echo", NULL};
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    write_command(host, 4711, db);
    write_command(host, 4712, comma);
    write_command(host, 4713, shell);
    fake_host_write(host, "proc/99/cmdline", "");
    fake_host_write(host, "proc/self/cmdline", "-name");

    g_autoptr(KtQemuProcesses) processes = kt_qemu_processes_find(host->root);

    g_assert_cmpint(kt_qemu_processes_pid(processes, "db", UUID), ==, 4711);
    g_assert_cmpint(kt_qemu_processes_pid(processes, "a,b", UUID), ==, 4712);
    g_assert_cmpint(kt_qemu_processes_pid(processes, "a", UUID), ==, 0);
    g_assert_cmpint(kt_qemu_processes_pid(processes, "db", "99999999-2222-3333-4444-555555555555"), ==, 0);
}

static void
test_impostor_is_not_believed(void)
{
    static const char *const real[] = {"qemu", "-name", "guest=db,debug-threads=on", "-uuid", UUID, NULL};
    static const char *const impostor[] = {"sleep", "-uuid", UUID, "-name", "guest=db", NULL};
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    write_command(host, 4711, real);
    write_command(host, 5000, impostor);
    write_command(host, 5001, impostor);

    g_autoptr(KtQemuProcesses) processes = kt_qemu_processes_find(host->root);

    g_assert_cmpint(kt_qemu_processes_pid(processes, "db", UUID), ==, 0);
}

static void
test_no_proc(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);

    g_autoptr(KtQemuProcesses) processes = kt_qemu_processes_find(host->root);

    g_assert_cmpint(kt_qemu_processes_pid(processes, "db", UUID), ==, 0);
    g_assert_null(kt_qemu_threads_read(host->root, 4711));
    g_assert_null(kt_qemu_process_identity(host->root, 4711));
}

static void
test_threads(void)
{
    static const FakeFile files[] = {
        {"proc/10/task/10/comm", "qemu-system-x86\n"},
        {"proc/10/task/10/status", "Name:\tqemu\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n"},
        {"proc/10/task/11/comm", "CPU 0/KVM\n"},
        {"proc/10/task/11/status", "Cpus_allowed_list:\t1\n"},
        {"proc/10/task/12/comm", "CPU 12/TCG\n"},
        {"proc/10/task/12/status", "Cpus_allowed_list:\t2-3\n"},
        {"proc/10/task/13/comm", "IO iothread2\n"},
        {"proc/10/task/13/status", "Cpus_allowed_list:\t0,3\n"},
        {"proc/10/task/14/comm", "worker\n"},
        {"proc/10/task/14/status", "Cpus_allowed_list:\t0\n"},
        {"proc/10/task/15/comm", "CPU 1/KVM\n"}, /* has ended before its status was read */
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtQemuThreads) threads = kt_qemu_threads_read(host->root, 10);

    assert_cpus(threads->main, "0-3");
    g_assert_cmpuint(g_hash_table_size(threads->vcpus), ==, 2);
    assert_cpus(g_hash_table_lookup(threads->vcpus, GUINT_TO_POINTER(0)), "1");
    assert_cpus(g_hash_table_lookup(threads->vcpus, GUINT_TO_POINTER(12)), "2-3");
    assert_cpus(g_hash_table_lookup(threads->iothreads, GUINT_TO_POINTER(2)), "0,3");
    g_assert_null(threads->all_vcpus);
}

static void
test_vcpu_times(void)
{
    static const FakeFile files[] = {
        {"proc/10/task/10/comm", "qemu\n"},
        {"proc/10/task/10/status", "Cpus_allowed_list:\t0-3\n"},
        {"proc/10/task/11/comm", "CPU 0/KVM\n"},
        {"proc/10/task/11/status", "Cpus_allowed_list:\t1\n"},
        {"proc/10/task/11/schedstat", "123456789012 4567 89\n"},
        {"proc/10/task/12/comm", "CPU 1/KVM\n"},
        {"proc/10/task/12/status", "Cpus_allowed_list:\t1\n"}, /* a kernel without CONFIG_SCHED_INFO */
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(KtQemuThreads) threads = kt_qemu_threads_read(host->root, 10);
    gint64 time, delay;

    kt_qemu_vcpu_times(host->root, 10, threads, 0, &time, &delay);
    g_assert_cmpint(time, ==, 123456789012);
    g_assert_cmpint(delay, ==, 4567);
    kt_qemu_vcpu_times(host->root, 10, threads, 1, &time, &delay);
    g_assert_cmpint(time, ==, KT_ABSENT);
    g_assert_cmpint(delay, ==, KT_ABSENT);
    kt_qemu_vcpu_times(host->root, 10, threads, 7, &time, &delay);
    g_assert_cmpint(time, ==, KT_ABSENT);
}

static void
test_one_thread_for_all_vcpus(void)
{
    static const FakeFile files[] = {
        {"proc/10/task/10/comm", "qemu\n"},
        {"proc/10/task/10/status", "Cpus_allowed_list:\t0-3\n"},
        {"proc/10/task/11/comm", "ALL CPUs/TCG\n"},
        {"proc/10/task/11/status", "Cpus_allowed_list:\t2\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autoptr(KtQemuThreads) threads = kt_qemu_threads_read(host->root, 10);

    assert_cpus(threads->all_vcpus, "2");
}

static void
test_identity(void)
{
    static const FakeFile files[] = {
        {"proc/10/stat", "10 (a ) S (b) S 1 10 10 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 8812345 99 1\n"},
        {"proc/11/stat", "11 (short) S 1\n"},
        {"proc/uptime", "88124.45 170000.00\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    g_autofree char *identity = kt_qemu_process_identity(host->root, 10);

    g_assert_cmpstr(identity, ==, "10:8812345");
    g_assert_null(kt_qemu_process_identity(host->root, 11));
    /* A second has 100 ticks. */
    g_assert_cmpfloat_with_epsilon((double)kt_qemu_process_age(host->root, identity), 1e9, 1e6);
    g_assert_cmpint(kt_qemu_process_age(host->root, "10:9000000"), ==, KT_ABSENT);
    g_assert_cmpint(kt_qemu_process_age(host->root, "id:x"), ==, KT_ABSENT);
}

static void
test_age_without_uptime(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_assert_cmpint(kt_qemu_process_age(host->root, "10:77"), ==, KT_ABSENT);
}

static void
test_memory(void)
{
    static const FakeFile files[] = {
        {"proc/10/status", "Name:\tqemu\nVmRSS:\t    5000 kB\nHugetlbPages:\t   2048 kB\n"},
        {"proc/10/numa_maps", "7f00 default anon=9 dirty=9 N0=5 N1=4 kernelpagesize_kB=4\n"
                              "7f80 bind:1 file=/dev/hugepages/x huge N1=3 kernelpagesize_kB=2048\n"
                              "7f90 default file=/lib/x mapped=7 N9=7 kernelpagesize_kB=4\n"},
        {"proc/11/status", "Name:\tzombie\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(KtTopology) one = kt_topology_from_synthetic("core:2 pu:1", NULL);
    g_autoptr(KtTopology) two = kt_topology_from_synthetic("numa:2 core:2 pu:1", NULL);

    g_autofree gint64 *whole = kt_qemu_process_memory(host->root, 10, one);
    g_autofree gint64 *by_node = kt_qemu_process_memory(host->root, 10, two);

    g_assert_cmpint(whole[0], ==, 7048);
    g_assert_cmpint(by_node[0], ==, 20);
    g_assert_cmpint(by_node[1], ==, 16 + 3 * 2048);
    g_assert_null(kt_qemu_process_memory(host->root, 11, one));
    g_assert_null(kt_qemu_process_memory(host->root, 11, two));
}

static void
test_nodes(void)
{
    g_autoptr(FakeHost) host = fake_host_new(
        (FakeFile[]){{"proc/1/numa_maps", "7f0 default anon=3000 N1=1500 N5=1500 kernelpagesize_kB=4\n"
                                          "7f1 bind:0 huge anon=4 N1=4 kernelpagesize_kB=2048\n"
                                          "7f2 default anon=300 dirty=300 N0=300 kernelpagesize_kB=4\n"},
                     {"proc/2/numa_maps", ""},
                     {NULL, NULL}});
    /* Of 8192 + 12000 + 1200 KiB the last is 5.6 %, and counts; half of it doesn't. */
    g_autoptr(KtCpuset) nodes = kt_qemu_process_nodes(host->root, 1);
    g_autofree char *list = kt_cpuset_format(nodes);
    g_assert_cmpstr(list, ==, "0-1,5");

    fake_host_write(host, "proc/1/numa_maps",
                    "7f0 default anon=5048 N1=5048 kernelpagesize_kB=4\n"
                    "7f2 default file=/dev/shm/x dirty=150 N0=150 kernelpagesize_kB=4\n"
                    "7f4 default file=/lib/libc.so.6 mapped=9000 mapmax=6 N7=9000 kernelpagesize_kB=4\n"
                    "7f3 default anon=1 N99999999=9999 kernelpagesize_kB=4\n");
    g_autoptr(KtCpuset) one = kt_qemu_process_nodes(host->root, 1);
    g_autofree char *only = kt_cpuset_format(one);
    g_assert_cmpstr(only, ==, "1");

    g_assert_null(kt_qemu_process_nodes(host->root, 2));
    g_assert_null(kt_qemu_process_nodes(host->root, 3));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu-process/find", test_find);
    g_test_add_func("/qemu-process/impostor", test_impostor_is_not_believed);
    g_test_add_func("/qemu-process/no-proc", test_no_proc);
    g_test_add_func("/qemu-process/threads", test_threads);
    g_test_add_func("/qemu-process/vcpu-times", test_vcpu_times);
    g_test_add_func("/qemu-process/one-thread", test_one_thread_for_all_vcpus);
    g_test_add_func("/qemu-process/identity", test_identity);
    g_test_add_func("/qemu-process/age-without-uptime", test_age_without_uptime);
    g_test_add_func("/qemu-process/memory", test_memory);
    g_test_add_func("/qemu-process/nodes", test_nodes);
    return g_test_run();
}
