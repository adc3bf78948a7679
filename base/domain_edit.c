/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml.h"

#include <string.h>

#include "base/domain_edit_places.h"

/* What libvirt 9.0 writes before an element or attribute (virDomainDefFormatInternal and its parts). */
#define BEFORE_PINS                                                                                          \
    "shares", "period", "quota", "global_period", "global_quota", "emulator_period", "emulator_quota",       \
        "iothread_period", "iothread_quota"

static const char *const before_vcpu_pin[] = {BEFORE_PINS, NULL};
static const char *const before_emulator_pin[] = {BEFORE_PINS, "vcpupin", NULL};
static const char *const before_iothread_pin[] = {BEFORE_PINS, "vcpupin", "emulatorpin", NULL};
#define BEFORE_NIC_MODEL                                                                                     \
    "mac", "source", "vlan", "virtualport", "bandwidth", "port", "ip", "route", "portForward", "script",     \
        "downscript", "backenddomain", "target", "guest"

static const char *const before_nic_model[] = {BEFORE_NIC_MODEL, NULL};
static const char *const before_nic_driver[] = {BEFORE_NIC_MODEL, "model", NULL};
static const char *const before_none[] = {NULL};
static const char *const before_cpuset[] = {"vcpu", "iothread", NULL};
static const char *const before_cache[] = {"name", "type", NULL};
static const char *const before_io[] = {"name", "type", "cache", "error_policy", "rerror_policy", NULL};
static const char *const before_discard[] = {"name",          "type", "cache",     "error_policy",
                                             "rerror_policy", "io",   "ioeventfd", "event_idx",
                                             "copy_on_read",  NULL};
static const char *const before_disk_iothread[] = {
    "name",      "type",      "cache",        "error_policy", "rerror_policy",    "io",
    "ioeventfd", "event_idx", "copy_on_read", "discard",      "discard_no_unref", NULL};
static const char *const before_queues[] = {"name", "txmode", "ioeventfd", "event_idx", NULL};

bool
kt_xml_complain(const xmlNode *domain, GError **error, KtErrorCode code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *name = kt_xml_raw_text(kt_xml_child(domain, "name"));
    g_set_error(error, KT_ERROR, code, "domain '%s': %s", name, message);
    return false;
}

void
kt_xml_remove_with_parent(xmlNode *node)
{
    xmlNode *parent = node->parent;
    kt_xml_remove(node);
    if (parent->properties == NULL && kt_xml_is_empty(parent))
        kt_xml_remove(parent);
}

bool
kt_xml_is_pin(KtXmlField field)
{
    return field == KT_XML_VCPU_PIN || field == KT_XML_EMULATOR_PIN || field == KT_XML_IOTHREAD_PIN;
}

static const KtXmlPlace places[] = {
    [KT_XML_MEMNODE] = {.prefix = "cell ", .get = kt_xml_get_memnode, .set = kt_xml_set_memnode},
    [KT_XML_VCPU_PIN] = {.prefix = "vcpu ",
                         .get = kt_xml_get_pin,
                         .set = kt_xml_set_pin,
                         .element = "vcpupin",
                         .attribute = "cpuset",
                         .before = before_vcpu_pin,
                         .before_attribute = before_cpuset,
                         .id_attribute = "vcpu",
                         .exists = kt_xml_has_vcpu},
    [KT_XML_EMULATOR_PIN] = {.prefix = "emulator",
                             .get = kt_xml_get_pin,
                             .set = kt_xml_set_pin,
                             .element = "emulatorpin",
                             .attribute = "cpuset",
                             .before = before_emulator_pin,
                             .before_attribute = before_cpuset},
    [KT_XML_IOTHREAD_PIN] = {.prefix = "iothread ",
                             .get = kt_xml_get_pin,
                             .set = kt_xml_set_pin,
                             .element = "iothreadpin",
                             .attribute = "cpuset",
                             .before = before_iothread_pin,
                             .before_attribute = before_cpuset,
                             .id_attribute = "iothread",
                             .exists = kt_xml_has_iothread},
    [KT_XML_DISK_CACHE] = {.prefix = "disk ",
                           .get = kt_xml_get_device,
                           .set = kt_xml_set_device,
                           .element = "driver",
                           .attribute = "cache",
                           .before = before_none,
                           .before_attribute = before_cache,
                           .device = "disk",
                           .name_of = kt_xml_disk_target},
    [KT_XML_NIC_MODEL] = {.prefix = "nic ",
                          .get = kt_xml_get_device,
                          .set = kt_xml_set_device,
                          .element = "model",
                          .attribute = "type",
                          .before = before_nic_model,
                          .before_attribute = before_none,
                          .device = "interface",
                          .name_of = kt_domain_xml_mac},
    [KT_XML_SHARES] = {.get = kt_xml_get_shares, .set = kt_xml_set_shares},
    [KT_XML_NUMATUNE] = {.get = kt_xml_get_numatune, .set = kt_xml_set_numatune},
    [KT_XML_HUGEPAGES] = {.get = kt_xml_get_hugepages, .set = kt_xml_set_hugepages},
    [KT_XML_NOSHAREPAGES] = {.get = kt_xml_get_nosharepages, .set = kt_xml_set_nosharepages},
    [KT_XML_DISK_IO] = {.prefix = "disk ",
                        .get = kt_xml_get_device,
                        .set = kt_xml_set_device,
                        .element = "driver",
                        .attribute = "io",
                        .before = before_none,
                        .before_attribute = before_io,
                        .device = "disk",
                        .name_of = kt_xml_disk_target},
    [KT_XML_DISK_DISCARD] = {.prefix = "disk ",
                             .get = kt_xml_get_device,
                             .set = kt_xml_set_device,
                             .element = "driver",
                             .attribute = "discard",
                             .before = before_none,
                             .before_attribute = before_discard,
                             .device = "disk",
                             .name_of = kt_xml_disk_target},
    [KT_XML_DISK_IOTHREAD] = {.prefix = "disk ",
                              .get = kt_xml_get_device,
                              .set = kt_xml_set_device,
                              .element = "driver",
                              .attribute = "iothread",
                              .before = before_none,
                              .before_attribute = before_disk_iothread,
                              .device = "disk",
                              .name_of = kt_xml_disk_target},
    [KT_XML_IOTHREADS] = {.get = kt_xml_get_iothreads, .set = kt_xml_set_iothreads},
    [KT_XML_NIC_QUEUES] = {.prefix = "nic ",
                           .get = kt_xml_get_device,
                           .set = kt_xml_set_device,
                           .element = "driver",
                           .attribute = "queues",
                           .before = before_nic_driver,
                           .before_attribute = before_queues,
                           .device = "interface",
                           .name_of = kt_domain_xml_mac},
};

/* The field, and the part of @item that names the one; NULL where they don't fit. */
static const KtXmlPlace *
find_field(KtXmlField field, const char *item, const char **ret_which, GError **error)
{
    if ((guint)field >= G_N_ELEMENTS(places) || places[field].get == NULL) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "there is no place %d in a domain's XML", (int)field);
        return NULL;
    }
    const KtXmlPlace *row = &places[field];
    bool fits = row->prefix == NULL ? item == NULL : item != NULL && g_str_has_prefix(item, row->prefix);
    if (!fits) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "wanted %s%s%s, found '%s'",
                    row->prefix != NULL ? "an item '" : "no item", row->prefix != NULL ? row->prefix : "",
                    row->prefix != NULL ? "…'" : "", item != NULL ? item : "");
        return NULL;
    }
    *ret_which = row->prefix != NULL ? item + strlen(row->prefix) : NULL;
    return row;
}

bool
kt_domain_xml_get(const char *xml, KtXmlField field, const char *item, char **ret_value, GError **error)
{
    const char *which = NULL;
    const KtXmlPlace *row = find_field(field, item, &which, error);
    if (row == NULL)
        return false;
    xmlNode *domain = NULL;
    g_autoptr(xmlDoc) doc = kt_domain_xml_open(xml, &domain, error);
    return doc != NULL && row->get(row, domain, which, ret_value, error);
}

char *
kt_domain_xml_edit(const char *xml, const KtXmlEdit *edits, guint n_edits, GError **error)
{
    xmlNode *domain = NULL;
    g_autoptr(xmlDoc) doc = kt_domain_xml_open(xml, &domain, error);
    if (doc == NULL)
        return NULL;
    for (guint i = 0; i < n_edits; i++) {
        const char *which = NULL;
        const KtXmlPlace *row = find_field(edits[i].field, edits[i].item, &which, error);
        if (row == NULL || !row->set(row, domain, which, edits[i].value, error))
            return NULL;
    }
    return kt_xml_format(doc, error);
}
