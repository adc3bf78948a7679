/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml_internal.h"

#define AGENT_CHANNEL "org.qemu.guest_agent.0"

void
kt_disk_def_free(KtDiskDef *disk)
{
    g_free(disk->target);
    g_free(disk->bus);
    g_free(disk->device);
    g_free(disk->type);
    g_free(disk->source);
    g_free(disk->driver);
    g_free(disk->format);
    g_free(disk->cache);
    g_free(disk->io);
    g_free(disk->discard);
    g_free(disk->alias);
    g_free(disk->address_type);
    g_free(disk);
}

void
kt_nic_def_free(KtNicDef *nic)
{
    g_free(nic->mac);
    g_free(nic->type);
    g_free(nic->source);
    g_free(nic->model);
    g_free(nic->target);
    g_free(nic->alias);
    g_free(nic);
}

void
kt_hostdev_def_free(KtHostdevDef *hostdev)
{
    g_free(hostdev->address);
    g_free(hostdev);
}

/* The first of these attributes (NULL-terminated) that is there, or NULL. Owned. */
static char *
first_attr(const xmlNode *node, const char *const *names)
{
    for (; *names != NULL; names++) {
        char *value = kt_xml_attr(node, *names);
        if (value != NULL)
            return value;
    }
    return NULL;
}

/* libvirt writes an empty element where the chain ends; one with a source, or none at all, says otherwise. */
static bool
ends_chain(const xmlNode *backing)
{
    return backing != NULL && kt_xml_child(backing, "source") == NULL &&
           kt_xml_child(backing, "format") == NULL;
}

static KtDiskDef *
read_disk(const xmlNode *node)
{
    static const char *const sources[] = {"file", "dev", "name", "volume", "dir", NULL};
    const xmlNode *target = kt_xml_child(node, "target");
    const xmlNode *driver = kt_xml_child(node, "driver");
    KtDiskDef *disk = g_new0(KtDiskDef, 1);
    disk->target = kt_xml_attr(target, "dev");
    disk->bus = kt_xml_attr(target, "bus");
    disk->device = kt_xml_attr(node, "device");
    if (disk->device == NULL)
        disk->device = g_strdup("disk");
    disk->type = kt_xml_attr(node, "type");
    disk->source = first_attr(kt_xml_child(node, "source"), sources);
    disk->driver = kt_xml_attr(driver, "name");
    disk->format = kt_xml_attr(driver, "type");
    disk->cache = kt_xml_attr(driver, "cache");
    disk->io = kt_xml_attr(driver, "io");
    disk->discard = kt_xml_attr(driver, "discard");
    kt_xml_attr_number(driver, "iothread", G_MAXUINT, &disk->iothread);
    disk->alias = kt_xml_attr(kt_xml_child(node, "alias"), "name");
    disk->address_type = kt_xml_attr(kt_xml_child(node, "address"), "type");
    disk->readonly = kt_xml_child(node, "readonly") != NULL;
    disk->shareable = kt_xml_child(node, "shareable") != NULL;
    disk->transient_disk = kt_xml_child(node, "transient") != NULL;
    disk->mirror = kt_xml_child(node, "mirror") != NULL;
    disk->chain_ends = ends_chain(kt_xml_child(node, "backingStore"));
    return disk;
}

char *
kt_domain_xml_mac(const xmlNode *interface)
{
    g_autofree char *mac = kt_xml_attr(kt_xml_child(interface, "mac"), "address");
    return mac != NULL ? g_ascii_strdown(mac, -1) : NULL;
}

static KtNicDef *
read_nic(const xmlNode *node)
{
    static const char *const sources[] = {"network", "bridge", "dev", NULL};
    KtNicDef *nic = g_new0(KtNicDef, 1);
    nic->mac = kt_domain_xml_mac(node);
    nic->type = kt_xml_attr(node, "type");
    nic->source = first_attr(kt_xml_child(node, "source"), sources);
    nic->model = kt_xml_attr(kt_xml_child(node, "model"), "type");
    nic->target = kt_xml_attr(kt_xml_child(node, "target"), "dev");
    nic->alias = kt_xml_attr(kt_xml_child(node, "alias"), "name");
    kt_xml_attr_number(kt_xml_child(node, "driver"), "queues", G_MAXUINT, &nic->queues);
    kt_xml_attr_number(kt_xml_child(node, "boot"), "order", G_MAXUINT, &nic->boot_order);
    return nic;
}

/* One number of a PCI address, in C's notation: "0x3b", "059" or "7". An absent one is 0, as for libvirt. */
static bool
address_part(const xmlNode *address, const char *name, guint64 max, guint64 *ret_part)
{
    g_autofree char *text = kt_xml_attr(address, name);
    if (text == NULL) {
        *ret_part = 0;
        return true;
    }
    char *end = NULL;
    *ret_part = g_ascii_strtoull(text, &end, 0);
    return g_ascii_isdigit(*text) && *end == '\0' && *ret_part <= max;
}

char *
kt_domain_xml_pci_address(const xmlNode *source)
{
    const xmlNode *address = kt_xml_child(source, "address");
    g_autofree char *type = kt_xml_attr(address, "type");
    g_autofree char *bus_text = kt_xml_attr(address, "bus");
    g_autofree char *slot_text = kt_xml_attr(address, "slot");
    guint64 domain, bus, slot, function;
    if ((type != NULL && g_strcmp0(type, "pci") != 0) || (bus_text == NULL && slot_text == NULL))
        return NULL;
    /* Domains of VMD devices are wider than 16 bits. */
    if (!address_part(address, "domain", G_MAXUINT32, &domain) || !address_part(address, "bus", 0xff, &bus) ||
        !address_part(address, "slot", 0x1f, &slot) || !address_part(address, "function", 7, &function))
        return NULL;
    return g_strdup_printf("%04x:%02x:%02x.%x", (guint)domain, (guint)bus, (guint)slot, (guint)function);
}

/* A <hostdev> or <interface>: both say type= what is passed through. */
static void
read_hostdev(KtDomainDef *def, const xmlNode *node, const char *wanted_type)
{
    g_autofree char *type = kt_xml_attr(node, "type");
    if (g_strcmp0(type, wanted_type) != 0)
        return;
    g_autofree char *address = kt_domain_xml_pci_address(kt_xml_child(node, "source"));
    if (address == NULL)
        return;
    KtHostdevDef *hostdev = g_new0(KtHostdevDef, 1);
    hostdev->address = g_steal_pointer(&address);
    g_ptr_array_add(def->hostdevs, hostdev);
}

static void
read_channel(KtDomainDef *def, const xmlNode *channel)
{
    const xmlNode *target = kt_xml_child(channel, "target");
    g_autofree char *name = kt_xml_attr(target, "name");
    if (g_strcmp0(name, AGENT_CHANNEL) != 0)
        return;
    g_autofree char *state = kt_xml_attr(target, "state");
    def->has_agent_channel = true;
    def->agent_connected = def->agent_connected || g_strcmp0(state, "connected") == 0;
}

void
kt_domain_xml_read_devices(KtDomainDef *def, const xmlNode *domain)
{
    g_autoptr(GPtrArray) disks = kt_xml_grandchildren(domain, "devices", "disk");
    for (guint i = 0; i < disks->len; i++)
        g_ptr_array_add(def->disks, read_disk(disks->pdata[i]));

    g_autoptr(GPtrArray) hostdevs = kt_xml_grandchildren(domain, "devices", "hostdev");
    for (guint i = 0; i < hostdevs->len; i++)
        read_hostdev(def, hostdevs->pdata[i], "pci");

    g_autoptr(GPtrArray) nics = kt_xml_grandchildren(domain, "devices", "interface");
    for (guint i = 0; i < nics->len; i++) {
        g_ptr_array_add(def->nics, read_nic(nics->pdata[i]));
        read_hostdev(def, nics->pdata[i], "hostdev");
    }

    g_autoptr(GPtrArray) channels = kt_xml_grandchildren(domain, "devices", "channel");
    for (guint i = 0; i < channels->len; i++)
        read_channel(def, channels->pdata[i]);
}
