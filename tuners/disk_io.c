/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"
#include "tuners/tuner.h"

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

typedef struct {
    const char *word; /* NULL: refused */
    char *reason;     /* why this one, or why none */
} KtIoChoice;

static void
choice_clear(KtIoChoice *choice)
{
    g_free(choice->reason);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtIoChoice, choice_clear)

/* Linux AIO makes QEMU's main loop wait where the kernel does: for the page cache, and for blocks that have
 * to be allocated first. io_uring doesn't, but is nothing to choose unasked: it ties the guest to hosts that
 * have it. */
static KtIoChoice
choose_by_itself(const KtDiskWish *wish, const char *cache)
{
    const KtDiskDef *disk = wish->disk;
    const KtImage *image =
        disk->source != NULL ? kt_images_find(wish->plan->snapshot->images, disk->source) : NULL;
    bool block = is(disk->type, "block") || (image != NULL && image->block_device);
    if (!kt_disk_cache_is_direct(cache))
        return (KtIoChoice){"threads",
                            g_strdup_printf("auto: with cache '%s' Linux AIO would wait for the page "
                                            "cache, QEMU's own threads may",
                                            cache != NULL ? cache : "default")};
    if (block)
        return (KtIoChoice){
            "native", g_strdup_printf(
                          "auto: Linux AIO needs no thread a request, and with cache '%s' on a block device "
                          "never waits",
                          cache)};
    if (image != NULL && image->allocation == KT_ALLOCATED_FULL)
        return (KtIoChoice){
            "native", g_strdup_printf(
                          "auto: Linux AIO needs no thread a request, and with cache '%s' on a preallocated "
                          "image it doesn't wait for space",
                          cache)};
    return (KtIoChoice){
        "threads", g_strdup_printf(
                       "auto: %s, so Linux AIO would wait while blocks are allocated; QEMU's own threads may",
                       image != NULL ? "the image grows as the guest writes"
                                     : "whether the image is preallocated isn't known")};
}

static KtIoChoice
choose_native(const char *cache)
{
    if (kt_disk_cache_is_direct(cache))
        return (KtIoChoice){"native", g_strdup("Linux AIO: no thread of QEMU's for each request")};
    return (KtIoChoice){
        NULL, g_strdup_printf("'native' needs cache none or directsync, and this disk's is '%s'; ask for "
                              "disk.cache = none too, or for another disk.io",
                              cache != NULL ? cache : "default")};
}

static KtIoChoice
choose(const KtDiskWish *wish, const char *cache)
{
    if (kt_value_is(wish->value, "auto"))
        return choose_by_itself(wish, cache);
    if (kt_value_is(wish->value, "native"))
        return choose_native(cache);
    if (kt_value_is(wish->value, "threads"))
        return (KtIoChoice){"threads", g_strdup("QEMU's own threads, which may wait for the kernel")};
    char *why = kt_snapshot_why_no_io_uring(wish->plan->snapshot);
    if (why != NULL) {
        g_autofree char *reason = why;
        return (KtIoChoice){NULL, g_strdup_printf("this host has no io_uring for QEMU: %s", reason)};
    }
    return (KtIoChoice){"io_uring",
                        g_strdup("requests in a queue shared with the kernel; it keeps the guest from "
                                 "moving to a host without io_uring")};
}

/* ---- one disk ---- */

const char *
kt_disk_planned_io(const KtDiskWish *wish, const char *cache)
{
    KtDiskWish of_io = *wish;
    of_io.value = kt_desired_domain(wish->desired, wish->domain, KT_SETTING_DISK_IO, wish->disk->target);
    if (of_io.value == NULL || (kt_disk_is_removable(wish->disk) && of_io.value->item == NULL))
        return kt_disk_io(wish->disk);
    g_auto(KtIoChoice) choice = choose(&of_io, cache);
    return choice.word != NULL ? choice.word : kt_disk_io(wish->disk);
}

/* What an earlier tuner stages, else what the definition says. */
static const char *
planned_cache(const KtDiskWish *wish)
{
    const KtAction *action = kt_plan_find_edit(wish->plan, wish->domain, KT_XML_DISK_CACHE, wish->item);
    return action != NULL ? kt_disk_cache_of(wish->disk, action->to) : kt_disk_cache(wish->disk);
}

/* QEMU speaks to network storage itself: what its aio option chooses has no part in that. */
static bool
is_elsewhere(const KtDiskDef *disk)
{
    return is(disk->type, "network") || is(disk->type, "nvme");
}

static void
tune_disk(const KtDiskWish *wish)
{
    if (is_elsewhere(wish->disk)) {
        if (!kt_value_is(wish->value, "auto"))
            kt_plan_refuse(
                wish->plan, (gint)wish->domain, wish->value, wish->item,
                "a disk of type '%s' is no file or block device of this host: QEMU speaks to its storage "
                "by itself",
                wish->disk->type);
        return;
    }
    g_auto(KtIoChoice) choice = choose(wish, planned_cache(wish));
    if (is(choice.word, kt_disk_io(wish->disk)) || !kt_disk_may_change(wish))
        return;
    if (choice.word == NULL) {
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item, "%s", choice.reason);
        return;
    }
    kt_disk_stage(wish, KT_XML_DISK_IO, wish->disk->io, choice.word, KT_RISK_LOW,
                  g_steal_pointer(&choice.reason));
}

void
kt_tune_disk_io(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    kt_disks_each(snapshot, desired, plan, KT_SETTING_DISK_IO, tune_disk);
}
