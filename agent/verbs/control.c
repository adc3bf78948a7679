/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/control.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <stdbool.h>
#include <string.h>

#include "agent/exec/journal.h"
#include "agent/view/json.h"
#include "base/error.h"

#define SOCKET "control"
#define RUN_DIRECTORY "/run/kvm-tune"
#define PATIENCE_SECONDS 30
#define MOST_BYTES (16 * 1024 * 1024)

char *
kt_control_path(const char *state_directory)
{
    g_autofree char *path = g_canonicalize_filename(state_directory, NULL);
    return g_build_filename(g_str_equal(path, KT_STATE_DIRECTORY) ? RUN_DIRECTORY : path, SOCKET, NULL);
}

static void
translate(GError *from, GError **error)
{
    bool none = g_error_matches(from, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
                g_error_matches(from, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
    bool denied = g_error_matches(from, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
    if (none)
        g_set_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED,
                    "no kvm-tune daemon runs (systemctl start kvm-tune, or kvm-tune daemon PROFILE)");
    else
        g_set_error(error, KT_ERROR, denied ? KT_ERROR_ACCESS : KT_ERROR_IO, "the daemon can't be asked: %s",
                    from->message);
    g_error_free(from);
}

static GSocket *
open_socket(const char *path, GError **error)
{
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
    if (!socket)
        return NULL;
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_socket_set_timeout(socket, PATIENCE_SECONDS);
    return g_socket_connect(socket, address, NULL, error) ? g_steal_pointer(&socket) : NULL;
}

static bool
send_all(GSocket *socket, const char *text, gsize length, GError **error)
{
    while (length > 0) {
        gssize n = g_socket_send(socket, text, length, NULL, error);
        if (n < 0)
            return false;
        text += n;
        length -= (gsize)n;
    }
    return true;
}

/** What comes until the daemon closes. */
static GString *
receive_all(GSocket *socket, GError **error)
{
    GString *text = g_string_new(NULL);
    char part[4096];
    gssize n;
    while ((n = g_socket_receive(socket, part, sizeof part, NULL, error)) > 0 && text->len < MOST_BYTES)
        g_string_append_len(text, part, n);
    if (n == 0)
        return text;
    g_string_free(text, TRUE);
    return NULL;
}

static GString *
exchange(const char *path, const char *line, gsize length, GError **error)
{
    g_autoptr(GSocket) socket = open_socket(path, error);
    return socket && send_all(socket, line, length, error) ? receive_all(socket, error) : NULL;
}

json_t *
kt_control_ask(const char *state_directory, json_t *question, GError **error)
{
    g_autofree char *path = kt_control_path(state_directory);
    g_autofree char *line = kt_json_line(question);
    GError *failure = NULL;
    g_autoptr(GString) text = exchange(path, line, strlen(line), &failure);
    if (failure)
        translate(failure, error);
    if (!text)
        return NULL;
    json_error_t wrong;
    json_t *answer = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(answer)) {
        json_decref(answer);
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE,
                    "the daemon's answer isn't understood; is it of another version?");
        return NULL;
    }
    return answer;
}

bool
kt_control_has_governor(const char *state_directory)
{
    json_t *answer = kt_control_ask(state_directory, json_pack("{s:s}", "ask", "status"), NULL);
    bool has = answer && json_is_object(json_object_get(answer, "governor"));
    json_decref(answer);
    return has;
}
