/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"

#include "tuners/tuner.h"

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

/* ---- O_DIRECT (safety rule 4) ---- */

typedef enum {
    KT_O_DIRECT_YES,
    KT_O_DIRECT_NO,
    KT_O_DIRECT_UNKNOWN,
    KT_O_DIRECT_ELSEWHERE, /* no image on this host: QEMU itself speaks to the storage */
} KtODirect;

static KtODirect
directory_takes(const KtSnapshot *snapshot, const char *directory)
{
    gpointer answer = NULL;
    if (!g_hash_table_lookup_extended(snapshot->o_direct, directory, NULL, &answer))
        return KT_O_DIRECT_UNKNOWN;
    return GPOINTER_TO_INT(answer) != 0 ? KT_O_DIRECT_YES : KT_O_DIRECT_NO;
}

/* QEMU opens what is below an image in the same cache mode. @ret_directory: where it isn't taken, or not
 * known to be. */
static KtODirect
chain_takes(const KtSnapshot *snapshot, const KtImage *image, char **ret_directory)
{
    for (guint i = 0; image != NULL && i < image->chain->len; i++) {
        g_autofree char *directory = g_path_get_dirname(image->chain->pdata[i]);
        KtODirect answer = directory_takes(snapshot, directory);
        if (answer != KT_O_DIRECT_YES) {
            *ret_directory = g_steal_pointer(&directory);
            return answer;
        }
    }
    if (image == NULL || image->chain_ends == NULL)
        return KT_O_DIRECT_YES;
    *ret_directory = g_strdup_printf("what is below %s (%s)", image->path, image->chain_ends);
    return KT_O_DIRECT_UNKNOWN;
}

/* @ret_directory: the first that doesn't take it, else the image's, where it is known. */
static KtODirect
takes_o_direct(const KtSnapshot *snapshot, const KtDiskDef *disk, char **ret_directory)
{
    *ret_directory = NULL;
    if (is(disk->type, "network") || is(disk->type, "nvme"))
        return KT_O_DIRECT_ELSEWHERE;
    if (is(disk->type, "volume") || disk->source == NULL || !g_path_is_absolute(disk->source))
        return KT_O_DIRECT_UNKNOWN;

    *ret_directory = g_path_get_dirname(disk->source);
    KtODirect answer = directory_takes(snapshot, *ret_directory);
    if (answer != KT_O_DIRECT_YES)
        return answer;
    g_autofree char *below = NULL;
    answer = chain_takes(snapshot, kt_images_find(snapshot->images, disk->source), &below);
    if (below != NULL) {
        g_free(*ret_directory);
        *ret_directory = g_steal_pointer(&below);
    }
    return answer;
}

/* ---- one disk ---- */

/* `auto`: none where that is possible, else as it is. */
static const char *
choose(const KtSnapshot *snapshot, const KtDiskDef *disk, const KtValue *value)
{
    if (kt_value_is(value, "default"))
        return NULL;
    if (!kt_value_is(value, "auto"))
        return value->word != NULL ? value->word : value->text;

    g_autofree char *directory = NULL;
    KtODirect answer = takes_o_direct(snapshot, disk, &directory);
    bool settled = answer == KT_O_DIRECT_NO || answer == KT_O_DIRECT_ELSEWHERE;
    return settled || is(kt_disk_cache(disk), "directsync") ? disk->cache : "none";
}

static bool
refuse_mode(const KtDiskWish *wish, const char *wanted)
{
    if (is(wanted, "unsafe") && !wish->value->exact_domain) {
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "'unsafe' loses the disk's contents when the host fails, so it is only set where it was written "
            "for that very domain: in a [domain %s] section with no pattern in it",
            wish->guest->name);
        return true;
    }
    if (is(kt_disk_planned_io(wish, kt_disk_cache_of(wish->disk, wanted)), "native") &&
        !kt_disk_cache_is_direct(kt_disk_cache_of(wish->disk, wanted))) {
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "its definition says io='native', which needs cache none or directsync, not '%s'; ask for one "
            "of those, or for disk.io = threads too",
            wanted != NULL ? wanted : "default");
        return true;
    }
    if (kt_disk_is_shared(wish->disk) && !kt_disk_cache_is_direct(kt_disk_cache_of(wish->disk, wanted))) {
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "several guests write to this disk (<shareable/>): a host's page cache between them, '%s', "
            "isn't safe; none and directsync are",
            wanted);
        return true;
    }
    return false;
}

static bool
refuse_o_direct(const KtDiskWish *wish, const char *wanted)
{
    if (!kt_disk_cache_is_direct(wanted))
        return false;

    g_autofree char *directory = NULL;
    switch (takes_o_direct(wish->plan->snapshot, wish->disk, &directory)) {
    case KT_O_DIRECT_YES:
    case KT_O_DIRECT_ELSEWHERE:
        return false;
    case KT_O_DIRECT_NO:
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item,
                       "'%s' needs O_DIRECT, which %s refuses; keep another cache mode, or move the image",
                       wanted, directory);
        return true;
    case KT_O_DIRECT_UNKNOWN:
        break;
    }
    if (directory != NULL)
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "'%s' needs O_DIRECT, and whether %s takes it is not known; plan on the host itself, where the "
            "image can be read",
            wanted, directory);
    else
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "'%s' needs O_DIRECT, and the definition doesn't tell in which directory the image is, so it "
            "can't be asked",
            wanted);
    return true;
}

static const char *
meaning_of(const char *cache)
{
    static const struct {
        const char *cache, *meaning;
    } meanings[] = {
        {"none", "past the host's page cache: memory isn't used twice, flushes reach the disk"},
        {"directsync",
         "past the host's page cache, each write is on the disk before it is answered: slow and safe"},
        {"writeback", "through the host's page cache; the guest's flushes reach the disk"},
        {"writethrough",
         "read through the host's page cache, each write is on the disk before it is answered"},
        {"unsafe",
         "the guest's flushes are ignored: when the host or its power fails, the disk's contents are lost"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if (is(cache, meanings[i].cache))
            return meanings[i].meaning;
    }
    return "the hypervisor's own default";
}

static char *
reason_of(const KtDiskWish *wish, const char *wanted)
{
    GString *reason = g_string_new(meaning_of(wanted));
    g_autofree char *directory = NULL;
    if (kt_disk_cache_is_direct(wanted) &&
        takes_o_direct(wish->plan->snapshot, wish->disk, &directory) == KT_O_DIRECT_YES)
        g_string_append_printf(reason, "; %s takes O_DIRECT", directory);
    bool cached = kt_disk_has_write_cache(wanted);
    if (cached != kt_disk_has_write_cache(kt_disk_cache(wish->disk)))
        g_string_append(reason,
                        cached ? "; from its next power-on the guest sees a write cache and has to flush it"
                               : "; from its next power-on the guest sees no write cache");
    return g_string_free(reason, FALSE);
}

static void
tune_disk(const KtDiskWish *wish)
{
    const char *wanted = choose(wish->plan->snapshot, wish->disk, wish->value);
    if (is(kt_disk_cache_of(wish->disk, wanted), kt_disk_cache(wish->disk)))
        return;
    if (kt_disk_may_change(wish) && !refuse_mode(wish, wanted) && !refuse_o_direct(wish, wanted))
        kt_disk_stage(wish, KT_XML_DISK_CACHE, wish->disk->cache, wanted,
                      is(wanted, "unsafe") ? KT_RISK_HIGH : KT_RISK_LOW, reason_of(wish, wanted));
}

void
kt_tune_disks(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    kt_disks_each(snapshot, desired, plan, KT_SETTING_DISK_CACHE, tune_disk);
}
