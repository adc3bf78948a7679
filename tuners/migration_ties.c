/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tuners/migration_parts.h"

/* What each kind of tie means. @words hold at most one %s: the tie's name, or @nameless where it has none. */
static const struct {
    KtMigrationWeight weight;
    const char *words;
    const char *nameless;
} meanings[] = {
    [KT_TIE_HOST_PCI] = {KT_MIGRATION_STOPS, "PCI device %s is passed through", "of the host"},
    [KT_TIE_HOST_USB] = {KT_MIGRATION_NEEDS, "a USB device like the one that is passed through", ""},
    [KT_TIE_HOST_OTHER] = {KT_MIGRATION_STOPS, "a host device (%s) is passed through", "of unknown type"},
    [KT_TIE_VIRTIOFS] = {KT_MIGRATION_STOPS, "it shares a directory of this host by virtiofs (%s)",
                         "no name"},
    [KT_TIE_9P] = {KT_MIGRATION_STOPS,
                   "it shares a directory of this host by 9p (%s), as long as the guest has it mounted",
                   "no name"},
    [KT_TIE_SHMEM] = {KT_MIGRATION_STOPS, "it shares memory with others on this host (shmem %s)",
                      "without a name"},
    [KT_TIE_NVDIMM] = {KT_MIGRATION_NEEDS, "%s, which is behind its persistent memory", "the same file"},
    [KT_TIE_TPM] = {KT_MIGRATION_STOPS, "it has the host's own TPM", ""},
    [KT_TIE_VIRGL] = {KT_MIGRATION_STOPS, "its display is drawn by the host's GPU (accel3d)", ""},
    [KT_TIE_ENCRYPTED] = {KT_MIGRATION_STOPS, "its memory is closed to this host (%s)", "launchSecurity"},
    [KT_TIE_CPU] = {KT_MIGRATION_NEEDS, "the same model of CPU, and microcode as new, for %s",
                    "host-passthrough"},
    [KT_TIE_INVTSC] = {KT_MIGRATION_STOPS,
                       "its CPU has invtsc and no <timer name='tsc' frequency=…/> says how fast it is", ""},
    [KT_TIE_KERNEL] = {KT_MIGRATION_NEEDS, "the kernel %s that it was booted from", "file"},
};

/* @words with @name in the place of %s. Owned. */
static char *
in_words(const char *words, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(words, "%s", 2);
    return g_strjoinv(name, parts);
}

static void
judge_nics(KtMigrationCase *of)
{
    for (guint i = 0; i < of->def->nics->len; i++) {
        const KtNicDef *nic = of->def->nics->pdata[i];
        const char *mac = nic->mac != NULL ? nic->mac : "(no MAC)";
        if (g_strcmp0(nic->type, "vdpa") == 0)
            kt_migration_add(of, KT_MIGRATION_STOPS, "NIC %s is a vDPA device of this host", mac);
        else if (g_strcmp0(nic->type, "vhostuser") == 0)
            kt_migration_add(of, KT_MIGRATION_NEEDS, "the switch behind the vhost-user NIC %s", mac);
    }
}

/* "CPU 3", "CPUs 0-3". */
static const char *
plural(const char *list)
{
    return strpbrk(list, ",-") != NULL ? "s" : "";
}

/* "strict 0-1", or NULL. Owned. */
static char *
bound_to(const char *mode, const char *nodeset)
{
    return nodeset != NULL ? g_strdup_printf("%s %s", mode != NULL ? mode : "strict", nodeset) : NULL;
}

static void
judge_cells(KtMigrationCase *of)
{
    for (guint i = 0; i < of->def->cells->len; i++) {
        guint cell = ((const KtCellDef *)of->def->cells->pdata[i])->id;
        const KtMemnodeDef *memnode = kt_domain_def_find_memnode(of->def, cell);
        g_autofree char *item = g_strdup_printf("cell %u", cell);
        g_autofree char *bound = memnode != NULL ? bound_to(memnode->mode, memnode->nodeset) : NULL;
        of->planned = false;
        const char *value = kt_migration_value(of, KT_XML_MEMNODE, item, bound);
        const char *nodes = value != NULL ? strchr(value, ' ') : NULL;
        if (nodes != NULL)
            kt_migration_add(of, KT_MIGRATION_NEEDS, "memory node%s %s, which its cell %u is bound to",
                             plural(nodes + 1), nodes + 1, cell);
    }
}

static void
judge_memory(KtMigrationCase *of)
{
    const KtDomainDef *def = of->def;
    of->planned = false;
    const char *pages = kt_migration_value(of, KT_XML_HUGEPAGES, NULL, def->hugepages ? "hugepages" : NULL);
    if (pages != NULL)
        kt_migration_add(of, KT_MIGRATION_NEEDS, "%" G_GUINT64_FORMAT " MiB of free huge pages",
                         def->memory_kib / 1024);
    g_autofree char *bound = bound_to(def->numatune_mode, def->numatune_nodeset);
    of->planned = false;
    const char *numatune = kt_migration_value(of, KT_XML_NUMATUNE, NULL, bound);
    const char *nodes = numatune != NULL ? strchr(numatune, ' ') : NULL;
    if (nodes != NULL)
        kt_migration_add(of, KT_MIGRATION_NEEDS, "memory node%s %s, which its memory is bound to",
                         plural(nodes + 1), nodes + 1);
    judge_cells(of);
}

/* Adds @cpus, also where they are all of this host: libvirt writes each pin into the thread's cpuset over
 * there, and a cpuset takes no CPU that isn't there (sched_setaffinity(2) trims, update_cpumask() in
 * kernel/cgroup/cpuset.c doesn't). */
static void
add_pin(KtCpuset *pinned, const KtCpuset *cpus)
{
    if (cpus != NULL)
        hwloc_bitmap_or(pinned, pinned, cpus);
}

/* The plan's pins: by their items, as live ones name no place in the XML. */
static bool
sets_pin(const KtMigrationCase *of, const KtAction *action)
{
    return kt_migration_is_of(of, action) && (action->kind == KT_STEP_PIN || kt_xml_is_pin(action->field));
}

/** The CPUs that threads are pinned to after the plan. */
typedef struct {
    KtCpuset *cpus;
    KtCpuset *vcpus; /* ids whose pin the plan decides */
    KtCpuset *iothreads;
    bool emulator;
} Pins;

static void
pins_clear(Pins *pins)
{
    kt_cpuset_free(pins->cpus);
    kt_cpuset_free(pins->vcpus);
    kt_cpuset_free(pins->iothreads);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pins, pins_clear)

/* Notes that the plan decides the pin of @item: "vcpu 3", "iothread 1", "emulator". */
static void
take_item(Pins *pins, const char *item)
{
    const char *number = item != NULL ? strchr(item, ' ') : NULL;
    if (number == NULL)
        pins->emulator = true;
    else
        hwloc_bitmap_set(g_str_has_prefix(item, "vcpu ") ? pins->vcpus : pins->iothreads,
                         (guint)g_ascii_strtoull(number + 1, NULL, 10));
}

static void
add_planned_pins(KtMigrationCase *of, Pins *pins)
{
    for (guint i = 0; of->actions != NULL && i < of->actions->len; i++) {
        const KtAction *action = of->actions->pdata[i];
        if (!sets_pin(of, action))
            continue;
        of->planned = true;
        take_item(pins, action->item);
        g_autoptr(KtCpuset) cpus = action->to != NULL ? kt_cpuset_parse(action->to, false, NULL) : NULL;
        add_pin(pins->cpus, cpus);
    }
}

static void
add_present_pins(const GPtrArray *present, const KtCpuset *planned, KtCpuset *cpus)
{
    for (guint i = 0; i < present->len; i++) {
        const KtPinDef *pin = present->pdata[i];
        if (!hwloc_bitmap_isset(planned, pin->id))
            add_pin(cpus, pin->cpus);
    }
}

static void
judge_pins(KtMigrationCase *of)
{
    g_auto(Pins) pins = {
        .cpus = hwloc_bitmap_alloc(), .vcpus = hwloc_bitmap_alloc(), .iothreads = hwloc_bitmap_alloc()};
    of->planned = false;
    add_planned_pins(of, &pins);
    add_present_pins(of->def->vcpu_pins, pins.vcpus, pins.cpus);
    add_present_pins(of->def->iothread_pins, pins.iothreads, pins.cpus);
    if (!pins.emulator)
        add_pin(pins.cpus, of->def->emulator_pin);
    add_pin(pins.cpus, of->def->vcpu_cpuset);
    g_autofree char *list = kt_cpuset_format(pins.cpus);
    if (*list != '\0')
        kt_migration_add(of, KT_MIGRATION_NEEDS, "CPU%s %s, which its threads are pinned to", plural(list),
                         list);
    of->planned = false;
}

void
kt_migration_judge_ties(KtMigrationCase *of)
{
    for (guint i = 0; i < of->def->ties->len; i++) {
        const KtTieDef *tie = of->def->ties->pdata[i];
        g_autofree char *text =
            in_words(meanings[tie->kind].words, tie->name != NULL ? tie->name : meanings[tie->kind].nameless);
        kt_migration_add(of, meanings[tie->kind].weight, "%s", text);
    }
    judge_nics(of);
    judge_memory(of);
    judge_pins(of);
}
