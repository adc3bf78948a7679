/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml.h"

#include <string.h>

#include "base/domain_xml_internal.h"
#include "base/error.h"

#define OSINFO_NAMESPACE "http://libosinfo.org/xmlns/libvirt/domain/1.0"

void
kt_memnode_def_free(KtMemnodeDef *memnode)
{
    g_free(memnode->mode);
    g_free(memnode->nodeset);
    g_free(memnode);
}

static void
page_def_free(KtPageDef *page)
{
    kt_cpuset_free(page->cells);
    g_free(page);
}

static KtDomainDef *
domain_def_new(void)
{
    KtDomainDef *def = g_new0(KtDomainDef, 1);
    def->vcpus_online = hwloc_bitmap_alloc();
    def->vcpu_pins = g_ptr_array_new_with_free_func((GDestroyNotify)kt_pin_def_free);
    def->iothread_pins = g_ptr_array_new_with_free_func((GDestroyNotify)kt_pin_def_free);
    def->cells = g_ptr_array_new_with_free_func((GDestroyNotify)kt_cell_def_free);
    def->memnodes = g_ptr_array_new_with_free_func((GDestroyNotify)kt_memnode_def_free);
    def->pages = g_ptr_array_new_with_free_func((GDestroyNotify)page_def_free);
    def->disks = g_ptr_array_new_with_free_func((GDestroyNotify)kt_disk_def_free);
    def->nics = g_ptr_array_new_with_free_func((GDestroyNotify)kt_nic_def_free);
    def->hostdevs = g_ptr_array_new_with_free_func((GDestroyNotify)kt_hostdev_def_free);
    def->ties = g_ptr_array_new_with_free_func((GDestroyNotify)kt_tie_def_free);
    return def;
}

static void
free_strings(KtDomainDef *def)
{
    g_free(def->type);
    g_free(def->name);
    g_free(def->uuid);
    g_free(def->title);
    g_free(def->arch);
    g_free(def->machine);
    g_free(def->os_id);
    g_free(def->vcpu_placement);
    g_free(def->numatune_mode);
    g_free(def->numatune_nodeset);
    g_free(def->memory_source);
    g_free(def->memory_access);
    g_free(def->memory_allocation);
}

void
kt_domain_def_free(KtDomainDef *def)
{
    if (def == NULL)
        return;
    free_strings(def);
    kt_cpuset_free(def->vcpus_online);
    kt_cpuset_free(def->iothread_ids);
    kt_cpuset_free(def->vcpu_cpuset);
    kt_cpuset_free(def->emulator_pin);
    g_ptr_array_unref(def->vcpu_pins);
    g_ptr_array_unref(def->iothread_pins);
    g_ptr_array_unref(def->cells);
    g_ptr_array_unref(def->memnodes);
    g_ptr_array_unref(def->pages);
    g_ptr_array_unref(def->disks);
    g_ptr_array_unref(def->nics);
    g_ptr_array_unref(def->hostdevs);
    g_ptr_array_unref(def->ties);
    g_free(def);
}

xmlDoc *
kt_domain_xml_open(const char *xml, xmlNode **ret_domain, GError **error)
{
    g_autoptr(xmlDoc) doc = kt_xml_parse(xml, KT_DOMAIN_XML_MAX, error);
    if (doc == NULL) {
        g_prefix_error(error, "domain XML: ");
        return NULL;
    }
    xmlNode *root = xmlDocGetRootElement(doc);
    if (!kt_xml_is_element(root, "domain")) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "domain XML: wanted a <domain>, found <%s>", root->name);
        return NULL;
    }
    g_autofree char *name = kt_xml_text(kt_xml_child(root, "name"));
    if (name == NULL) {
        g_set_error_literal(error, KT_ERROR, KT_ERROR_PARSE, "domain XML: it has no <name>");
        return NULL;
    }
    *ret_domain = root;
    return g_steal_pointer(&doc);
}

/* libvirt's scaled integers (virScaleInteger): "KiB", "k" and "K" are 1024 bytes, "KB" 1000; none means KiB.
 */
static bool
unit_bytes(const char *unit, guint64 *ret_bytes)
{
    static const char powers[] = "kmgtpe";
    if (unit == NULL)
        unit = "KiB";
    if (!g_ascii_strcasecmp(unit, "b") || !g_ascii_strcasecmp(unit, "byte") ||
        !g_ascii_strcasecmp(unit, "bytes")) {
        *ret_bytes = 1;
        return true;
    }
    const char *power = strchr(powers, g_ascii_tolower(unit[0]));
    bool decimal = !g_ascii_strcasecmp(unit + 1, "B");
    if (power == NULL || *power == '\0' ||
        !(decimal || unit[1] == '\0' || !g_ascii_strcasecmp(unit + 1, "iB")))
        return false;
    *ret_bytes = 1;
    for (const char *p = powers; p <= power; p++)
        *ret_bytes *= decimal ? 1000 : 1024;
    return true;
}

/* A size in KiB, rounded up as libvirt does; 0 where it can't be read or is beyond 2^64 bytes. */
static guint64
scaled_kib(const char *number, const char *unit)
{
    guint64 value = 0;
    guint64 scale = 0;
    guint64 bytes = 0;
    if (number == NULL || !g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT64, &value, NULL) ||
        !unit_bytes(unit, &scale) || !g_uint64_checked_mul(&bytes, value, scale))
        return 0;
    return bytes / 1024 + (bytes % 1024 != 0);
}

static guint64
text_kib(const xmlNode *node)
{
    g_autofree char *number = kt_xml_text(node);
    g_autofree char *unit = kt_xml_attr(node, "unit");
    return scaled_kib(number, unit);
}

guint64
kt_domain_xml_attr_kib(const xmlNode *node, const char *attribute)
{
    g_autofree char *number = kt_xml_attr(node, attribute);
    g_autofree char *unit = kt_xml_attr(node, "unit");
    return scaled_kib(number, unit);
}

/* libosinfo's mark of the guest's operating system, as virt-manager and virt-install leave it. */
static char *
read_os_id(const xmlNode *domain)
{
    const xmlNode *metadata = kt_xml_child(domain, "metadata");
    for (const xmlNode *group = metadata != NULL ? metadata->children : NULL; group != NULL;
         group = group->next) {
        if (group->type != XML_ELEMENT_NODE)
            continue;
        for (const xmlNode *os = group->children; os != NULL; os = os->next) {
            if (os->type != XML_ELEMENT_NODE || os->ns == NULL || !xmlStrEqual(os->name, BAD_CAST "os") ||
                !xmlStrEqual(os->ns->href, BAD_CAST OSINFO_NAMESPACE))
                continue;
            char *id = kt_xml_attr(os, "id");
            if (id != NULL)
                return id;
        }
    }
    return NULL;
}

static void
read_identity(KtDomainDef *def, const xmlNode *domain)
{
    def->type = kt_xml_attr(domain, "type");
    /* libvirt takes the name as it is, spaces around it too. */
    def->name = kt_xml_raw_text(kt_xml_child(domain, "name"));
    g_autofree char *uuid = kt_xml_text(kt_xml_child(domain, "uuid"));
    def->uuid = uuid != NULL ? g_ascii_strdown(uuid, -1) : NULL;
    def->title = kt_xml_text(kt_xml_child(domain, "title"));
    const xmlNode *type = kt_xml_child(kt_xml_child(domain, "os"), "type");
    def->arch = kt_xml_attr(type, "arch");
    def->machine = kt_xml_attr(type, "machine");
    def->os_id = read_os_id(domain);
}

static void
read_numatune(KtDomainDef *def, const xmlNode *domain)
{
    const xmlNode *memory = kt_xml_child(kt_xml_child(domain, "numatune"), "memory");
    def->numatune_mode = kt_xml_attr(memory, "mode");
    def->numatune_nodeset = kt_xml_attr(memory, "nodeset");
    g_autoptr(GPtrArray) nodes = kt_xml_grandchildren(domain, "numatune", "memnode");
    for (guint i = 0; i < nodes->len; i++) {
        guint cell = 0;
        if (!kt_xml_attr_number(nodes->pdata[i], "cellid", KT_DOMAIN_IDS_MAX - 1, &cell))
            continue;
        KtMemnodeDef *memnode = g_new0(KtMemnodeDef, 1);
        memnode->cell = cell;
        memnode->mode = kt_xml_attr(nodes->pdata[i], "mode");
        memnode->nodeset = kt_xml_attr(nodes->pdata[i], "nodeset");
        g_ptr_array_add(def->memnodes, memnode);
    }
}

static void
read_pages(KtDomainDef *def, const xmlNode *hugepages)
{
    for (const xmlNode *node = hugepages != NULL ? hugepages->children : NULL; node != NULL;
         node = node->next) {
        if (!kt_xml_is_element(node, "page"))
            continue;
        KtPageDef *page = g_new0(KtPageDef, 1);
        page->page_kib = kt_domain_xml_attr_kib(node, "size");
        page->cells = kt_domain_xml_cpuset(node, "nodeset");
        g_ptr_array_add(def->pages, page);
    }
    if (def->pages->len > 0)
        def->hugepage_kib = ((const KtPageDef *)def->pages->pdata[0])->page_kib;
}

static void
read_memory(KtDomainDef *def, const xmlNode *domain)
{
    def->memory_kib = text_kib(kt_xml_child(domain, "memory"));
    def->current_memory_kib = text_kib(kt_xml_child(domain, "currentMemory"));
    const xmlNode *backing = kt_xml_child(domain, "memoryBacking");
    const xmlNode *hugepages = kt_xml_child(backing, "hugepages");
    def->hugepages = hugepages != NULL;
    read_pages(def, hugepages);
    def->nosharepages = kt_xml_child(backing, "nosharepages") != NULL;
    def->locked = kt_xml_child(backing, "locked") != NULL;
    def->memory_source = kt_xml_attr(kt_xml_child(backing, "source"), "type");
    def->memory_access = kt_xml_attr(kt_xml_child(backing, "access"), "mode");
    def->memory_allocation = kt_xml_attr(kt_xml_child(backing, "allocation"), "mode");
}

/* What looks for one device among all must not take for ever. */
static bool
check_devices(const KtDomainDef *def, GError **error)
{
    const struct {
        const char *what;
        guint n;
    } devices[] = {
        {"disks", def->disks->len}, {"NICs", def->nics->len}, {"host devices", def->hostdevs->len}};
    for (guint i = 0; i < G_N_ELEMENTS(devices); i++) {
        if (devices[i].n <= KT_DOMAIN_DEVICES_MAX)
            continue;
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "domain XML: it has %u %s, at most %u are looked at",
                    devices[i].n, devices[i].what, KT_DOMAIN_DEVICES_MAX);
        return false;
    }
    return true;
}

KtDomainDef *
kt_domain_def_parse(const char *xml, GError **error)
{
    xmlNode *domain = NULL;
    g_autoptr(xmlDoc) doc = kt_domain_xml_open(xml, &domain, error);
    if (doc == NULL)
        return NULL;
    g_autoptr(KtDomainDef) def = domain_def_new();
    read_identity(def, domain);
    kt_domain_xml_read_cpus(def, domain);
    read_memory(def, domain);
    read_numatune(def, domain);
    kt_domain_xml_read_devices(def, domain);
    kt_domain_xml_read_ties(def, domain);
    return check_devices(def, error) ? g_steal_pointer(&def) : NULL;
}

const KtMemnodeDef *
kt_domain_def_find_memnode(const KtDomainDef *def, guint cell)
{
    for (guint i = 0; i < def->memnodes->len; i++) {
        const KtMemnodeDef *memnode = def->memnodes->pdata[i];
        if (memnode->cell == cell)
            return memnode;
    }
    return NULL;
}

const KtDiskDef *
kt_domain_def_find_disk(const KtDomainDef *def, const char *target)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const KtDiskDef *disk = def->disks->pdata[i];
        if (disk->target != NULL && g_strcmp0(disk->target, target) == 0)
            return disk;
    }
    return NULL;
}

const KtNicDef *
kt_domain_def_find_nic(const KtDomainDef *def, const char *mac)
{
    const KtNicDef *found = NULL;
    for (guint i = 0; mac != NULL && i < def->nics->len; i++) {
        const KtNicDef *nic = def->nics->pdata[i];
        if (nic->mac == NULL || g_ascii_strcasecmp(nic->mac, mac) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = nic;
    }
    return found;
}

static const KtPinDef *
find_pin(const GPtrArray *pins, guint id)
{
    for (guint i = 0; i < pins->len; i++) {
        const KtPinDef *pin = pins->pdata[i];
        if (pin->id == id)
            return pin;
    }
    return NULL;
}

const KtPinDef *
kt_domain_def_find_vcpu_pin(const KtDomainDef *def, guint vcpu)
{
    return find_pin(def->vcpu_pins, vcpu);
}

const KtPinDef *
kt_domain_def_find_iothread_pin(const KtDomainDef *def, guint iothread)
{
    return find_pin(def->iothread_pins, iothread);
}
