/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/domain_xml.h"
#include "profiles/desired.h"
#include "tuners/plan.h"

/** What the tuners of disk settings share. */

/** The cache mode that the disk really has, NULL = the hypervisor's default. libvirt makes `none` of a
 * writable shared disk's default when it starts, and shows that in the live XML. Borrowed. */
const char *kt_disk_cache(const KtDiskDef *disk);

/** The cache mode that the disk would have with @cache (NULL = default) in its definition. Borrowed. */
const char *kt_disk_cache_of(const KtDiskDef *disk, const char *cache);

/** Whether several guests may write to it. */
bool kt_disk_is_shared(const KtDiskDef *disk);

/** Whether this cache mode (NULL = default) goes past the host's page cache, as Linux AIO wants it. */
bool kt_disk_cache_is_direct(const char *cache);

/** Whether a guest sees a write cache with this mode (NULL = default), and so has to flush. */
bool kt_disk_has_write_cache(const char *cache);

/** Whether a running guest may go on from the mode @live with @staged: one that saw no write cache has
 * stopped flushing, and with one would lose data (safety rule 5). */
bool kt_disk_cache_may_change_live(const char *live, const char *staged);

/** How QEMU hands over this disk's requests: libvirt's word, its default spelled out. Borrowed. */
const char *kt_disk_io(const KtDiskDef *disk);

/** What becomes of the guest's discards: libvirt's word, its default spelled out. Borrowed. */
const char *kt_disk_discard(const KtDiskDef *disk);

/** CD-ROM or floppy: settings mean it only where they name it. */
bool kt_disk_is_removable(const KtDiskDef *disk);

/** One disk, and what is wanted of it. */
typedef struct {
    KtPlan *plan;
    const KtDesired *desired;
    guint domain;
    const KtDomain *guest;
    const KtDiskDef *disk; /* of the persistent definition, of a transient domain the live one */
    const KtValue *value;
    const char *item; /* "disk vda" */
} KtDiskWish;

/** Calls @tune for each disk of each domain that has a value of the setting @id. */
void kt_disks_each(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, KtSettingId id,
                   void (*tune)(const KtDiskWish *wish));

/** The same of one domain. @data is handed on. */
void kt_disks_each_of(const KtDesired *desired, KtPlan *plan, guint domain, KtSettingId id,
                      void (*tune)(const KtDiskWish *wish, void *data), void *data);

/** Whether a change of this disk may be staged; else that is refused: no next boot, a block job runs, the
 * disk is another process's. */
bool kt_disk_may_change(const KtDiskWish *wish);

/** Adds the action that stages @to (NULL = default) at the disk's place @field. Takes over @reason. */
void kt_disk_stage(const KtDiskWish *wish, KtXmlField field, const char *from, const char *to, KtRisk risk,
                   char *reason);

/** How the disk's requests will be handed over after the plan, were its cache mode @cache. Borrowed. */
const char *kt_disk_planned_io(const KtDiskWish *wish, const char *cache);
