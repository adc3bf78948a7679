/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_plug.h"

#include "base/domain_xml_internal.h"
#include "base/error.h"

static xmlNode *
find_nic(xmlDoc *doc, const char *mac, GError **error)
{
    g_autoptr(GPtrArray) nics = kt_xml_grandchildren(xmlDocGetRootElement(doc), "devices", "interface");
    xmlNode *found = NULL;
    for (guint i = 0; i < nics->len; i++) {
        g_autofree char *address = kt_xml_attr(kt_xml_child(nics->pdata[i], "mac"), "address");
        if (address == NULL || g_ascii_strcasecmp(address, mac) != 0)
            continue;
        if (found != NULL) {
            g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "several NICs have the MAC %s", mac);
            return NULL;
        }
        found = nics->pdata[i];
    }
    if (found == NULL)
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "it has no NIC %s", mac);
    return found;
}

static char *
format_node(xmlNode *node)
{
    xmlBuffer *buffer = xmlBufferCreate();
    xmlNodeDump(buffer, node->doc, node, 0, 0);
    char *text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

char *
kt_domain_nic_xml(const char *xml, const char *mac, GError **error)
{
    g_autoptr(xmlDoc) doc = kt_xml_parse(xml, KT_DOMAIN_XML_MAX, error);
    xmlNode *nic = doc != NULL ? find_nic(doc, mac, error) : NULL;
    return nic != NULL ? format_node(nic) : NULL;
}

/* ---- where it may be plugged in ---- */

/* The model of the PCI controller with that number: "pci-root", "pcie-root-port"; NULL = none. Owned. */
static char *
controller_model(const xmlNode *domain, guint bus)
{
    g_autoptr(GPtrArray) controllers = kt_xml_grandchildren(domain, "devices", "controller");
    for (guint i = 0; i < controllers->len; i++) {
        g_autofree char *type = kt_xml_attr(controllers->pdata[i], "type");
        guint index;
        if (g_strcmp0(type, "pci") == 0 && kt_xml_attr_number(controllers->pdata[i], "index", 255, &index) &&
            index == bus)
            return kt_xml_attr(controllers->pdata[i], "model");
    }
    return NULL;
}

/* The number of the PCI bus of a device's address; false = it has none that can be read. */
static bool
bus_of(const xmlNode *device, guint *ret_bus)
{
    const xmlNode *address = kt_xml_child(device, "address");
    g_autofree char *type = kt_xml_attr(address, "type");
    g_autofree char *text = kt_xml_attr(address, "bus");
    guint64 bus;
    if (g_strcmp0(type, "pci") != 0 || text == NULL || !g_str_has_prefix(text, "0x") ||
        !g_ascii_string_to_unsigned(text + 2, 16, 0, 255, &bus, NULL))
        return false;
    *ret_bus = (guint)bus;
    return true;
}

/* Whether a virtio NIC can be plugged in at the address of @nic. */
static bool
takes_plug(const xmlNode *domain, const xmlNode *nic)
{
    guint bus;
    if (!bus_of(nic, &bus))
        return false;
    g_autofree char *model = controller_model(domain, bus);
    return g_strcmp0(model, "pci-root") == 0 || g_strcmp0(model, "pcie-root-port") == 0;
}

static bool
bus_is_used(const xmlNode *domain, guint bus)
{
    const xmlNode *devices = kt_xml_child(domain, "devices");
    guint used;
    for (const xmlNode *device = devices != NULL ? devices->children : NULL; device != NULL;
         device = device->next) {
        if (device->type == XML_ELEMENT_NODE && bus_of(device, &used) && used == bus)
            return true;
    }
    return false;
}

static bool
has_free_root_port(const xmlNode *domain)
{
    g_autoptr(GPtrArray) controllers = kt_xml_grandchildren(domain, "devices", "controller");
    for (guint i = 0; i < controllers->len; i++) {
        g_autofree char *model = kt_xml_attr(controllers->pdata[i], "model");
        guint index;
        if (g_strcmp0(model, "pcie-root-port") == 0 &&
            kt_xml_attr_number(controllers->pdata[i], "index", 255, &index) && !bus_is_used(domain, index))
            return true;
    }
    return false;
}

char *
kt_domain_nic_plug_obstacle(const char *xml, const char *mac)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(xmlDoc) doc = kt_xml_parse(xml, KT_DOMAIN_XML_MAX, &local);
    const xmlNode *domain = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    xmlNode *nic = doc != NULL ? find_nic(doc, mac, &local) : NULL;
    if (nic == NULL)
        return g_strdup(local->message);
    guint bus;
    const xmlNode *address = kt_xml_child(nic, "address");
    g_autofree char *kind = kt_xml_attr(address, "type");
    if (kind != NULL && !g_str_equal(kind, "pci"))
        return g_strdup_printf(
            "it isn't a PCI device but one at an address of type '%s': only PCI NICs are swapped "
            "while the guest runs",
            kind);
    g_autofree char *model = bus_of(nic, &bus) ? controller_model(domain, bus) : NULL;
    if (takes_plug(domain, nic))
        return NULL;
    if (g_strcmp0(model, "pcie-root") == 0)
        return g_strdup(
            "it sits on pcie-root itself, from where nothing can be unplugged while the guest runs");
    if (!has_free_root_port(domain))
        return g_strdup("no pcie-root-port is free to plug the new one in; add one (<controller type='pci' "
                        "model='pcie-root-port'/>), which takes a power cycle");
    return NULL;
}

/* ---- the NIC to plug in ---- */

static void
drop_child_where(xmlNode *nic, const char *name, const char *attribute, const char *prefix, bool with)
{
    xmlNode *child = kt_xml_child(nic, name);
    g_autofree char *value = kt_xml_attr(child, attribute);
    if (child != NULL && (value == NULL || g_str_has_prefix(value, prefix) == with))
        kt_xml_remove(child);
}

char *
kt_domain_nic_plug_xml(const char *xml, const char *mac, GError **error)
{
    g_autoptr(xmlDoc) doc = kt_xml_parse(xml, KT_DOMAIN_XML_MAX, error);
    xmlNode *nic = doc != NULL ? find_nic(doc, mac, error) : NULL;
    if (nic == NULL)
        return NULL;
    /* What an admin named stays: "ua-" is the prefix that libvirt leaves to them, "vnet" its own of taps. */
    drop_child_where(nic, "alias", "name", "ua-", false);
    drop_child_where(nic, "target", "dev", "vnet", true);
    xmlNode *address = kt_xml_child(nic, "address");
    if (address != NULL && !takes_plug(xmlDocGetRootElement(doc), nic))
        kt_xml_remove(address);
    return format_node(nic);
}
