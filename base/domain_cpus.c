/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml_internal.h"

void
kt_pin_def_free(KtPinDef *pin)
{
    kt_cpuset_free(pin->cpus);
    g_free(pin);
}

void
kt_cell_def_free(KtCellDef *cell)
{
    kt_cpuset_free(cell->vcpus);
    g_free(cell);
}

/* The element's text as a decimal number of at most @max. */
static bool
text_number(const xmlNode *node, guint64 max, guint64 *ret_number)
{
    g_autofree char *text = kt_xml_text(node);
    return text != NULL && g_ascii_string_to_unsigned(text, 10, 0, max, ret_number, NULL);
}

guint
kt_domain_xml_max_vcpus(const xmlNode *domain)
{
    guint64 number = 1;
    text_number(kt_xml_child(domain, "vcpu"), G_MAXUINT, &number);
    return (guint)CLAMP(number, 1, KT_DOMAIN_IDS_MAX);
}

/* With or without a number of their own. */
static guint
iothread_count(const xmlNode *domain)
{
    guint64 number = 0;
    text_number(kt_xml_child(domain, "iothreads"), G_MAXUINT, &number);
    g_autoptr(GPtrArray) listed = kt_xml_grandchildren(domain, "iothreadids", "iothread");
    return (guint)MIN(MAX(number, listed->len), KT_DOMAIN_IDS_MAX);
}

/* IOThreads that aren't listed get the lowest free numbers (virDomainIOThreadIDDefArrayInit). */
KtCpuset *
kt_domain_xml_iothread_ids(const xmlNode *domain)
{
    KtCpuset *ids = hwloc_bitmap_alloc();
    g_autoptr(GPtrArray) listed = kt_xml_grandchildren(domain, "iothreadids", "iothread");
    for (guint i = 0; i < listed->len; i++) {
        guint id = 0;
        if (kt_xml_attr_number(listed->pdata[i], "id", KT_DOMAIN_IDS_MAX, &id) && id > 0)
            hwloc_bitmap_set(ids, id);
    }
    /* One that is listed without a number, or twice, counts: it gets a number like those that aren't listed.
     */
    gint64 unlisted = (gint64)iothread_count(domain) - hwloc_bitmap_weight(ids);
    for (guint id = 1; unlisted > 0; id++) {
        if (hwloc_bitmap_isset(ids, id))
            continue;
        hwloc_bitmap_set(ids, id);
        unlisted--;
    }
    return ids;
}

KtCpuset *
kt_domain_xml_cpuset(const xmlNode *node, const char *attribute)
{
    g_autofree char *text = kt_xml_attr(node, attribute);
    return text != NULL ? kt_cpuset_parse(text, true, NULL) : NULL;
}

/* Where vCPUs are listed one by one, the list decides and not `current` (virDomainVcpuParse). */
static void
read_vcpus(KtDomainDef *def, const xmlNode *domain)
{
    const xmlNode *vcpu = kt_xml_child(domain, "vcpu");
    def->vcpus = kt_domain_xml_max_vcpus(domain);
    def->vcpu_placement = kt_xml_attr(vcpu, "placement");
    def->vcpu_cpuset = kt_domain_xml_cpuset(vcpu, "cpuset");

    g_autoptr(GPtrArray) listed = kt_xml_grandchildren(domain, "vcpus", "vcpu");
    if (listed->len == 0) {
        guint current = def->vcpus;
        kt_xml_attr_number(vcpu, "current", G_MAXUINT, &current);
        hwloc_bitmap_set_range(def->vcpus_online, 0, (int)CLAMP(current, 1, def->vcpus) - 1);
    }
    for (guint i = 0; i < listed->len; i++) {
        g_autofree char *enabled = kt_xml_attr(listed->pdata[i], "enabled");
        guint id = 0;
        if (kt_xml_attr_number(listed->pdata[i], "id", def->vcpus - 1, &id) && g_strcmp0(enabled, "yes") == 0)
            hwloc_bitmap_set(def->vcpus_online, id);
    }
}

/* Of several pins with one id, which libvirt refuses, the first counts. */
static void
read_pins(const GPtrArray *nodes, const char *id_attribute, guint max_id, GPtrArray *pins)
{
    g_autoptr(KtCpuset) seen = hwloc_bitmap_alloc();
    for (guint i = 0; i < nodes->len; i++) {
        guint id = 0;
        if (!kt_xml_attr_number(nodes->pdata[i], id_attribute, max_id, &id) || hwloc_bitmap_isset(seen, id))
            continue;
        KtCpuset *cpus = kt_domain_xml_cpuset(nodes->pdata[i], "cpuset");
        if (cpus == NULL)
            continue;
        hwloc_bitmap_set(seen, id);
        KtPinDef *pin = g_new0(KtPinDef, 1);
        *pin = (KtPinDef){.id = id, .cpus = cpus};
        g_ptr_array_add(pins, pin);
    }
}

static void
read_cputune(KtDomainDef *def, const xmlNode *domain)
{
    g_autoptr(GPtrArray) vcpu_pins = kt_xml_grandchildren(domain, "cputune", "vcpupin");
    /* libvirt ignores a vcpupin beyond the last vCPU. */
    read_pins(vcpu_pins, "vcpu", def->vcpus - 1, def->vcpu_pins);
    g_autoptr(GPtrArray) iothread_pins = kt_xml_grandchildren(domain, "cputune", "iothreadpin");
    read_pins(iothread_pins, "iothread", KT_DOMAIN_IDS_MAX, def->iothread_pins);
    def->iothreads = iothread_count(domain);
    def->iothread_ids = kt_domain_xml_iothread_ids(domain);

    g_autoptr(GPtrArray) emulator_pins = kt_xml_grandchildren(domain, "cputune", "emulatorpin");
    if (emulator_pins->len > 0)
        def->emulator_pin = kt_domain_xml_cpuset(emulator_pins->pdata[0], "cpuset");
    g_autoptr(GPtrArray) shares = kt_xml_grandchildren(domain, "cputune", "shares");
    if (shares->len > 0)
        text_number(shares->pdata[0], G_MAXUINT64, &def->shares);
}

/* Cells without an id are numbered by their place. */
static void
read_cells(KtDomainDef *def, const xmlNode *cpu)
{
    const xmlNode *numa = kt_xml_child(cpu, "numa");
    g_autoptr(KtCpuset) seen = hwloc_bitmap_alloc();
    guint place = 0;
    for (const xmlNode *node = numa != NULL ? numa->children : NULL; node != NULL; node = node->next) {
        if (!kt_xml_is_element(node, "cell"))
            continue;
        guint id = place++;
        kt_xml_attr_number(node, "id", G_MAXUINT, &id);
        if (id >= KT_DOMAIN_IDS_MAX || hwloc_bitmap_isset(seen, id))
            continue;
        hwloc_bitmap_set(seen, id);
        KtCpuset *vcpus = kt_domain_xml_cpuset(node, "cpus");
        KtCellDef *cell = g_new0(KtCellDef, 1);
        cell->id = id;
        cell->vcpus = vcpus != NULL ? vcpus : hwloc_bitmap_alloc();
        cell->memory_kib = kt_domain_xml_attr_kib(node, "memory");
        g_ptr_array_add(def->cells, cell);
    }
}

static void
read_cpu(KtDomainDef *def, const xmlNode *domain)
{
    const xmlNode *cpu = kt_xml_child(domain, "cpu");
    const xmlNode *topology = kt_xml_child(cpu, "topology");
    kt_xml_attr_number(topology, "sockets", KT_DOMAIN_IDS_MAX, &def->sockets);
    kt_xml_attr_number(topology, "dies", KT_DOMAIN_IDS_MAX, &def->dies);
    kt_xml_attr_number(topology, "cores", KT_DOMAIN_IDS_MAX, &def->cores);
    kt_xml_attr_number(topology, "threads", KT_DOMAIN_IDS_MAX, &def->threads);
    read_cells(def, cpu);
}

void
kt_domain_xml_read_cpus(KtDomainDef *def, const xmlNode *domain)
{
    read_vcpus(def, domain);
    read_cputune(def, domain);
    read_cpu(def, domain);
}
