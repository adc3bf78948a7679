/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/daemon/metrics.h"
#include "base/error.h"

typedef struct {
    char *directory;
    char *path; /* of the socket */
    KtMetricsServer *server;
} Scene;

static void
fill(KtMetrics *metrics, gpointer data)
{
    (void)data;
    *metrics = (KtMetrics){.profile = "ours", .running_domains = 7};
}

static Scene *
scene_new(void)
{
    Scene *scene = g_new0(Scene, 1);
    g_autoptr(GError) error = NULL;
    scene->directory = g_dir_make_tmp("kt-metrics-XXXXXX", NULL);
    scene->path = g_build_filename(scene->directory, "metrics", NULL);
    g_autofree char *address = g_strconcat("unix:", scene->path, NULL);
    scene->server = kt_metrics_server_new(address, fill, NULL, &error);
    g_assert_no_error(error);
    return scene;
}

static void
scene_free(Scene *scene)
{
    kt_metrics_server_free(scene->server);
    g_assert_false(g_file_test(scene->path, G_FILE_TEST_EXISTS));
    g_rmdir(scene->directory);
    g_free(scene->path);
    g_free(scene->directory);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

/** What is asked, and the answer. */
typedef struct {
    const char *path;
    const char *request;
    GString *answer;
    bool done;
} Exchange;

static gpointer
ask(gpointer data)
{
    Exchange *exchange = data;
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(exchange->path);
    g_autoptr(GSocketConnection) connection =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
    char part[4096];
    gssize n;
    g_assert_nonnull(connection);
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), exchange->request,
                              strlen(exchange->request), NULL, NULL, NULL);
    while ((n = g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(connection)), part, sizeof part,
                                    NULL, NULL)) > 0)
        g_string_append_len(exchange->answer, part, n);
    exchange->done = true;
    g_main_context_wakeup(NULL);
    return NULL;
}

/* Asks from another thread while this one runs the main context. */
static char *
answer_to(const Scene *scene, const char *request)
{
    Exchange exchange = {scene->path, request, g_string_new(NULL), false};
    GThread *thread = g_thread_new("client", ask, &exchange);
    while (!exchange.done)
        g_main_context_iteration(NULL, TRUE);
    g_thread_join(thread);
    return g_string_free(exchange.answer, FALSE);
}

static void
assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        g_error("'%s' is not in:\n%s", part, text);
}

static void
test_scrape(void)
{
    g_autoptr(Scene) scene = scene_new();
    struct stat about;

    g_autofree char *answer = answer_to(scene, "GET /metrics HTTP/1.0\r\n\r\n");

    assert_has(answer, " 200 ");
    assert_has(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
    assert_has(answer, "kvm_tune_running_domains 7");
    g_assert_cmpint(stat(scene->path, &about), ==, 0);
    g_assert_cmpint(about.st_mode & 0777, ==, 0660);
}

static void
test_open_metrics(void)
{
    g_autoptr(Scene) scene = scene_new();

    g_autofree char *answer = answer_to(
        scene,
        "GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain\r\n\r\n");

    assert_has(answer, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8");
    g_assert_true(g_str_has_suffix(answer, "# EOF\n"));
}

/* Wrong requests get an answer, and the next right one its figures. */
static void
test_other_requests(void)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"GET / HTTP/1.0\r\n\r\n", " 404 "},
        {"GET /metrics/../../etc/passwd HTTP/1.0\r\n\r\n", " 404 "},
        {"POST /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", " 405 "},
        {"DELETE /metrics HTTP/1.0\r\n\r\n", " 405 "},
        {"nonsense\r\n\r\n", ""},
        {"HEAD /metrics HTTP/1.0\r\n\r\n", " 200 "},
        {"GET /metrics HTTP/1.0\r\n\r\n", "kvm_tune_running_domains 7"},
    };
    g_autoptr(Scene) scene = scene_new();
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *answer = answer_to(scene, cases[i].request);
        assert_has(answer, cases[i].answer);
    }
}

/* Somebody who connects and says nothing keeps nobody else waiting. */
static void
test_silent_client(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(scene->path);
    g_autoptr(GSocketConnection) silent =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
    g_assert_nonnull(silent);

    g_autofree char *answer = answer_to(scene, "GET /metrics HTTP/1.0\r\n\r\n");

    assert_has(answer, " 200 ");
}

/* A socket that a killed daemon left is taken over; a file that is no socket stays. */
static void
test_what_is_there_already(void)
{
    g_autofree char *directory = g_dir_make_tmp("kt-metrics-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "metrics", NULL);
    g_autofree char *address = g_strconcat("unix:", path, NULL);
    g_autoptr(GSocketAddress) old = g_unix_socket_address_new(path);
    g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(g_socket_bind(socket, old, TRUE, NULL));

    KtMetricsServer *server = kt_metrics_server_new(address, fill, NULL, &error);
    g_assert_no_error(error);
    kt_metrics_server_free(server);

    g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
    g_assert_null(kt_metrics_server_new(address, fill, NULL, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_autofree char *kept = NULL;
    g_assert_true(g_file_get_contents(path, &kept, NULL, NULL));
    g_assert_cmpstr(kept, ==, "mine");
    g_unlink(path);
    g_rmdir(directory);
}

static void
test_addresses(void)
{
    static const struct {
        const char *address, *why; /* NULL: it is taken */
    } cases[] = {
        {"127.0.0.1:0", "no address"},
        {"127.0.0.1", "no address"},
        {"localhost:9177", "no address"},
        {"127.0.0.1:99999", "no address"},
        {"::1:9177", "no address"},
        {"unix:relative", "no address"},
        {"", "no address"},
        {"0.0.0.0:9177", "can be reached from other hosts"},
        {"192.0.2.1:9177", "can be reached from other hosts"},
        {"[::]:9177", "can be reached from other hosts"},
        {"unix:/nonexistent/directory/metrics", "can't listen"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(kt_metrics_server_new(cases[i].address, fill, NULL, &error));
        assert_has(error->message, cases[i].why);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics-server/scrape", test_scrape);
    g_test_add_func("/metrics-server/open-metrics", test_open_metrics);
    g_test_add_func("/metrics-server/other-requests", test_other_requests);
    g_test_add_func("/metrics-server/silent-client", test_silent_client);
    g_test_add_func("/metrics-server/what-is-there-already", test_what_is_there_already);
    g_test_add_func("/metrics-server/addresses", test_addresses);
    return g_test_run();
}
