/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/trust.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

static char *
path_in(const FakeHost *host, const char *path)
{
    return g_build_filename(host->directory, path, NULL);
}

static void
set_mode(const FakeHost *host, const char *path, mode_t mode)
{
    g_autofree char *file = path_in(host, path);
    g_assert_cmpint(chmod(file, mode), ==, 0);
}

/* Whether @path is trusted; if not, for @reason. */
static void
expect(const FakeHost *host, const char *path, const char *reason)
{
    g_autofree char *file = path_in(host, path);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(kt_trust_check(file, &error), ==, reason == NULL);
    if (!reason)
        return;
    g_assert_error(error, KT_ERROR, KT_ERROR_ACCESS);
    if (!strstr(error->message, reason))
        g_error("wanted '%s', got '%s'", reason, error->message);
}

static void
test_modes(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"a/b/file", ""}, {NULL, NULL}});
    set_mode(host, "a/b/file", 0644);
    expect(host, "a/b/file", NULL);
    set_mode(host, "a/b/file", 0664);
    expect(host, "a/b/file", "/a/b/file: mode is 0664: others can write it (chmod go-w");
    set_mode(host, "a/b/file", 0602);
    expect(host, "a/b/file", "/a/b/file: mode is 0602");
}

static void
test_directories(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"a/b/file", ""}, {NULL, NULL}});
    set_mode(host, "a/b/file", 0600);
    set_mode(host, "a", 0777);
    expect(host, "a/b/file", "/a: mode is 0777");
    expect(host, "a/b/../b/./file", "/a: mode is 0777");
    /* With the sticky bit others can't take away or replace what is ours. */
    set_mode(host, "a", 01777);
    expect(host, "a/b/file", NULL);
}

static void
test_links(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"a/file", ""}, {"b/x", ""}, {NULL, NULL}});
    g_autofree char *link = path_in(host, "b/link");
    g_autofree char *loop = path_in(host, "b/loop");
    g_autofree char *loop_file = path_in(host, "b/loop/file");
    g_assert_cmpint(symlink("../a/file", link), ==, 0);
    g_assert_cmpint(symlink("loop", loop), ==, 0);
    set_mode(host, "a/file", 0600);
    expect(host, "b/link", NULL);
    set_mode(host, "a", 0770);
    expect(host, "b/link", "/a: mode is 0770");
    g_autoptr(GError) error = NULL;
    g_assert_false(kt_trust_check(loop_file, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
}

static void
test_owners(void)
{
    if (geteuid() != 0) {
        g_test_skip("only root can give files away");
        return;
    }
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"a/file", ""}, {NULL, NULL}});
    g_autofree char *folder = path_in(host, "a");
    g_autofree char *link = path_in(host, "link");
    set_mode(host, "a/file", 0600);
    g_assert_cmpint(symlink("a/file", link), ==, 0);
    g_assert_cmpint(lchown(link, 65534, 65534), ==, 0);
    expect(host, "a/file", NULL);
    expect(host, "link", "/link: belongs to user 65534");
    g_assert_cmpint(chown(folder, 65534, 65534), ==, 0);
    expect(host, "a/file", "/a: belongs to user 65534 (mode 0755): wanted one that belongs to root");
}

static void
test_absent(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_autofree char *file = path_in(host, "none");
    g_autoptr(GError) error = NULL;
    g_assert_false(kt_trust_check(file, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_assert_true(kt_trust_check("/", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/trust/modes", test_modes);
    g_test_add_func("/base/trust/directories", test_directories);
    g_test_add_func("/base/trust/links", test_links);
    g_test_add_func("/base/trust/owners", test_owners);
    g_test_add_func("/base/trust/absent", test_absent);
    return g_test_run();
}
