/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/systemd_unit.h"

#include <stdlib.h>

#include "base/error.h"

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PATH MANAGER_PATH "/unit"
#define ALLOWED_CPUS "AllowedCPUs"

sd_bus *
kt_systemd_bus(GError **error)
{
    sd_bus *bus = NULL;
    int result = sd_bus_open_system(&bus);
    if (result < 0)
        kt_set_error_errno(error, -result, "the system's D-Bus");
    return bus;
}

/** What the other side said, else the errno. */
static void
set_bus_error(GError **error, const char *unit, int result, const sd_bus_error *said)
{
    if (said->message)
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "systemd, " ALLOWED_CPUS " of %s: %s", unit, said->message);
    else
        kt_set_error_errno(error, -result, "systemd, " ALLOWED_CPUS " of %s", unit);
}

/** systemd's form of a set: bit N % 8 of byte N / 8 is CPU N. */
static GByteArray *
to_bytes(const KtCpuset *cpus)
{
    GByteArray *bytes = g_byte_array_new();
    int last = hwloc_bitmap_last(cpus);
    g_byte_array_set_size(bytes, last < 0 ? 0 : (guint)last / 8 + 1);
    for (guint i = 0; i < bytes->len; i++) {
        bytes->data[i] = 0;
        for (guint bit = 0; bit < 8; bit++)
            bytes->data[i] |= hwloc_bitmap_isset(cpus, i * 8 + bit) ? 1u << bit : 0;
    }
    return bytes;
}

static KtCpuset *
from_bytes(const guint8 *bytes, gsize n)
{
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (gsize i = 0; i < n * 8 && i < KT_CPUSET_MAX; i++)
        if (bytes[i / 8] & 1u << i % 8)
            hwloc_bitmap_set(cpus, (unsigned)i);
    return cpus;
}

bool
kt_systemd_unit_cpus(sd_bus *bus, const char *unit, KtCpuset **ret_cpus, GError **error)
{
    g_auto(sd_bus_error) said = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    char *path = NULL;
    const void *bytes = NULL;
    size_t n = 0;
    const char *interface = g_str_has_suffix(unit, ".scope") ? SYSTEMD ".Scope" : SYSTEMD ".Slice";

    int result = sd_bus_path_encode(UNIT_PATH, unit, &path);
    if (result >= 0)
        result = sd_bus_get_property(bus, SYSTEMD, path, interface, ALLOWED_CPUS, &said, &reply, "ay");
    if (result >= 0)
        result = sd_bus_message_read_array(reply, 'y', &bytes, &n);
    free(path);
    if (result < 0) {
        set_bus_error(error, unit, result, &said);
        return false;
    }
    *ret_cpus = from_bytes(bytes, n);
    return true;
}

/** One entry of the list of properties, a (sv) with an ay in it. */
static int
append_cpus(sd_bus_message *message, const KtCpuset *cpus)
{
    g_autoptr(GByteArray) bytes = to_bytes(cpus);
    int result = sd_bus_message_open_container(message, 'r', "sv");
    if (result >= 0)
        result = sd_bus_message_append(message, "s", ALLOWED_CPUS);
    if (result >= 0)
        result = sd_bus_message_open_container(message, 'v', "ay");
    if (result >= 0)
        result = sd_bus_message_append_array(message, 'y', bytes->data, bytes->len);
    if (result >= 0)
        result = sd_bus_message_close_container(message);
    return result >= 0 ? sd_bus_message_close_container(message) : result;
}

int
kt_systemd_unit_message(sd_bus *bus, const char *unit, const KtCpuset *cpus, bool runtime,
                        sd_bus_message **ret_message)
{
    g_autoptr(sd_bus_message) message = NULL;
    int result = sd_bus_message_new_method_call(bus, &message, SYSTEMD, MANAGER_PATH, SYSTEMD ".Manager",
                                                "SetUnitProperties");
    if (result >= 0)
        result = sd_bus_message_append(message, "sb", unit, (int)runtime);
    if (result >= 0)
        result = sd_bus_message_open_container(message, 'a', "(sv)");
    if (result >= 0)
        result = append_cpus(message, cpus);
    if (result >= 0)
        result = sd_bus_message_close_container(message);
    if (result >= 0)
        *ret_message = g_steal_pointer(&message);
    return result;
}

bool
kt_systemd_unit_set_cpus(sd_bus *bus, const char *unit, const KtCpuset *cpus, bool runtime, GError **error)
{
    g_auto(sd_bus_error) said = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) message = NULL;
    int result = kt_systemd_unit_message(bus, unit, cpus, runtime, &message);
    if (result >= 0)
        result = sd_bus_call(bus, message, 0, &said, NULL);
    if (result < 0)
        set_bus_error(error, unit, result, &said);
    return result >= 0;
}

char *
kt_systemd_unit_drop_in(const char *unit, bool runtime)
{
    return g_strdup_printf("%s/systemd/system.control/%s.d/50-" ALLOWED_CPUS ".conf", runtime ? "run" : "etc",
                           unit);
}
