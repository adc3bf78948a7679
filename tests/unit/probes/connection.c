/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/connection.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

static void
quiet(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

static void
test_opens(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *refusal = NULL;

    virConnectPtr connection = kt_connection_open("test:///default", true, &refusal, &error);

    g_assert_no_error(error);
    g_assert_nonnull(connection);
    g_assert_null(refusal);
    virConnectClose(connection);
}

static void
test_nobody_there(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *refusal = NULL;

    g_assert_null(
        kt_connection_open("qemu+unix:///system?socket=/nonexistent/socket", true, &refusal, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_HYPERVISOR);
    g_assert_nonnull(strstr(error->message, "/nonexistent/socket"));
}

/** A daemon that takes the call and then says nothing. */
static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof address.sun_path), <, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fd, 5), ==, 0);
    return fd;
}

static void
test_says_nothing(void)
{
    if (geteuid() != 0) {
        g_test_skip("others than root may have to type a password first: it waits two minutes for them");
        return;
    }
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_autofree char *path = g_build_filename(host->directory, "socket", NULL);
    g_autofree char *uri = g_strdup_printf("qemu+unix:///system?socket=%s", path);
    g_autoptr(GError) error = NULL;
    g_autofree char *refusal = NULL;
    int fd = listen_at(path);
    gint64 before = g_get_monotonic_time();

    g_assert_null(kt_connection_open(uri, true, &refusal, &error));

    g_assert_cmpint(g_get_monotonic_time() - before, <, 2 * KT_OPEN_SECONDS * G_USEC_PER_SEC);
    g_assert_error(error, KT_ERROR, KT_ERROR_HYPERVISOR);
    g_assert_nonnull(strstr(error->message, "has said nothing"));
    close(fd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, quiet);
    g_test_add_func("/connection/opens", test_opens);
    g_test_add_func("/connection/nobody-there", test_nobody_there);
    g_test_add_func("/connection/says-nothing", test_says_nothing);
    return g_test_run();
}
