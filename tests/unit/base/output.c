/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/output.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

static void
test_new_files(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_autofree char *path = g_build_filename(host->directory, "new/deep/", NULL);
    g_autoptr(KtOutput) output = kt_output_open(path, NULL);
    g_assert_nonnull(output);
    g_assert_true(kt_output_check_empty(output, NULL));
    g_assert_true(kt_output_check_new(output, "b", NULL));

    g_assert_true(kt_output_write(output, "sys/kernel/a", "one\n", NULL));
    g_assert_true(kt_output_write(output, "sys/kernel/b", "two\n", NULL));

    g_autofree char *text = fake_host_text(host, "new/deep/sys/kernel/b");
    g_assert_cmpstr(text, ==, "two\n");
    g_autofree char *file = g_build_filename(path, "sys/kernel/a", NULL);
    struct stat about;
    g_assert_cmpint(stat(file, &about), ==, 0);
    g_assert_cmpint(about.st_mode & 07777, ==, 0600);
}

static void
test_nothing_is_written_over(void)
{
    g_autoptr(FakeHost) host =
        fake_host_new((FakeFile[]){{"out/a", "kept"}, {"victim", "kept"}, {NULL, NULL}});
    g_autofree char *path = g_build_filename(host->directory, "out", NULL);
    g_autofree char *link = g_build_filename(path, "link", NULL);
    g_assert_cmpint(symlink("../victim", link), ==, 0);
    g_autoptr(KtOutput) output = kt_output_open(path, NULL);
    static const char *const names[] = {"a", "link"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(kt_output_write(output, names[i], "lost", &error));
        g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
        g_assert_nonnull(strstr(error->message, "is there already"));
        g_assert_false(kt_output_check_new(output, names[i], NULL));
    }
    g_assert_false(kt_output_check_empty(output, NULL));
    g_autofree char *text = fake_host_text(host, "victim");
    g_assert_cmpstr(text, ==, "kept");
}

/* A folder that somebody put there between two writes leads nowhere, nor does one that others can write. */
static void
test_folders_of_others(void)
{
    g_autoptr(FakeHost) host =
        fake_host_new((FakeFile[]){{"out/open/x", ""}, {"victim/x", ""}, {NULL, NULL}});
    g_autofree char *path = g_build_filename(host->directory, "out", NULL);
    g_autofree char *link = g_build_filename(path, "link", NULL);
    g_autofree char *open = g_build_filename(path, "open", NULL);
    g_assert_cmpint(symlink("../victim", link), ==, 0);
    g_assert_cmpint(chmod(open, 0777), ==, 0);
    g_autoptr(KtOutput) output = kt_output_open(path, NULL);
    g_autoptr(GError) link_error = NULL, open_error = NULL;
    g_assert_false(kt_output_write(output, "link/new", "text", &link_error));
    g_assert_false(kt_output_write(output, "open/new", "text", &open_error));
    g_assert_error(open_error, KT_ERROR, KT_ERROR_ACCESS);
    g_assert_false(kt_root_exists(host->root, "victim/new"));
    g_assert_false(kt_root_exists(host->root, "out/open/new"));
}

static void
test_no_directory(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"real/x", ""}, {"file", ""}, {NULL, NULL}});
    g_autofree char *link = g_build_filename(host->directory, "link/", NULL);
    g_autofree char *link_itself = g_build_filename(host->directory, "link", NULL);
    g_autofree char *file = g_build_filename(host->directory, "file", NULL);
    g_assert_cmpint(symlink("real", link_itself), ==, 0);
    g_autoptr(GError) link_error = NULL, file_error = NULL;
    g_assert_null(kt_output_open(link, &link_error));
    g_assert_error(link_error, KT_ERROR, KT_ERROR_ACCESS);
    g_assert_null(kt_output_open(file, &file_error));
    g_assert_error(file_error, KT_ERROR, KT_ERROR_ACCESS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/output/new-files", test_new_files);
    g_test_add_func("/base/output/nothing-written-over", test_nothing_is_written_over);
    g_test_add_func("/base/output/folders-of-others", test_folders_of_others);
    g_test_add_func("/base/output/no-directory", test_no_directory);
    return g_test_run();
}
