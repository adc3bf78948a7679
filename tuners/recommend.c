/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/recommend.h"

#include <string.h>

#include "base/ini.h"
#include "tuners/recommend_parts.h"
#include "tuners/tuner.h"

/* Each round takes out what the tuners refuse; taking one thing out may make another impossible, but not for
 * long. */
#define MOST_ROUNDS 8

char *
kt_recommended_header(const KtRecommendedLine *line)
{
    return line->patterns ? g_strdup_printf("[domain %s]", line->patterns) : g_strdup("[host]");
}

char *
kt_recommended_text(const KtRecommendedLine *line)
{
    return line->item ? g_strdup_printf("%s[%s] = %s", line->setting->key, line->item, line->value)
                      : g_strdup_printf("%s = %s", line->setting->key, line->value);
}

/* The same lines without comments, read by the parser that will read them again. */
static KtProfile *
profile_of(const KtRecommendation *recommendation)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < recommendation->lines->len; i++) {
        const KtRecommendedLine *line = recommendation->lines->pdata[i];
        const KtRecommendedLine *before = i > 0 ? recommendation->lines->pdata[i - 1] : NULL;
        g_autofree char *header = kt_recommended_header(line);
        g_autofree char *value = kt_recommended_text(line);
        if (before == NULL || g_strcmp0(before->patterns, line->patterns) != 0)
            g_string_append_printf(text, "%s\n", header);
        g_string_append_printf(text, "%s\n", value);
    }
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    KtProfile *profile = kt_profile_parse("recommended", text->str, diagnostics);
    g_assert(profile != NULL);
    return profile;
}

/* How many disks or NICs the domain has that a line without an item means. */
static guint
count_items(const KtSnapshot *snapshot, const KtRecommendedWish *wish)
{
    const KtDomain *domain = snapshot->domains->pdata[wish->domain];
    const KtDomainDef *def = domain->inactive ? domain->inactive : domain->live;
    guint n = wish->setting->item == KT_ITEM_NIC ? def->nics->len : 0;
    for (guint i = 0; wish->setting->item == KT_ITEM_DISK && i < def->disks->len; i++) {
        const KtDiskDef *disk = def->disks->pdata[i];
        n += disk->device == NULL || g_str_equal(disk->device, "disk") || g_str_equal(disk->device, "lun");
    }
    return n;
}

static void
kept_item_free(gpointer data)
{
    KtKeptItem *kept = data;
    g_free(kept->item);
    g_free(kept->reason);
    g_free(kept);
}

/* Takes one disk or NIC ("disk vdb") out of the wish, and the whole wish with the last of them. */
static void
keep_item(const KtSnapshot *snapshot, KtRecommendedWish *wish, const char *item, const char *reason)
{
    const char *name = strchr(item, ' ');
    if (wish->items == NULL)
        wish->items = g_ptr_array_new_with_free_func(kept_item_free);
    KtKeptItem *kept = g_new0(KtKeptItem, 1);
    kept->item = g_strdup(name ? name + 1 : item);
    kept->reason = g_strdup(reason);
    g_ptr_array_add(wish->items, kept);
    if (wish->items->len >= count_items(snapshot, wish))
        wish->refused = g_strdup(reason);
}

static bool
refuse(KtRecommendedWish *wish, const char *reason)
{
    if (wish == NULL || wish->refused)
        return false;
    wish->refused = g_strdup(reason);
    return true;
}

/* Takes out what this refusal means; false where it means nothing that is wished any more. */
static bool
take_out(const KtSnapshot *snapshot, KtRecommendedWish *const *index, const KtRefusal *refusal)
{
    KtRecommendedWish *wish = kt_recommend_find(index, refusal->domain, refusal->setting->id);
    if (wish && !wish->refused && refusal->item && wish->setting->item != KT_ITEM_NONE) {
        keep_item(snapshot, wish, refusal->item, refusal->reason);
        return true;
    }
    bool taken = refuse(wish, refusal->reason);
    bool cpus = refusal->domain >= 0 && g_str_has_prefix(refusal->setting->key, "cpu.");
    /* What places vCPUs is refused as one: without a place there is nothing exclusive, and the other way
     * round. */
    if (cpus && refusal->setting->id == KT_SETTING_CPU_PLACEMENT)
        taken |= refuse(kt_recommend_find(index, refusal->domain, KT_SETTING_CPU_EXCLUSIVE), refusal->reason);
    else if (cpus && !taken)
        taken = refuse(kt_recommend_find(index, refusal->domain, KT_SETTING_CPU_PLACEMENT), refusal->reason);
    return taken;
}

/* What is planned as one: a change of one setting says nothing of those of another part. */
typedef enum {
    PART_PLACES,  /* CPUs, memory, the host: they share room */
    PART_DEVICES, /* disks and NICs */
    N_PARTS,
} Part;

static Part
part_of(const KtSetting *setting)
{
    return setting->item == KT_ITEM_NONE ? PART_PLACES : PART_DEVICES;
}

/* Takes out what @plan refuses, and notes in which parts that was. */
static bool
take_out_all(const KtPlan *plan, KtRecommendedWish *const *index, bool changed[N_PARTS])
{
    bool any = false;
    for (guint i = 0; i < N_PARTS; i++)
        changed[i] = false;
    for (guint i = 0; i < plan->refused->len; i++) {
        const KtRefusal *refusal = plan->refused->pdata[i];
        if (take_out(plan->snapshot, index, refusal))
            any = changed[part_of(refusal->setting)] = true;
    }
    return any;
}

/* A plan of the parts that changed since the last one. */
static KtPlan *
plan_again(const KtSnapshot *snapshot, const KtRecommendation *recommendation, const bool changed[N_PARTS])
{
    bool left[KT_N_SETTINGS];
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        left[id] = !changed[part_of(kt_setting((KtSettingId)id))];
    g_autoptr(KtProfile) profile = profile_of(recommendation);
    g_autoptr(KtDesired) desired = kt_desired_resolve(profile, snapshot, NULL);
    g_autoptr(KtDesired) parts = kt_desired_without(desired, left);
    return kt_plan_make(snapshot, parts);
}

KtRecommendation *
kt_recommend(const KtPlan *first)
{
    const KtSnapshot *snapshot = first->snapshot;
    g_autoptr(GPtrArray) wishes = kt_recommend_wishes(snapshot);
    g_autofree KtRecommendedWish **index = kt_recommend_index(wishes, snapshot->domains->len);
    bool changed[N_PARTS];
    bool taken = take_out_all(first, index, changed);
    for (guint round = 0;; round++) {
        g_autoptr(KtRecommendation) recommendation = kt_recommend_sections(snapshot, index);
        if (!taken || round == MOST_ROUNDS)
            return g_steal_pointer(&recommendation);
        g_autoptr(KtPlan) plan = plan_again(snapshot, recommendation, changed);
        taken = take_out_all(plan, index, changed);
    }
}

KtProfile *
kt_recommend_first_profile(const KtSnapshot *snapshot)
{
    g_autoptr(GPtrArray) wishes = kt_recommend_wishes(snapshot);
    g_autofree KtRecommendedWish **index = kt_recommend_index(wishes, snapshot->domains->len);
    g_autoptr(KtRecommendation) recommendation = kt_recommend_sections(snapshot, index);
    return profile_of(recommendation);
}
