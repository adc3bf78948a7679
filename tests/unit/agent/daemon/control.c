/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/control.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "agent/verbs/control.h"
#include "agent/view/json.h"
#include "base/error.h"
#include "tests/unit/fake_root.h"

/** A daemon's side and a client's, in one process: the client has a thread. */
typedef struct {
    FakeHost *host;
    char *path;
    KtControl *control;
    guint asked;
} Room;

static json_t *
answer(const json_t *question, gpointer data)
{
    Room *room = data;
    room->asked++;
    return json_pack("{s:i,s:O}", "version", 1, "heard", json_object_get(question, "ask"));
}

static Room *
room_new(void)
{
    g_autoptr(GError) error = NULL;
    Room *room = g_new0(Room, 1);
    room->host = fake_host_new((FakeFile[]){{NULL, NULL}});
    room->path = kt_control_path(room->host->directory);
    room->control = kt_control_new(room->path, answer, room, &error);
    g_assert_no_error(error);
    return room;
}

static void
room_free(Room *room)
{
    kt_control_free(room->control);
    fake_host_free(room->host);
    g_free(room->path);
    g_free(room);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Room, room_free)

typedef struct {
    const char *directory;
    GMainLoop *loop;
    json_t *heard;
    GError *error;
} Client;

static gboolean
quit(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static gpointer
ask(gpointer data)
{
    Client *client = data;
    client->heard = kt_control_ask(client->directory, json_pack("{s:s}", "ask", "status"), &client->error);
    g_idle_add(quit, client->loop);
    return NULL;
}

static void
test_asked(void)
{
    g_autoptr(Room) room = room_new();
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Client client = {.directory = room->host->directory, .loop = loop};
    GThread *thread = g_thread_new("client", ask, &client);
    g_main_loop_run(loop);
    g_thread_join(thread);
    g_assert_no_error(client.error);
    g_assert_cmpstr(json_string_value(json_object_get(client.heard, "heard")), ==, "status");
    g_assert_cmpuint(room->asked, ==, 1);
    json_decref(client.heard);
}

/** Sends bytes that are no question; what comes back, or NULL. */
static gpointer
send_noise(gpointer data)
{
    Client *client = data;
    g_autofree char *path = kt_control_path(client->directory);
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_assert_true(g_socket_connect(socket, address, NULL, NULL));
    char back[256] = "";
    g_socket_send(socket, "[1, 2\n", 6, NULL, NULL);
    g_socket_receive(socket, back, sizeof back - 1, NULL, NULL);
    g_idle_add(quit, client->loop);
    return g_strdup(back);
}

static void
test_no_question(void)
{
    g_autoptr(Room) room = room_new();
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Client client = {.directory = room->host->directory, .loop = loop};
    GThread *thread = g_thread_new("client", send_noise, &client);
    g_main_loop_run(loop);
    g_autofree char *back = g_thread_join(thread);
    g_assert_nonnull(strstr(back, "\"errors\""));
    g_assert_cmpuint(room->asked, ==, 0);
}

static void
test_one_daemon_alone(void)
{
    g_autoptr(Room) room = room_new();
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_control_new(room->path, answer, room, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_ACCESS);

    /* the socket of one that was killed is no obstacle */
    g_clear_pointer(&room->control, kt_control_free);
    g_assert_true(g_file_set_contents(room->path, "", 0, NULL));
    room->control = kt_control_new(room->path, answer, room, NULL);
    g_assert_nonnull(room->control);
}

static void
test_no_daemon(void)
{
    g_autoptr(Room) room = room_new();
    g_clear_pointer(&room->control, kt_control_free);
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_control_ask(room->host->directory, json_object(), &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/control/asked", test_asked);
    g_test_add_func("/control/no-question", test_no_question);
    g_test_add_func("/control/one-daemon-alone", test_one_daemon_alone);
    g_test_add_func("/control/no-daemon", test_no_daemon);
    return g_test_run();
}
