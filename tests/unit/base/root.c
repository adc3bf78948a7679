/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/root.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

static const FakeFile files[] = {
    {"sys/kernel/mm/ksm/run", "1\n"},
    {"sys/kernel/mm/ksm/general_profit", "-4096\n"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"sys/kernel/mm/empty", ""},
    {NULL, NULL},
};

static void
test_read(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autofree char *text = NULL;

    g_assert_true(kt_root_read(host->root, "sys/kernel/mm/ksm/run", &text, NULL));

    g_assert_cmpstr(text, ==, "1");
    g_assert_false(kt_root_is_live(host->root));
}

static void
test_absent_is_a_value(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    char *text = (char *)"untouched", **names = NULL;
    gint64 number = 7;

    g_assert_true(kt_root_read(host->root, "sys/none", &text, NULL));
    g_assert_null(text);
    g_assert_true(kt_root_read_number(host->root, "sys/kernel/mm/ksm/run/deeper", &number, NULL));
    g_assert_cmpint(number, ==, KT_ABSENT);
    g_assert_true(kt_root_list(host->root, "proc", &names, NULL));
    g_assert_null(names);
    g_assert_false(kt_root_exists(host->root, "proc"));
}

static void
test_numbers(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;
    gint64 number = 0;

    g_assert_true(kt_root_read_number(host->root, "sys/kernel/mm/ksm/general_profit", &number, NULL));
    g_assert_cmpint(number, ==, -4096);
    g_assert_false(kt_root_read_number(host->root, "sys/kernel/mm/empty", &number, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
    g_assert_cmpint(number, ==, -4096);
}

static void
test_choice(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autofree char *word = NULL, *plain = NULL;

    g_assert_true(kt_root_read_choice(host->root, "sys/kernel/mm/transparent_hugepage/enabled", &word, NULL));
    g_assert_cmpstr(word, ==, "madvise");
    g_assert_true(kt_root_read_choice(host->root, "sys/kernel/mm/ksm/run", &plain, NULL));
    g_assert_cmpstr(plain, ==, "1");
}

static void
test_list(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_auto(GStrv) names = NULL;

    g_assert_true(kt_root_list(host->root, "sys/kernel/mm/ksm", &names, NULL));

    g_autofree char *joined = g_strjoinv(" ", names);
    g_assert_cmpstr(joined, ==, "general_profit run");
}

static void
test_write(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_assert_true(kt_root_write(host->root, "sys/kernel/mm/ksm/run", "2", NULL));
    g_autofree char *text = fake_host_text(host, "sys/kernel/mm/ksm/run");
    g_assert_cmpstr(text, ==, "2");
    g_assert_false(kt_root_write(host->root, "sys/kernel/mm/ksm/new", "2", &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
}

static void
test_planned_fault(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;
    kt_root_fail_writes(host->root, "sys/kernel/mm/ksm/run", EROFS);

    g_assert_false(kt_root_write(host->root, "sys/kernel/mm/ksm/run", "2", &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_ACCESS);
    g_assert_nonnull(strstr(error->message, "sys/kernel/mm/ksm/run"));
    g_autofree char *text = fake_host_text(host, "sys/kernel/mm/ksm/run");
    g_assert_cmpstr(text, ==, "1\n");
}

static void
test_nothing_outside(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autofree char *link = g_build_filename(host->directory, "sys", "escape", NULL);
    g_assert_cmpint(symlink("/etc/passwd", link), ==, 0);
    char *text = NULL;

    /* A link is looked up inside the root, where there is no /etc. */
    g_assert_true(kt_root_read(host->root, "sys/escape", &text, NULL));
    g_assert_null(text);
    g_assert_true(kt_root_read(host->root, "../../../../../../etc/passwd", &text, NULL));
    g_assert_null(text);
    g_assert_false(kt_root_read(host->root, "/etc/passwd", &text, NULL));
}

/* From here on this process has no openat2, like an older kernel's. */
static void
lose_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};
    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static void
test_without_openat2(void)
{
    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        return;
    }
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autofree char *link = g_build_filename(host->directory, "sys/link", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(symlink("kernel", link), ==, 0);
    lose_openat2();

    g_assert_true(kt_root_read(host->root, "sys/kernel/mm/ksm/run", &text, &error));
    g_assert_cmpstr(text, ==, "1");
    g_assert_false(kt_root_exists(host->root, "sys/kernel/mm/ksm/none"));
    g_assert_false(kt_root_exists(host->root, "sys/none/mm"));
    /* No way out, and no link at all. */
    g_assert_false(kt_root_exists(host->root, "sys/../sys/kernel"));
    g_assert_false(kt_root_exists(host->root, "../etc"));
    g_assert_false(kt_root_exists(host->root, "sys/link/mm/ksm/run"));
}

static void
test_writable(void)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autofree char *file = g_build_filename(host->directory, "sys/kernel/mm/ksm/run", NULL);
    g_assert_true(kt_root_is_writable(host->root, "sys/kernel/mm/ksm/run"));
    g_assert_cmpint(chmod(file, 0444), ==, 0);
    g_assert_false(kt_root_is_writable(host->root, "sys/kernel/mm/ksm/run"));
    g_assert_false(kt_root_is_writable(host->root, "sys/none"));
}

/* Files and empty directories go; a directory with something in it doesn't, nor anything outside. */
static void
test_remove(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"run/a.d/x.conf", "x"}, {NULL, NULL}});
    g_autoptr(GError) error = NULL;
    g_assert_false(kt_root_remove(host->root, "run/a.d", &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_assert_true(kt_root_remove(host->root, "run/a.d/x.conf", NULL));
    g_assert_true(kt_root_remove(host->root, "run/a.d", NULL));
    g_assert_false(kt_root_exists(host->root, "run/a.d"));
    g_assert_true(kt_root_remove(host->root, "run/a.d/x.conf", NULL));
    g_assert_true(kt_root_exists(host->root, "run"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/root/read", test_read);
    g_test_add_func("/base/root/absent-is-a-value", test_absent_is_a_value);
    g_test_add_func("/base/root/numbers", test_numbers);
    g_test_add_func("/base/root/choice", test_choice);
    g_test_add_func("/base/root/list", test_list);
    g_test_add_func("/base/root/write", test_write);
    g_test_add_func("/base/root/planned-fault", test_planned_fault);
    g_test_add_func("/base/root/nothing-outside", test_nothing_outside);
    g_test_add_func("/base/root/without-openat2", test_without_openat2);
    g_test_add_func("/root/writable", test_writable);
    g_test_add_func("/root/remove", test_remove);
    return g_test_run();
}
