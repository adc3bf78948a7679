/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/findings.h"

/* More names than this are only counted. */
#define MOST_NAMES 6

typedef struct {
    GString *names;
    guint n;
} Names;

static void
add_name(Names *names, const char *name, const char *item)
{
    if (names->n++ < MOST_NAMES)
        g_string_append_printf(names->names, "%s%s%s%s", names->names->len ? ", " : "", name, item ? " " : "",
                               item ? item : "");
    else if (names->n == MOST_NAMES + 1)
        g_string_append(names->names, ", …");
}

void
kt_find_automatic_placement(const KtHost *host, GPtrArray *findings)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Names names = {text, 0};
    for (guint i = 0; i < host->snapshot->domains->len; i++) {
        const KtDomain *domain = host->snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_def(domain);
        if (def && g_strcmp0(def->vcpu_placement, "auto") == 0)
            add_name(&names, domain->name, NULL);
    }
    if (names.n > 0)
        kt_finding_add(
            findings, "automatic placement", KT_FINDING_WARN,
            "at each start numad's answer counts, and pins of the definition don't; without numad they "
            "don't start",
            "virsh edit NAME  # <vcpu placement='static'>", "<vcpu placement='auto'>: %s", text->str);
}

/* Whether an explicit pin leads out of <vcpu cpuset>. */
static bool
leaves_cpuset(const KtDomainDef *def)
{
    for (guint i = 0; def->vcpu_cpuset && i < def->vcpu_pins->len; i++) {
        const KtPinDef *pin = def->vcpu_pins->pdata[i];
        if (!hwloc_bitmap_isincluded(pin->cpus, def->vcpu_cpuset))
            return true;
    }
    return false;
}

void
kt_find_contrary_pins(const KtHost *host, GPtrArray *findings)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Names names = {text, 0};
    for (guint i = 0; i < host->snapshot->domains->len; i++) {
        const KtDomain *domain = host->snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_def(domain);
        if (def && leaves_cpuset(def))
            add_name(&names, domain->name, NULL);
    }
    if (names.n > 0)
        kt_finding_add(
            findings, "contrary pins", KT_FINDING_WARN,
            "vCPUs run where <vcpupin> says; QEMU's own threads and vCPUs without a pin stay on the old "
            "<vcpu cpuset>, perhaps on CPUs of others",
            "virsh edit NAME  # remove cpuset= from <vcpu>", "<vcpupin> outside of <vcpu cpuset>: %s",
            text->str);
}

void
kt_find_images(const KtHost *host, GPtrArray *findings)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Names names = {text, 0};
    for (guint i = 0; i < host->snapshot->domains->len; i++) {
        const KtDomain *domain = host->snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_def(domain);
        for (guint k = 0; def && k < def->disks->len; k++) {
            const KtDiskDef *disk = def->disks->pdata[k];
            const KtImage *image =
                disk->source && !disk->readonly ? kt_images_find(host->snapshot->images, disk->source) : NULL;
            if (image && g_strcmp0(image->format, "qcow2") == 0 && image->allocation == KT_ALLOCATED_SPARSE)
                add_name(&names, domain->name, disk->target);
        }
    }
    if (names.n > 0)
        kt_finding_add(
            findings, "images", KT_FINDING_WARN,
            "each first write to a place makes QEMU write tables first; with preallocation=metadata they "
            "are there (while the guest is off)",
            "qemu-img convert -O qcow2 -o preallocation=metadata OLD NEW", "qcow2 without preallocation: %s",
            text->str);
}
