/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "probes/hypervisor.h"
#include "tuners/disks.h"
#include "tuners/tuner.h"

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

static bool
is_one_of(const char *word, const char *const *words)
{
    return word != NULL && g_strv_contains(words, word);
}

/* "pc-q35-3.1" behaves as that QEMU did, whichever runs it, and a virtio disk took no discards before 4.0
 * (QEMU's hw_compat_3_1). Distributions count their own types: "pc-q35-rhel9.2.0", "pc-q35-jammy". */
static bool
is_old_machine(const char *machine)
{
    const char *dash = machine != NULL ? strrchr(machine, '-') : NULL;
    const char *version = dash != NULL ? dash + 1 : "";
    bool counted = g_ascii_isdigit(*version) && strchr(version, '.') != NULL;
    return counted && !kt_version_at_least(version, 4, 0);
}

/* Why this disk's guest can't send discards, or nothing comes of them; NULL = they do. Owned. */
static char *
why_no_unmap(const KtDiskWish *wish)
{
    static const char *const buses[] = {"virtio", "scsi", "sata", "ide", NULL};
    static const char *const formats[] = {"raw", "qcow2", "luks", NULL};
    const KtDiskDef *disk = wish->disk;
    const KtDomainDef *def = kt_domain_next_def(wish->guest);
    const char *qemu = wish->plan->snapshot->qemu;

    if (disk->readonly || kt_disk_is_removable(disk))
        return g_strdup("it is read-only to the guest: there is nothing to give back");
    if (is(disk->device, "lun"))
        return g_strdup(
            "the guest speaks to the device itself (device='lun'): its discards get there anyway");
    if (!is_one_of(disk->bus, buses))
        return g_strdup_printf(
            "a disk on bus '%s' takes no discards from the guest; virtio, scsi, sata and ide do",
            disk->bus != NULL ? disk->bus : "(not named)");
    if (disk->format != NULL && !is_one_of(disk->format, formats))
        return g_strdup_printf("an image of format '%s' gives nothing back; raw and qcow2 do", disk->format);
    if (is(disk->bus, "virtio") && !kt_version_at_least(qemu, 4, 0))
        return g_strdup_printf(
            "a virtio disk takes discards from QEMU 4.0 on, this one is %s; a scsi disk always "
            "does",
            qemu != NULL ? qemu : "not known");
    if (is(disk->bus, "virtio") && is_old_machine(def->machine))
        return g_strdup_printf("a virtio disk takes discards from machine type 4.0 on, this guest's is '%s'",
                               def->machine);
    return NULL;
}

/* Space that somebody set aside on purpose isn't given away unasked. */
static bool
is_preallocated(const KtDiskWish *wish)
{
    const char *source = wish->disk->source;
    const KtImage *image = source != NULL ? kt_images_find(wish->plan->snapshot->images, source) : NULL;
    return image != NULL && !image->block_device && image->allocation == KT_ALLOCATED_FULL;
}

static void
stage(const KtDiskWish *wish, const char *wanted)
{
    bool unmap = is(wanted, "unmap");
    char *reason =
        g_strdup(unmap ? "what the guest discards (fstrim, a file system mounted with discard) is free "
                         "again on the host"
                       : "the guest's discards are ignored: its image keeps what it has taken");
    kt_disk_stage(wish, KT_XML_DISK_DISCARD, wish->disk->discard, wanted, KT_RISK_LOW, reason);
}

static void
tune_disk(const KtDiskWish *wish)
{
    bool automatic = kt_value_is(wish->value, "auto");
    const char *wanted = kt_value_is(wish->value, "ignore") ? "ignore" : "unmap";
    if (is(wanted, kt_disk_discard(wish->disk)))
        return;
    g_autofree char *why = is(wanted, "unmap") ? why_no_unmap(wish) : NULL;
    if (automatic && (why != NULL || is_preallocated(wish)))
        return;
    if (!kt_disk_may_change(wish))
        return;
    if (why != NULL)
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item, "%s", why);
    else
        stage(wish, wanted);
}

void
kt_tune_disk_discard(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    kt_disks_each(snapshot, desired, plan, KT_SETTING_DISK_DISCARD, tune_disk);
}
