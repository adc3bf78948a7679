/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/cpuset.h"
#include "tests/unit/fake_root.h"

/**
 * The other end of a real D-Bus conversation: takes SetUnitProperties(AllowedCPUs) as systemd does, with the
 * drop-in file and the group's file in a fake host. As with systemd, a group's file stays as it is when
 * nothing is set any more.
 */
typedef struct {
    FakeHost *host;
    char *socket;
    int listening;
    GThread *thread;
    gint deaf;           /* atomic: SetUnitProperties has no effect */
    gint refusing;       /* atomic: SetUnitProperties is an error */
    GMutex lock;         /* of what follows */
    GString *calls;      /* "system.slice runtime 0-1;" for each call */
    GHashTable *allowed; /* unit → CPU list */
} FakeSystemd;

static inline char *
fake_systemd_list(const void *bytes, size_t n)
{
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (size_t i = 0; i < n * 8; i++)
        if (((const guint8 *)bytes)[i / 8] & 1u << i % 8)
            hwloc_bitmap_set(cpus, (unsigned)i);
    char *list = kt_cpuset_format(cpus);
    kt_cpuset_free(cpus);
    return list;
}

static inline void
fake_systemd_take(FakeSystemd *fake, const char *unit, bool runtime, const char *list)
{
    g_mutex_lock(&fake->lock);
    g_string_append_printf(fake->calls, "%s %s '%s';", unit, runtime ? "runtime" : "persistent", list);
    if (!g_atomic_int_get(&fake->deaf)) {
        g_autofree char *drop_in = g_strdup_printf("%s/systemd/system.control/%s.d/50-AllowedCPUs.conf",
                                                   runtime ? "run" : "etc", unit);
        g_autofree char *file = g_strdup_printf("sys/fs/cgroup/%s/cpuset.cpus", unit);
        g_autofree char *text = g_strdup_printf("AllowedCPUs=%s\n", list);
        fake_host_write(fake->host, drop_in, text);
        if (*list)
            fake_host_write(fake->host, file, list);
        g_hash_table_insert(fake->allowed, g_strdup(unit), g_strdup(list));
    }
    g_mutex_unlock(&fake->lock);
}

static inline int
fake_systemd_set(sd_bus_message *message, void *data, sd_bus_error *error)
{
    FakeSystemd *fake = data;
    const char *unit, *name;
    const void *bytes;
    size_t n;
    int runtime;
    g_assert_cmpint(sd_bus_message_read(message, "sb", &unit, &runtime), >, 0);
    g_assert_cmpint(sd_bus_message_enter_container(message, 'a', "(sv)"), >, 0);
    g_assert_cmpint(sd_bus_message_enter_container(message, 'r', "sv"), >, 0);
    g_assert_cmpint(sd_bus_message_read(message, "s", &name), >, 0);
    g_assert_cmpstr(name, ==, "AllowedCPUs");
    g_assert_cmpint(sd_bus_message_enter_container(message, 'v', "ay"), >, 0);
    g_assert_cmpint(sd_bus_message_read_array(message, 'y', &bytes, &n), >=, 0);
    if (g_atomic_int_get(&fake->refusing))
        return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit is not here.");
    g_autofree char *list = fake_systemd_list(bytes, n);
    fake_systemd_take(fake, unit, runtime, list);
    return sd_bus_reply_method_return(message, "");
}

static inline int
fake_systemd_hello(sd_bus_message *message, void *data, sd_bus_error *error)
{
    (void)data, (void)error;
    return sd_bus_reply_method_return(message, "s", ":1.7");
}

static inline int
fake_systemd_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                 sd_bus_message *reply, void *data, sd_bus_error *error)
{
    FakeSystemd *fake = data;
    char *unit = NULL;
    guint8 bytes[8] = {0};
    (void)bus, (void)interface, (void)property, (void)error;
    g_assert_cmpint(sd_bus_path_decode(path, "/org/freedesktop/systemd1/unit", &unit), >, 0);
    g_mutex_lock(&fake->lock);
    const char *list = g_hash_table_lookup(fake->allowed, unit);
    KtCpuset *cpus = kt_cpuset_parse(list ? list : "", false, NULL);
    g_mutex_unlock(&fake->lock);
    for (unsigned i = 0; i < 64; i++)
        bytes[i / 8] |= hwloc_bitmap_isset(cpus, i) ? 1u << i % 8 : 0;
    bool is_set = !hwloc_bitmap_iszero(cpus);
    kt_cpuset_free(cpus);
    free(unit);
    return sd_bus_message_append_array(reply, 'y', bytes, is_set ? sizeof bytes : 0);
}

static const sd_bus_vtable fake_systemd_bus[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Hello", "", "s", fake_systemd_hello, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fake_systemd_manager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("SetUnitProperties", "sba(sv)", "", fake_systemd_set, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fake_systemd_slice[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("AllowedCPUs", "ay", fake_systemd_get, 0, 0),
    SD_BUS_VTABLE_END,
};

static inline void
fake_systemd_serve(FakeSystemd *fake, int fd)
{
    sd_bus *bus = NULL;
    sd_id128_t id = SD_ID128_MAKE(0b, 3a, 70, 95, 4b, c2, 4c, 1e, 8a, b1, 0d, 9f, 55, 21, 6e, 07);
    g_assert_cmpint(sd_bus_new(&bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(bus, fd, fd), >=, 0);
    g_assert_cmpint(sd_bus_set_server(bus, 1, id), >=, 0);
    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/DBus", "org.freedesktop.DBus", fake_systemd_bus,
                             fake);
    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                             fake_systemd_manager, fake);
    sd_bus_add_fallback_vtable(bus, NULL, "/org/freedesktop/systemd1/unit", "org.freedesktop.systemd1.Slice",
                               fake_systemd_slice, NULL, fake);
    g_assert_cmpint(sd_bus_start(bus), >=, 0);
    for (int result = 0; result >= 0;) {
        result = sd_bus_process(bus, NULL);
        if (result == 0)
            result = sd_bus_wait(bus, UINT64_MAX);
    }
    sd_bus_flush_close_unref(bus);
}

static inline gpointer
fake_systemd_run(gpointer data)
{
    FakeSystemd *fake = data;
    for (int fd; (fd = accept(fake->listening, NULL, NULL)) >= 0;)
        fake_systemd_serve(fake, fd);
    return NULL;
}

/** To be called before anything has a thread: from then on a FakeSystemd is this process's system bus. Gives
 * the directory with its socket, to be removed at the end. Owned. */
static inline char *
fake_systemd_prepare(void)
{
    char *directory = g_dir_make_tmp("kt-bus-XXXXXX", NULL);
    g_autofree char *address = g_strdup_printf("unix:path=%s/bus", directory);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    return directory;
}

static inline FakeSystemd *
fake_systemd_new(FakeHost *host)
{
    FakeSystemd *fake = g_new0(FakeSystemd, 1);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    fake->socket = g_strdup(g_getenv("DBUS_SYSTEM_BUS_ADDRESS") + strlen("unix:path="));
    g_strlcpy(name.sun_path, fake->socket, sizeof name.sun_path);
    fake->host = host;
    fake->calls = g_string_new(NULL);
    fake->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    fake->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fake->listening, (struct sockaddr *)&name, sizeof name), ==, 0);
    g_assert_cmpint(listen(fake->listening, 4), ==, 0);
    fake->thread = g_thread_new("systemd", fake_systemd_run, fake);
    return fake;
}

static inline void
fake_systemd_free(FakeSystemd *fake)
{
    shutdown(fake->listening, SHUT_RDWR);
    g_thread_join(fake->thread);
    close(fake->listening);
    g_assert_cmpint(unlink(fake->socket), ==, 0);
    g_string_free(fake->calls, TRUE);
    g_hash_table_unref(fake->allowed);
    g_free(fake->socket);
    g_free(fake);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeSystemd, fake_systemd_free)
