/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture.h"

#include <string.h>

#include "base/error.h"
#include "probes/capture_parts.h"
#include "probes/domain_parts.h"
#include "probes/hypervisor.h"
#include "probes/snapshot_parts.h"

void
kt_capture_set_error(const KtRoot *root, const char *path, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *shown = kt_root_describe(root, path);
    g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: %s", shown, message);
}

/* A field that is null is one that isn't there. */
static void
drop_nulls(json_t *json)
{
    gsize i;
    const char *key;
    json_t *value;
    void *next;
    json_array_foreach(json, i, value)
    {
        drop_nulls(value);
    }
    json_object_foreach_safe(json, next, key, value)
    {
        if (json_is_null(value))
            json_object_del(json, key);
        else
            drop_nulls(value);
    }
}

bool
kt_capture_read_json(const KtRoot *root, const char *path, KtJson **ret_object, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    if (!text) {
        *ret_object = NULL;
        return true;
    }
    json_error_t why;
    g_autoptr(KtJson) json = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json) {
        kt_capture_set_error(root, path, error, "%d:%d: %s", why.line, why.column, why.text);
        return false;
    }
    if (!json_is_object(json)) {
        kt_capture_set_error(root, path, error, "wanted an object");
        return false;
    }
    drop_nulls(json);
    *ret_object = g_steal_pointer(&json);
    return true;
}

static bool
fill_o_direct(KtSnapshot *snapshot, const KtRoot *root, json_t *directories, GError **error)
{
    const char *directory;
    json_t *takes;
    json_object_foreach(directories, directory, takes)
    {
        if (!json_is_boolean(takes)) {
            kt_capture_set_error(root, KT_CAPTURE_HOST, error, "o_direct: wanted true or false for %s",
                                 directory);
            return false;
        }
        g_hash_table_replace(snapshot->o_direct, g_strdup(directory), GINT_TO_POINTER(json_is_true(takes)));
    }
    return true;
}

static bool
fill_virtio_os(KtSnapshot *snapshot, const KtRoot *root, json_t *systems, GError **error)
{
    const char *id;
    json_t *evidence;
    json_object_foreach(systems, id, evidence)
    {
        if (!json_is_string(evidence)) {
            kt_capture_set_error(root, KT_CAPTURE_HOST, error, "virtio_os: wanted a text for %s", id);
            return false;
        }
        g_hash_table_replace(snapshot->virtio_os, g_strdup(id), g_strdup(json_string_value(evidence)));
    }
    return true;
}

static bool
read_host(KtSnapshot *snapshot, const KtRoot *root, GError **error)
{
    g_autoptr(KtJson) host = NULL;
    if (!kt_capture_read_json(root, KT_CAPTURE_HOST, &host, error))
        return false;
    if (!host)
        return true;
    const char *uri = NULL, *libvirt = NULL, *qemu = NULL, *no_io_uring = NULL;
    json_t *o_direct = NULL, *virtio_os = NULL, *images = NULL;
    int halt_poll_fixed = snapshot->kernel->halt_poll_fixed;
    json_int_t taken_usec = 0, page_kib = (json_int_t)snapshot->memory->page_kib;
    json_error_t why;
    if (json_unpack_ex(host, &why, 0, "{s?s, s?s, s?s, s?o, s?o, s?I, s?I, s?o, s?s, s?b}", "uri", &uri,
                       "libvirt", &libvirt, "qemu", &qemu, "o_direct", &o_direct, "virtio_os", &virtio_os,
                       "taken_usec", &taken_usec, "page_kib", &page_kib, "images", &images, "no_io_uring",
                       &no_io_uring, "halt_poll_fixed", &halt_poll_fixed)) {
        kt_capture_set_error(root, KT_CAPTURE_HOST, error, "%s", why.text);
        return false;
    }
    if ((o_direct && !json_is_object(o_direct)) || (virtio_os && !json_is_object(virtio_os)) ||
        (images && !json_is_object(images)) || page_kib <= 0 || page_kib > KT_CAPTURE_KIB_MAX) {
        kt_capture_set_error(root, KT_CAPTURE_HOST, error,
                             "wanted objects as o_direct, virtio_os and images, and a positive page_kib");
        return false;
    }
    snapshot->uri = g_strdup(uri);
    snapshot->libvirt = g_strdup(libvirt);
    snapshot->qemu = g_strdup(qemu);
    snapshot->no_io_uring = g_strdup(no_io_uring);
    snapshot->host_is_local = !uri || kt_hypervisor_is_local(uri);
    snapshot->taken_usec = taken_usec;
    snapshot->memory->page_kib = (guint64)page_kib;
    snapshot->kernel->halt_poll_fixed = halt_poll_fixed;
    return fill_o_direct(snapshot, root, o_direct, error) &&
           fill_virtio_os(snapshot, root, virtio_os, error) &&
           kt_capture_read_images(snapshot->images, root, images, error);
}

/* Of the files of one domain only LABEL.xml, or NULL for another name. A LABEL.inactive.xml belongs to
 * LABEL.xml, and is a domain of its own only where there is none. */
static char *
label_of(const char *file, char *const *files)
{
    if (!g_str_has_suffix(file, ".xml"))
        return NULL;
    g_autofree char *label = g_strndup(file, strlen(file) - strlen(".xml"));
    if (g_str_has_suffix(label, ".inactive")) {
        g_autofree char *running = g_strndup(label, strlen(label) - strlen(".inactive"));
        g_autofree char *owner = g_strconcat(running, ".xml", NULL);
        if (g_strv_contains((const char *const *)files, owner))
            return NULL;
    }
    return g_steal_pointer(&label);
}

static bool
add_domain(KtSnapshot *snapshot, const KtRoot *root, const char *label, GError **error)
{
    KtDomain *domain = kt_capture_read_domain(root, label, snapshot->topology, error);
    if (!domain)
        return false;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *other = g_ptr_array_index(snapshot->domains, i);
        if (!g_str_equal(other->name, domain->name))
            continue;
        g_autofree char *path = g_strdup_printf(KT_CAPTURE_DOMAINS "/%s.xml", label);
        kt_capture_set_error(root, path, error, "%s.xml holds a domain named '%s' too", other->label,
                             domain->name);
        kt_domain_free(domain);
        return false;
    }
    g_ptr_array_add(snapshot->domains, domain);
    return true;
}

static void
free_domain(gpointer domain)
{
    kt_domain_free(domain);
}

static bool
read_domains(KtSnapshot *snapshot, const KtRoot *root, GError **error)
{
    g_auto(GStrv) files = NULL;
    snapshot->domains = g_ptr_array_new_with_free_func(free_domain);
    if (!kt_root_list(root, KT_CAPTURE_DOMAINS, &files, error))
        return false;
    for (char **file = files; file && *file; file++) {
        g_autofree char *label = label_of(*file, files);
        if (label && !add_domain(snapshot, root, label, error))
            return false;
    }
    kt_domains_sort(snapshot->domains);
    return true;
}

KtSnapshot *
kt_capture_read(const char *directory, GError **error)
{
    g_autoptr(KtRoot) root = kt_root_open(directory, error);
    if (!root)
        return NULL;
    g_autoptr(KtSnapshot) snapshot = kt_snapshot_new();
    if (!kt_snapshot_fill_host(snapshot, root, error) || !read_host(snapshot, root, error) ||
        !read_domains(snapshot, root, error))
        return NULL;
    return g_steal_pointer(&snapshot);
}
