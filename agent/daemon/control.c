/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/view/errors_json.h"
#include "agent/view/json.h"
#include "base/error.h"
#include "base/trust.h"

/** A question is a line no longer than this, and comes within this time. */
#define MOST_BYTES 4096
#define PATIENCE_SECONDS 10

struct KtControl {
    char *path;
    int lock;
    GSocketService *service; /* NULL: doesn't listen */
    KtControlAnswer answer;
    gpointer user_data;
};

/** Somebody who asks. */
typedef struct {
    const KtControl *control;
    GSocketConnection *connection;
    char question[MOST_BYTES];
    gsize length;
    char *answer;
} Asker;

static void
asker_free(Asker *asker)
{
    g_io_stream_close(G_IO_STREAM(asker->connection), NULL, NULL);
    g_object_unref(asker->connection);
    g_free(asker->answer);
    g_free(asker);
}

static void
on_written(GObject *stream, GAsyncResult *result, gpointer asker)
{
    /* Who asked and went away loses nothing that matters. */
    g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL, NULL);
    asker_free(asker);
}

static char *
answer_line(const KtControl *control, const char *text, gsize length)
{
    g_autoptr(json_t) question = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(question))
        return kt_json_line(kt_error_json("a question is a JSON object in one line"));
    return kt_json_line(control->answer(question, control->user_data));
}

static void
reply(Asker *asker)
{
    asker->answer = answer_line(asker->control, asker->question, asker->length);
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(asker->connection));
    g_output_stream_write_all_async(out, asker->answer, strlen(asker->answer), G_PRIORITY_DEFAULT, NULL,
                                    on_written, asker);
}

static void read_more(Asker *asker);

static void
on_read(GObject *stream, GAsyncResult *result, gpointer data)
{
    Asker *asker = data;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, NULL);
    if (n <= 0) {
        asker_free(asker);
        return;
    }
    asker->length += (gsize)n;
    if (memchr(asker->question, '\n', asker->length))
        reply(asker);
    else if (asker->length < MOST_BYTES)
        read_more(asker);
    else
        asker_free(asker);
}

static void
read_more(Asker *asker)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(asker->connection));
    g_input_stream_read_async(in, asker->question + asker->length, MOST_BYTES - asker->length,
                              G_PRIORITY_DEFAULT, NULL, on_read, asker);
}

/** The socket's mode keeps others out; who got it from somebody else is kept out here. */
static bool
may_ask(GSocket *socket)
{
    g_autoptr(GCredentials) credentials = g_socket_get_credentials(socket, NULL);
    uid_t user = credentials ? g_credentials_get_unix_user(credentials, NULL) : (uid_t)-1;
    return user == 0 || user == geteuid();
}

static gboolean
on_incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
    (void)service, (void)source;
    GSocket *socket = g_socket_connection_get_socket(connection);
    if (!may_ask(socket))
        return TRUE;
    g_socket_set_timeout(socket, PATIENCE_SECONDS);
    Asker *asker = g_new0(Asker, 1);
    asker->control = data;
    asker->connection = g_object_ref(connection);
    read_more(asker);
    return TRUE;
}

static bool
make_directory(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        kt_set_error_errno(error, errno, "%s: cannot be made", directory);
        return false;
    }
    return kt_trust_check(directory, error);
}

/** The lock tells a daemon that lives from one that left its socket. */
static bool
take_lock(KtControl *control, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s.lock", control->path);
    control->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (control->lock < 0) {
        kt_set_error_errno(error, errno, "%s: cannot be opened", path);
        return false;
    }
    if (flock(control->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        g_set_error(error, KT_ERROR, KT_ERROR_ACCESS, "%s: another kvm-tune daemon is at work",
                    control->path);
    else
        kt_set_error_errno(error, errno, "%s: cannot be locked", path);
    return false;
}

static bool
listen_there(KtControl *control, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(control->path);
    /* What a daemon has left that ended the hard way; nobody else's, as the lock says. */
    unlink(control->path);
    control->service = g_socket_service_new();
    if (g_socket_listener_add_address(G_SOCKET_LISTENER(control->service), address, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &failure)) {
        g_signal_connect(control->service, "incoming", G_CALLBACK(on_incoming), control);
        return true;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: cannot listen there: %s", control->path, failure->message);
    return false;
}

KtControl *
kt_control_new(const char *path, KtControlAnswer answer, gpointer user_data, GError **error)
{
    g_autoptr(KtControl) control = g_new0(KtControl, 1);
    control->path = g_strdup(path);
    control->lock = -1;
    control->answer = answer;
    control->user_data = user_data;
    if (!make_directory(path, error) || !take_lock(control, error) || !listen_there(control, error))
        return NULL;
    return g_steal_pointer(&control);
}

void
kt_control_free(KtControl *control)
{
    if (!control)
        return;
    if (control->service) {
        g_socket_service_stop(control->service);
        g_socket_listener_close(G_SOCKET_LISTENER(control->service));
        g_object_unref(control->service);
        unlink(control->path);
    }
    if (control->lock >= 0)
        close(control->lock);
    g_free(control->path);
    g_free(control);
}
