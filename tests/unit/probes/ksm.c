/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/ksm.h"

#include "base/error.h"
#include "tests/unit/fake_root.h"

#define KSM "sys/kernel/mm/ksm/"

static void
read_ksm(const FakeHost *host, KtKsm *ksm)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(kt_ksm_read(host->root, ksm, &error));
    g_assert_no_error(error);
}

/* What a kernel 6.18 said, with a process of the same name that is no thread of the kernel's. */
static void
test_read(void)
{
    static const FakeFile files[] = {
        {KSM "run", "1\n"},
        {KSM "pages_shared", "100\n"},
        {KSM "pages_sharing", "300\n"},
        {KSM "pages_unshared", "20\n"},
        {KSM "pages_volatile", "3\n"},
        {KSM "pages_scanned", "3975058\n"},
        {KSM "advisor_mode", "[none] scan-time\n"},
        {"proc/12/stat", "12 (ksmd) S 1 12 12 0 -1 4194560 0 0 0 0 9 9 0 0 20 0 1 0 8 0 0\n"},
        {"proc/37/stat", "37 (ksmd) S 2 0 0 0 -1 2097216 0 0 0 0 1 754 0 0 25 5 1 0 8 0 0\n"},
        {"proc/37/schedstat", "7547084817 17906765436 31580\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_auto(KtKsm) ksm;
    kt_ksm_init(&ksm);

    read_ksm(host, &ksm);

    g_assert_cmpint(ksm.run, ==, 1);
    g_assert_cmpint(ksm.pages_scanned, ==, 3975058);
    g_assert_cmpint(ksm.full_scans, ==, KT_ABSENT);
    g_assert_cmpstr(ksm.advisor_mode, ==, "none");
    g_assert_cmpint(ksm.ksmd_pid, ==, 37);
    g_assert_cmpint(ksm.ksmd_cpu_usec, ==, 7547084);
    g_assert_cmpint(kt_ksm_known_pages(&ksm), ==, 423);
}

/* Read again, as the governor does: what has changed is seen, ksmd is still known. */
static void
test_read_again(void)
{
    static const FakeFile files[] = {
        {KSM "run", "1\n"},
        {KSM "advisor_mode", "none [scan-time]\n"},
        {"proc/37/stat", "37 (ksmd) S 2 0 0 0 -1 2097216 0 0 0 0 1 754 0 0 25 5 1 0 8 0 0\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_auto(KtKsm) ksm;
    kt_ksm_init(&ksm);
    read_ksm(host, &ksm);
    g_assert_cmpint(ksm.ksmd_cpu_usec, ==, 755 * G_USEC_PER_SEC / sysconf(_SC_CLK_TCK));

    fake_host_write(host, KSM "advisor_mode", "[none] scan-time\n");
    fake_host_write(host, "proc/37/schedstat", "8000000000 1 1\n");
    read_ksm(host, &ksm);

    g_assert_cmpstr(ksm.advisor_mode, ==, "none");
    g_assert_cmpint(ksm.ksmd_cpu_usec, ==, 8000000);
}

static void
test_nothing_there(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_auto(KtKsm) ksm;
    kt_ksm_init(&ksm);

    read_ksm(host, &ksm);

    g_assert_cmpint(ksm.run, ==, KT_ABSENT);
    g_assert_null(ksm.advisor_mode);
    g_assert_cmpint(ksm.ksmd_pid, ==, 0);
    g_assert_cmpint(ksm.ksmd_cpu_usec, ==, KT_ABSENT);
    g_assert_cmpint(kt_ksm_known_pages(&ksm), ==, KT_ABSENT);
}

static void
test_nonsense_is_an_error(void)
{
    static const FakeFile files[] = {{KSM "pages_sharing", "many\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;
    g_auto(KtKsm) ksm;
    kt_ksm_init(&ksm);

    g_assert_false(kt_ksm_read(host->root, &ksm, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
    g_assert_nonnull(strstr(error->message, "pages_sharing"));
}

static void
test_process(void)
{
    static const FakeFile files[] = {
        {"proc/7/ksm_stat", "ksm_rmap_items 500\nksm_zero_pages 0\nksm_merging_pages 120\n"
                            "ksm_process_profit -2048\nksm_merge_any: no\nksm_mergeable: yes\n"},
        {"proc/7/ksm_merging_pages", "120\n"},
        {"proc/7/statm", "9000 700 150 5 0 800 0\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    KtKsmProcess process = kt_ksm_process_read(host->root, 7);

    g_assert_cmpint(process.rmap_items, ==, 500);
    g_assert_cmpint(process.merging_pages, ==, 120);
    g_assert_cmpint(process.profit_bytes, ==, -2048);
    g_assert_cmpint(process.may_merge, ==, 1);
    g_assert_cmpint(process.anonymous_pages, ==, 550);
}

/* Linux 5.19 has only one of the files, 6.1 no ksm_mergeable. */
static void
test_process_of_older_kernels(void)
{
    static const FakeFile files[] = {
        {"proc/7/ksm_merging_pages", "9\n"},
        {"proc/8/ksm_stat", "ksm_rmap_items 500\nzero_pages_sharing 0\n"},
        {NULL, NULL},
    };
    g_autoptr(FakeHost) host = fake_host_new(files);

    KtKsmProcess process = kt_ksm_process_read(host->root, 7);
    g_assert_cmpint(process.merging_pages, ==, 9);
    g_assert_cmpint(process.rmap_items, ==, KT_ABSENT);
    g_assert_cmpint(process.anonymous_pages, ==, KT_ABSENT);

    process = kt_ksm_process_read(host->root, 8);
    g_assert_cmpint(process.rmap_items, ==, 500);
    g_assert_cmpint(process.may_merge, ==, KT_ABSENT);
}

/* A capture has what was read, and nothing is asked of a process that isn't there. */
static void
test_files(void)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    KtKsm ksm = {.ksmd_pid = 37};

    kt_ksm_add_files(&ksm, paths);
    kt_ksm_process_add_files(7, paths);

    static const char *const wanted[] = {KSM "run", KSM "advisor_mode", "proc/37/schedstat",
                                         "proc/7/ksm_stat"};
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        g_assert_true(g_ptr_array_find_with_equal_func(paths, wanted[i], g_str_equal, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ksm/read", test_read);
    g_test_add_func("/ksm/read-again", test_read_again);
    g_test_add_func("/ksm/nothing-there", test_nothing_there);
    g_test_add_func("/ksm/nonsense-is-an-error", test_nonsense_is_an_error);
    g_test_add_func("/ksm/process", test_process);
    g_test_add_func("/ksm/process-of-older-kernels", test_process_of_older_kernels);
    g_test_add_func("/ksm/files", test_files);
    return g_test_run();
}
