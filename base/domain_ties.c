/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml_internal.h"

void
kt_tie_def_free(KtTieDef *tie)
{
    g_free(tie->name);
    g_free(tie);
}

/* Takes @name over. */
static void
add(KtDomainDef *def, KtTieKind kind, char *name)
{
    KtTieDef *tie = g_new0(KtTieDef, 1);
    tie->kind = kind;
    tie->name = name;
    g_ptr_array_add(def->ties, tie);
}

static bool
attr_is(const xmlNode *node, const char *name, const char *wanted)
{
    g_autofree char *value = kt_xml_attr(node, name);
    return g_strcmp0(value, wanted) == 0;
}

/* A passed-through NIC that is one of a team with a virtio one: QEMU unplugs it before it migrates.
 * https://libvirt.org/formatdomain.html#teaming-a-virtio-hostdev-nic-pair */
static bool
is_team_member(const xmlNode *device)
{
    return attr_is(kt_xml_child(device, "teaming"), "type", "transient");
}

static void
read_pci(KtDomainDef *def, const xmlNode *device)
{
    if (!is_team_member(device))
        add(def, KT_TIE_HOST_PCI, kt_domain_xml_pci_address(kt_xml_child(device, "source")));
}

static void
read_hostdev(KtDomainDef *def, const xmlNode *hostdev)
{
    g_autofree char *type = kt_xml_attr(hostdev, "type");
    if (g_strcmp0(type, "pci") == 0)
        read_pci(def, hostdev);
    else if (g_strcmp0(type, "usb") == 0)
        add(def, KT_TIE_HOST_USB, NULL);
    else
        add(def, KT_TIE_HOST_OTHER, g_strdup(type));
}

static void
read_hostdevs(KtDomainDef *def, const xmlNode *domain)
{
    g_autoptr(GPtrArray) hostdevs = kt_xml_grandchildren(domain, "devices", "hostdev");
    for (guint i = 0; i < hostdevs->len; i++)
        read_hostdev(def, hostdevs->pdata[i]);
    g_autoptr(GPtrArray) nics = kt_xml_grandchildren(domain, "devices", "interface");
    for (guint i = 0; i < nics->len; i++) {
        if (attr_is(nics->pdata[i], "type", "hostdev"))
            read_pci(def, nics->pdata[i]);
    }
}

static void
read_shared_memory(KtDomainDef *def, const xmlNode *domain)
{
    g_autoptr(GPtrArray) filesystems = kt_xml_grandchildren(domain, "devices", "filesystem");
    for (guint i = 0; i < filesystems->len; i++) {
        const xmlNode *filesystem = filesystems->pdata[i];
        bool virtiofs = attr_is(kt_xml_child(filesystem, "driver"), "type", "virtiofs");
        add(def, virtiofs ? KT_TIE_VIRTIOFS : KT_TIE_9P,
            kt_xml_attr(kt_xml_child(filesystem, "target"), "dir"));
    }
    g_autoptr(GPtrArray) shmems = kt_xml_grandchildren(domain, "devices", "shmem");
    for (guint i = 0; i < shmems->len; i++) {
        if (!attr_is(shmems->pdata[i], "role", "master"))
            add(def, KT_TIE_SHMEM, kt_xml_attr(shmems->pdata[i], "name"));
    }
    g_autoptr(GPtrArray) memories = kt_xml_grandchildren(domain, "devices", "memory");
    for (guint i = 0; i < memories->len; i++) {
        const xmlNode *memory = memories->pdata[i];
        if (attr_is(memory, "model", "nvdimm") || attr_is(memory, "model", "virtio-pmem"))
            add(def, KT_TIE_NVDIMM, kt_xml_text(kt_xml_child(kt_xml_child(memory, "source"), "path")));
        else if (attr_is(memory, "model", "sgx-epc"))
            add(def, KT_TIE_ENCRYPTED, g_strdup("SGX"));
    }
}

static void
read_tpm_and_display(KtDomainDef *def, const xmlNode *domain)
{
    g_autoptr(GPtrArray) tpms = kt_xml_grandchildren(domain, "devices", "tpm");
    for (guint i = 0; i < tpms->len; i++) {
        if (attr_is(kt_xml_child(tpms->pdata[i], "backend"), "type", "passthrough"))
            add(def, KT_TIE_TPM, NULL);
    }
    g_autoptr(GPtrArray) videos = kt_xml_grandchildren(domain, "devices", "video");
    for (guint i = 0; i < videos->len; i++) {
        const xmlNode *model = kt_xml_child(videos->pdata[i], "model");
        if (attr_is(model, "type", "virtio") &&
            attr_is(kt_xml_child(model, "acceleration"), "accel3d", "yes"))
            add(def, KT_TIE_VIRGL, NULL);
    }
}

/* QEMU refuses to migrate an invariant TSC unless its frequency is given. */
static bool
has_free_invtsc(const xmlNode *domain, const xmlNode *cpu)
{
    g_autoptr(GPtrArray) timers = kt_xml_grandchildren(domain, "clock", "timer");
    for (guint i = 0; i < timers->len; i++) {
        g_autofree char *frequency = kt_xml_attr(timers->pdata[i], "frequency");
        if (frequency != NULL && attr_is(timers->pdata[i], "name", "tsc"))
            return false;
    }
    for (const xmlNode *node = cpu != NULL ? cpu->children : NULL; node != NULL; node = node->next) {
        if (kt_xml_is_element(node, "feature") && attr_is(node, "name", "invtsc") &&
            (attr_is(node, "policy", "require") || attr_is(node, "policy", "force")))
            return true;
    }
    return false;
}

static void
read_cpu(KtDomainDef *def, const xmlNode *domain)
{
    const xmlNode *cpu = kt_xml_child(domain, "cpu");
    g_autofree char *mode = kt_xml_attr(cpu, "mode");
    if (g_strcmp0(mode, "host-passthrough") == 0 || g_strcmp0(mode, "maximum") == 0)
        add(def, KT_TIE_CPU, g_steal_pointer(&mode));
    if (has_free_invtsc(domain, cpu))
        add(def, KT_TIE_INVTSC, NULL);
}

void
kt_domain_xml_read_ties(KtDomainDef *def, const xmlNode *domain)
{
    read_hostdevs(def, domain);
    read_shared_memory(def, domain);
    read_tpm_and_display(def, domain);
    read_cpu(def, domain);
    const xmlNode *security = kt_xml_child(domain, "launchSecurity");
    if (security != NULL)
        add(def, KT_TIE_ENCRYPTED, kt_xml_attr(security, "type"));
    char *kernel = kt_xml_text(kt_xml_child(kt_xml_child(domain, "os"), "kernel"));
    if (kernel != NULL)
        add(def, KT_TIE_KERNEL, kernel);
}
