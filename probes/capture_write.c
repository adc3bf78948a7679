/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/output.h"
#include "base/xml_tree.h"
#include "probes/capture_parts.h"

/** Where a capture goes. */
typedef struct {
    const char *directory; /* for messages */
    const KtOutput *output;
    const KtSnapshot *snapshot;
    const KtRoot *root;
} Writer;

static bool
write_json(const Writer *writer, const char *path, const json_t *object, GError **error)
{
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_SORT_KEYS);
    g_autofree char *lines = g_strconcat(text, "\n", NULL);
    free(text);
    return kt_output_write(writer->output, path, lines, error);
}

static bool
write_topology(const Writer *writer, GError **error)
{
    char *xml;
    int length;
    if (hwloc_topology_export_xmlbuffer(writer->snapshot->topology->hwloc, &xml, &length, 0)) {
        kt_set_error_errno(error, errno, "%s/" KT_TOPOLOGY_FILE, writer->directory);
        return false;
    }
    bool written = kt_output_write(writer->output, KT_TOPOLOGY_FILE, xml, error);
    hwloc_free_xmlbuffer(writer->snapshot->topology->hwloc, xml);
    return written;
}

static bool
write_host_files(const Writer *writer, GError **error)
{
    g_autoptr(GHashTable) files = kt_capture_host_files(writer->snapshot, writer->root, error);
    if (!files)
        return false;
    GHashTableIter iter;
    gpointer path, text;
    g_hash_table_iter_init(&iter, files);
    while (g_hash_table_iter_next(&iter, &path, &text)) {
        g_autofree char *lines = g_strconcat(text, "\n", NULL);
        if (!kt_output_write(writer->output, path, lines, error))
            return false;
    }
    return true;
}

/* Sets a text; NULL sets nothing. */
static void
set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void
set_number(json_t *object, const char *key, gint64 number)
{
    if (number != KT_ABSENT)
        json_object_set_new(object, key, json_integer(number));
}

static void
set_list(json_t *object, const char *key, const KtCpuset *set)
{
    g_autofree char *list = set ? kt_cpuset_format(set) : NULL;
    set_text(object, key, list);
}

static bool
write_host(const Writer *writer, GError **error)
{
    const KtSnapshot *snapshot = writer->snapshot;
    g_autoptr(KtJson) host = json_object();
    set_text(host, "uri", snapshot->uri);
    set_text(host, "libvirt", snapshot->libvirt);
    set_text(host, "qemu", snapshot->qemu);
    set_number(host, "taken_usec", snapshot->taken_usec);
    set_number(host, "page_kib", (gint64)snapshot->memory->page_kib);
    json_t *o_direct = json_object(), *virtio_os = json_object();
    json_object_set_new(host, "o_direct", o_direct);
    json_object_set_new(host, "virtio_os", virtio_os);
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, snapshot->o_direct);
    while (g_hash_table_iter_next(&iter, &key, &value))
        json_object_set_new(o_direct, key, json_boolean(GPOINTER_TO_INT(value)));
    g_hash_table_iter_init(&iter, snapshot->virtio_os);
    while (g_hash_table_iter_next(&iter, &key, &value))
        set_text(virtio_os, key, value);
    if (g_hash_table_size(snapshot->images) > 0)
        json_object_set_new(host, "images", kt_capture_images_json(snapshot->images));
    set_text(host, "no_io_uring", snapshot->no_io_uring);
    /* A copy of the file doesn't tell who may write the original. */
    if (snapshot->kernel->halt_poll_fixed)
        json_object_set_new(host, "halt_poll_fixed", json_true());
    return write_json(writer, KT_CAPTURE_HOST, host, error);
}

static const char *
state_word(KtDomainState state)
{
    switch (state) {
    case KT_DOMAIN_SHUT_OFF:
        return "shut off";
    case KT_DOMAIN_RUNNING:
        return "running";
    case KT_DOMAIN_PAUSED:
        return "paused";
    case KT_DOMAIN_OTHER:
        return "other";
    }
    g_assert_not_reached();
}

static json_t *
vcpus_json(const KtDomain *domain)
{
    json_t *list = json_array();
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = g_ptr_array_index(domain->vcpus, i);
        json_t *entry = json_object();
        set_number(entry, "id", vcpu->id);
        json_object_set_new(entry, "online", json_boolean(vcpu->online));
        set_list(entry, "affinity", vcpu->affinity);
        set_number(entry, "time_ns", vcpu->time_ns);
        set_number(entry, "delay_ns", vcpu->delay_ns);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *
iothreads_json(const KtDomain *domain)
{
    json_t *list = json_array();
    for (guint i = 0; i < domain->iothreads->len; i++) {
        const KtIoThread *iothread = g_ptr_array_index(domain->iothreads, i);
        json_t *entry = json_object();
        set_number(entry, "id", iothread->id);
        set_list(entry, "affinity", iothread->affinity);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *
memory_json(const KtDomain *domain, const KtTopology *topology)
{
    json_t *nodes = json_object();
    for (guint i = 0; i < domain->n_memory; i++) {
        g_autofree char *os = g_strdup_printf("%u", topology->nodes[i].os);
        set_number(nodes, os, domain->memory_kib[i]);
    }
    return nodes;
}

/* A set of texts as a list. */
static json_t *
set_json(GHashTable *set)
{
    json_t *macs = json_array();
    g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(set), (GCompareFunc)g_strcmp0);
    for (const GList *mac = sorted; mac; mac = mac->next)
        json_array_append_new(macs, json_string(mac->data));
    return macs;
}

static json_t *
stats_json(const KtDomain *domain, const KtTopology *topology)
{
    json_t *stats = json_object();
    set_text(stats, "state", state_word(domain->state));
    json_object_set_new(stats, "autostart", json_boolean(domain->autostart));
    json_object_set_new(stats, "managed_save", json_boolean(domain->managed_save));
    if (domain->has_snapshots)
        json_object_set_new(stats, "snapshots", json_true());
    if (domain->has_checkpoints)
        json_object_set_new(stats, "checkpoints", json_true());
    if (!domain->active)
        return stats;
    set_number(stats, "pid", domain->pid);
    set_text(stats, "process", domain->process);
    set_number(stats, "age_ns", domain->age_ns);
    if (domain->recent_load > 0)
        json_object_set_new(stats, "recent_load", json_real(domain->recent_load));
    json_object_set_new(stats, "vcpus", vcpus_json(domain));
    json_t *emulator = json_object();
    set_list(emulator, "affinity", domain->emulator);
    json_object_set_new(stats, "emulator", emulator);
    json_object_set_new(stats, "iothreads", iothreads_json(domain));
    if (domain->memory_kib)
        json_object_set_new(stats, "memory_kib", memory_json(domain, topology));
    json_object_set_new(stats, "nic_traffic", set_json(domain->nic_traffic));
    if (g_hash_table_size(domain->block_jobs) > 0)
        json_object_set_new(stats, "block_jobs", set_json(domain->block_jobs));
    if (domain->unanswered)
        json_object_set_new(stats, "unanswered", json_true());
    set_text(stats, "agent_os", domain->agent_os);
    set_text(stats, "agent_virtio", domain->agent_virtio);
    return stats;
}

/* The definition without what libvirt shows only with VIR_DOMAIN_XML_SECURE: passwords of displays, and
 * cookies of disks that come over HTTP. One that has none stays as it is, byte for byte. */
static char *
without_secrets(const char *xml, GError **error)
{
    if (!strstr(xml, "passwd") && !strstr(xml, "<cookie"))
        return g_strdup(xml);
    g_autoptr(xmlDoc) doc = kt_xml_parse(xml, KT_DOMAIN_XML_MAX, error);
    if (!doc)
        return NULL;
    const xmlNode *domain = xmlDocGetRootElement(doc);
    g_autoptr(GPtrArray) displays = kt_xml_grandchildren(domain, "devices", "graphics");
    for (guint i = 0; i < displays->len; i++)
        xmlUnsetProp(g_ptr_array_index(displays, i), BAD_CAST "passwd");
    g_autoptr(GPtrArray) disks = kt_xml_grandchildren(domain, "devices", "disk");
    for (guint i = 0; i < disks->len; i++) {
        g_autoptr(GPtrArray) cookies = kt_xml_grandchildren(g_ptr_array_index(disks, i), "source", "cookies");
        for (guint j = 0; j < cookies->len; j++)
            kt_xml_remove(g_ptr_array_index(cookies, j));
    }
    return kt_xml_format(doc, error);
}

static bool
write_definition(const Writer *writer, const KtDomain *domain, const char *ending, const char *xml,
                 GError **error)
{
    g_autofree char *path = g_strconcat(KT_CAPTURE_DOMAINS "/", domain->label, ending, NULL);
    g_autofree char *shown = without_secrets(xml, error);
    return shown && kt_output_write(writer->output, path, shown, error);
}

static bool
write_domain(const Writer *writer, const KtDomain *domain, GError **error)
{
    const char *xml = domain->active ? domain->live_xml : domain->inactive_xml;
    g_autofree char *path = g_strconcat(KT_CAPTURE_DOMAINS "/", domain->label, ".stats.json", NULL);
    g_autoptr(KtJson) stats = stats_json(domain, writer->snapshot->topology);
    return write_definition(writer, domain, ".xml", xml, error) &&
           (!domain->active || !domain->inactive_xml ||
            write_definition(writer, domain, ".inactive.xml", domain->inactive_xml, error)) &&
           write_json(writer, path, stats, error);
}

bool
kt_capture_write(const KtSnapshot *snapshot, const KtRoot *root, const char *directory, GError **error)
{
    g_autoptr(KtOutput) output = kt_output_open(directory, error);
    const Writer writer = {.directory = directory, .output = output, .snapshot = snapshot, .root = root};
    /* Another capture's domains would be taken for this one's. */
    if (!output || !kt_output_check_empty(output, error) || !write_topology(&writer, error) ||
        !write_host_files(&writer, error) || !write_host(&writer, error))
        return false;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        if (!write_domain(&writer, g_ptr_array_index(snapshot->domains, i), error))
            return false;
    }
    return true;
}
