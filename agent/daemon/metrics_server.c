/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/metrics.h"
#include "base/error.h"

#define PATH "/metrics"
#define UNIX_PREFIX "unix:"
#define SOCKET_MODE 0660
#define MOST_CONNECTIONS 16
#define PATIENCE_SECONDS 10
#define CONNECTION_BYTES (32 * 1024)

struct KtMetricsServer {
    struct MHD_Daemon *http;
    KtMetricsFill fill;
    gpointer user_data;
    char *socket_path;       /* NULL: it listens on an address */
    guint readable, timeout; /* sources, 0 = none */
};

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, const char *type, char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        g_free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result
answer_figures(const KtMetricsServer *server, struct MHD_Connection *connection)
{
    const char *accepted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    bool open = accepted && strstr(accepted, "application/openmetrics-text");
    KtMetrics metrics = {0};
    server->fill(&metrics, server->user_data);
    return answer(connection, MHD_HTTP_OK,
                  open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8",
                  kt_metrics_text(&metrics, open ? KT_METRICS_OPEN : KT_METRICS_PROMETHEUS));
}

static enum MHD_Result
on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *upload, size_t *upload_size, void **request)
{
    (void)version, (void)upload, (void)request;
    /* A body is of no use here: what comes of it is passed over. */
    *upload_size = 0;
    if (!g_str_equal(method, MHD_HTTP_METHOD_GET) && !g_str_equal(method, MHD_HTTP_METHOD_HEAD))
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", g_strdup("only GET\n"));
    if (!g_str_equal(url, PATH))
        return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", g_strdup("see " PATH "\n"));
    return answer_figures(data, connection);
}

static gboolean on_timeout(gpointer data);

static void
run_http(KtMetricsServer *server)
{
    MHD_UNSIGNED_LONG_LONG msec;
    MHD_run(server->http);
    g_clear_handle_id(&server->timeout, g_source_remove);
    if (MHD_get_timeout(server->http, &msec) == MHD_YES)
        server->timeout = g_timeout_add((guint)MIN(msec + 1, G_MAXINT), on_timeout, server);
}

static gboolean
on_timeout(gpointer data)
{
    KtMetricsServer *server = data;
    server->timeout = 0;
    run_http(server);
    return G_SOURCE_REMOVE;
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    (void)fd, (void)condition;
    run_http(data);
    return G_SOURCE_CONTINUE;
}

/* "127.0.0.1:9177", "[::1]:9177"; NULL where it is no such address. */
static GSocketAddress *
parse_inet(const char *text)
{
    guint64 port;
    const char *colon = strrchr(text, ':');
    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
        return NULL;
    g_autofree char *host = g_strndup(text, (gsize)(colon - text));
    gsize length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        return g_inet_socket_address_new_from_string(host + 1, (guint)port);
    }
    return strchr(host, ':') ? NULL : g_inet_socket_address_new_from_string(host, (guint)port);
}

static bool
is_own(GSocketAddress *address)
{
    return !G_IS_INET_SOCKET_ADDRESS(address) ||
           g_inet_address_get_is_loopback(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

static GSocketAddress *
parse_address(const char *text, GError **error)
{
    bool is_path = g_str_has_prefix(text, UNIX_PREFIX "/");
    g_autoptr(GSocketAddress) address =
        is_path ? g_unix_socket_address_new(text + strlen(UNIX_PREFIX)) : parse_inet(text);
    if (!address)
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                    "metrics: '%s' is no address: 127.0.0.1:9177, [::1]:9177 or unix:/run/kvm-tune/metrics",
                    text);
    else if (!is_own(address))
        g_set_error(
            error, KT_ERROR, KT_ERROR_INVALID,
            "metrics: %s can be reached from other hosts: it must be of this host alone (127.0.0.1, [::1], "
            "unix:/path); encryption and passwords are a proxy's",
            text);
    else
        return g_steal_pointer(&address);
    return NULL;
}

/* A socket that a former daemon left is none; anything else stays. */
static void
remove_old_socket(const char *path)
{
    struct stat about;
    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode))
        unlink(path);
}

/* The socket's descriptor; -1 on error. */
static int
listen_at(GSocketAddress *address, const char *socket_path, GError **error)
{
    g_autoptr(GSocket) socket = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_DEFAULT, error);
    if (socket_path)
        remove_old_socket(socket_path);
    if (!socket || !g_socket_bind(socket, address, TRUE, error) || !g_socket_listen(socket, error))
        return -1;
    if (socket_path && chmod(socket_path, SOCKET_MODE) != 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "mode: %s", g_strerror(errno));
        return -1;
    }
    g_socket_set_blocking(socket, FALSE);
    return dup(g_socket_get_fd(socket));
}

static bool
start_http(KtMetricsServer *server, int fd)
{
    server->http =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE_SECONDS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        server->http ? MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return false;
    server->readable = g_unix_fd_add(info->epoll_fd, G_IO_IN, on_readable, server);
    return true;
}

KtMetricsServer *
kt_metrics_server_new(const char *address, KtMetricsFill fill, gpointer user_data, GError **error)
{
    g_autoptr(GSocketAddress) parsed = parse_address(address, error);
    g_autoptr(GError) failure = NULL;
    if (!parsed)
        return NULL;
    g_autoptr(KtMetricsServer) server = g_new0(KtMetricsServer, 1);
    server->fill = fill;
    server->user_data = user_data;
    const char *path = G_IS_UNIX_SOCKET_ADDRESS(parsed) ? address + strlen(UNIX_PREFIX) : NULL;
    int fd = listen_at(parsed, path, &failure);
    if (fd >= 0)
        server->socket_path = g_strdup(path);
    if (fd >= 0 && start_http(server, fd))
        return g_steal_pointer(&server);
    if (fd >= 0 && !server->http)
        close(fd);
    g_set_error(error, KT_ERROR,
                g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) ? KT_ERROR_ACCESS
                                                                                   : KT_ERROR_IO,
                "metrics: can't listen at %s: %s", address, failure ? failure->message : "no HTTP server");
    return NULL;
}

void
kt_metrics_server_free(KtMetricsServer *server)
{
    if (!server)
        return;
    g_clear_handle_id(&server->readable, g_source_remove);
    g_clear_handle_id(&server->timeout, g_source_remove);
    if (server->http)
        MHD_stop_daemon(server->http);
    if (server->socket_path)
        unlink(server->socket_path);
    g_free(server->socket_path);
    g_free(server);
}
