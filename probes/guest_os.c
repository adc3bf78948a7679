/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <osinfo/osinfo.h>
#include <string.h>

#include "probes/snapshot.h"

/* What the database calls virtio NICs: the transitional one, and the one of virtio 1.0. */
static const char *const virtio_nics[] = {"virtio-net", "virtio1.0-net", NULL};

/* The leak sanitizer's, in builds that have it. libosinfo 1.10 loses a few bytes for each device that an OS
 * lists. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void
process_default_path(OsinfoLoader *loader, GError **error)
{
    if (__lsan_disable)
        __lsan_disable();
    osinfo_loader_process_default_path(loader, error);
    if (__lsan_enable)
        __lsan_enable();
}

static OsinfoDb *
load_database(void)
{
    g_autoptr(OsinfoLoader) loader = osinfo_loader_new();
    g_autoptr(GError) error = NULL;
    process_default_path(loader, &error);
    if (error) {
        /* Without a database no OS is known to it. */
        g_debug("OS database: %s", error->message);
        return NULL;
    }
    return g_object_ref(osinfo_loader_get_db(loader));
}

/* The name of a virtio NIC among the devices that the OS has by itself, or NULL. A driver that the database
 * lists is one to be installed, and proves nothing. */
static char *
virtio_nic_of(OsinfoOs *os)
{
    g_autoptr(OsinfoDeviceList) devices = osinfo_os_get_all_devices(os, NULL);
    for (int i = 0; i < osinfo_list_get_length(OSINFO_LIST(devices)); i++) {
        OsinfoDevice *device = OSINFO_DEVICE(osinfo_list_get_nth(OSINFO_LIST(devices), i));
        const char *name = osinfo_device_get_name(device);
        if (name && g_strcmp0(osinfo_device_get_class(device), "net") == 0 &&
            g_strv_contains(virtio_nics, name))
            return g_strdup(name);
    }
    return NULL;
}

/* Reads "12", "24.04": the whole of @text must be numbers between dots. */
static bool
parse_version(const char *text, guint64 ret_parts[3])
{
    g_auto(GStrv) parts = g_strsplit(text, ".", 4);
    guint n = g_strv_length(parts);
    for (guint i = 0; i < 3; i++) {
        ret_parts[i] = 0;
        if (i < n && !g_ascii_string_to_unsigned(parts[i], 10, 0, G_MAXUINT32, &ret_parts[i], NULL))
            return false;
    }
    return n >= 1 && n <= 3;
}

static gint
compare_versions(const guint64 a[3], const guint64 b[3])
{
    for (guint i = 0; i < 3; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

/* The newest Linux of the database that is of @id's family ("http://debian.org/debian/" of ".../12") and
 * older than
 * @id: what an older one has by itself its successors have too, and never the other way round. Borrowed. */
static OsinfoOs *
newest_relative(OsinfoDb *database, const char *id)
{
    const char *slash = strrchr(id, '/');
    guint64 wanted[3];
    if (!slash || !parse_version(slash + 1, wanted))
        return NULL;
    g_autofree char *family = g_strndup(id, (gsize)(slash + 1 - id));
    g_autoptr(OsinfoOsList) all = osinfo_db_get_os_list(database);
    OsinfoOs *newest = NULL;
    guint64 greatest[3] = {0};
    for (int i = 0; i < osinfo_list_get_length(OSINFO_LIST(all)); i++) {
        OsinfoEntity *entity = osinfo_list_get_nth(OSINFO_LIST(all), i);
        const char *other = osinfo_entity_get_id(entity);
        guint64 version[3];
        if (!g_str_has_prefix(other, family) || !parse_version(other + strlen(family), version) ||
            compare_versions(version, wanted) >= 0 ||
            g_strcmp0(osinfo_os_get_family(OSINFO_OS(entity)), "linux") != 0)
            continue;
        if (!newest || compare_versions(version, greatest) > 0) {
            newest = OSINFO_OS(entity);
            memcpy(greatest, version, sizeof greatest);
        }
    }
    return newest;
}

/* What KtSnapshot.virtio_os says of @id; NULL where the database doesn't know it, nor a relative. */
static char *
evidence_for(OsinfoDb *database, const char *id)
{
    OsinfoOs *os = osinfo_db_get_os(database, id);
    OsinfoOs *asked = os ? os : newest_relative(database, id);
    if (!asked)
        return NULL;
    g_autofree char *nic = virtio_nic_of(asked);
    if (!nic)
        return g_strdup("");
    const char *name = osinfo_product_get_name(OSINFO_PRODUCT(asked));
    return g_strdup_printf("libosinfo lists %s for %s%s", nic,
                           name ? name : osinfo_entity_get_id(OSINFO_ENTITY(asked)),
                           os ? "" : ", the guest's newest relative that it knows");
}

void
kt_snapshot_ask_guest_os(KtSnapshot *snapshot, const GArray *domains)
{
    g_autoptr(OsinfoDb) database = NULL;
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(snapshot->domains, g_array_index(domains, guint, i));
        const char *id = kt_domain_os_id(domain);
        if (!id || g_hash_table_contains(snapshot->virtio_os, id))
            continue;
        if (!database && !(database = load_database()))
            return;
        char *evidence = evidence_for(database, id);
        if (evidence)
            g_hash_table_insert(snapshot->virtio_os, g_strdup(id), evidence);
    }
}
