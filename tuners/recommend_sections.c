/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tuners/disks.h"
#include "tuners/recommend_parts.h"

/* Characters. */
#define LONGEST_HEADER 4096

/** One line for all domains that it is right for. */
typedef struct {
    const KtSetting *setting;
    const char *item;
    const char *value;
    const char *reason;
    bool *in; /* one for each of the snapshot's domains */
    guint n;
    guint first;
} Group;

typedef struct {
    const KtSnapshot *snapshot;
    KtRecommendedWish *const *index;
    const KtRecommendedWish *common[KT_N_SETTINGS]; /* what is for all, with exceptions; or NULL */
    GPtrArray *groups;                              /* Group */
} Sorting;

static void
group_free(gpointer data)
{
    Group *group = data;
    g_free(group->in);
    g_free(group);
}

/* Adds the domain to the group of this very line. */
static void
put(Sorting *sorting, guint domain, const KtSetting *setting, const char *item, const char *value,
    const char *reason)
{
    for (guint i = 0; i < sorting->groups->len; i++) {
        Group *group = sorting->groups->pdata[i];
        if (group->setting != setting || g_strcmp0(group->item, item) != 0 ||
            !g_str_equal(group->value, value) || !g_str_equal(group->reason, reason))
            continue;
        group->n += !group->in[domain];
        group->in[domain] = true;
        return;
    }
    Group *group = g_new0(Group, 1);
    *group = (Group){setting, item, value, reason, g_new0(bool, sorting->snapshot->domains->len), 1, domain};
    group->in[domain] = true;
    g_ptr_array_add(sorting->groups, group);
}

/* How many domains wish the same for the same reason, and whether one of them has something to gain. */
static guint
count_same(const Sorting *sorting, const KtRecommendedWish *wish, bool *ret_needed)
{
    guint n = 0;
    *ret_needed = false;
    for (guint i = 0; i < sorting->snapshot->domains->len; i++) {
        const KtRecommendedWish *other = kt_recommend_find(sorting->index, (gint)i, wish->setting->id);
        if (!other || other->refused || !g_str_equal(other->value, wish->value) ||
            !g_str_equal(other->reason, wish->reason))
            continue;
        n++;
        *ret_needed = *ret_needed || other->needed;
    }
    return n;
}

/* The wish of that setting that more than half of the domains have: it is for all, with exceptions. */
static const KtRecommendedWish *
find_common(const Sorting *sorting, const KtSetting *setting)
{
    const KtRecommendedWish *tried = NULL;
    for (guint i = 0; i < sorting->snapshot->domains->len; i++) {
        const KtRecommendedWish *wish = kt_recommend_find(sorting->index, (gint)i, setting->id);
        bool again = tried && wish && g_str_equal(wish->value, tried->value) &&
                     g_str_equal(wish->reason, tried->reason);
        if (!wish || wish->refused || again)
            continue;
        bool needed;
        if (count_same(sorting, wish, &needed) * 2 > sorting->snapshot->domains->len)
            return needed ? wish : NULL;
        tried = wish;
    }
    return NULL;
}

/* Whether the setting would say anything of this domain: it has a disk or NIC that a line without an item
 * means. */
static bool
would_meet(const KtDomain *domain, const KtSetting *setting)
{
    const KtDomainDef *def = domain->inactive ? domain->inactive : domain->live;
    if (setting->item == KT_ITEM_NIC)
        return def && def->nics->len > 0;
    for (guint i = 0; setting->item == KT_ITEM_DISK && def && i < def->disks->len; i++) {
        if (!kt_disk_is_removable(def->disks->pdata[i]))
            return true;
    }
    return setting->item == KT_ITEM_NONE && (domain->active || domain->autostart) && def;
}

/* The line for one domain, besides or instead of the one for all. */
static void
put_domain(Sorting *sorting, guint domain, const KtSetting *setting, const KtRecommendedWish *common)
{
    const KtRecommendedWish *wish = kt_recommend_find(sorting->index, (gint)domain, setting->id);
    bool as_common = wish && !wish->refused && common && g_str_equal(wish->value, common->value);
    if (wish && !wish->refused && !as_common && (wish->needed || common))
        put(sorting, domain, setting, NULL, wish->value, wish->reason);
    else if (wish && wish->refused && common)
        put(sorting, domain, setting, NULL, KT_KEEP, wish->refused);
    else if (!wish && common && would_meet(sorting->snapshot->domains->pdata[domain], setting))
        put(sorting, domain, setting, NULL, KT_KEEP, "It has nothing to gain from that.");
    bool named = wish && !wish->refused && (common || wish->needed);
    for (guint i = 0; named && wish->items && i < wish->items->len; i++) {
        const KtKeptItem *item = wish->items->pdata[i];
        put(sorting, domain, setting, item->item, KT_KEEP, item->reason);
    }
}

static void
put_setting(Sorting *sorting, const KtSetting *setting)
{
    const KtRecommendedWish *common = find_common(sorting, setting);
    sorting->common[setting->id] = common;
    for (guint i = 0; common && i < sorting->snapshot->domains->len; i++)
        put(sorting, i, setting, NULL, common->value, common->reason);
    for (guint i = 0; i < sorting->snapshot->domains->len; i++)
        put_domain(sorting, i, setting, common);
}

/* Wide sections first: the last line that matches counts. Then by the first domain, so that lines of one
 * section are together, whole disks and NICs before single ones. */
static gint
compare_groups(gconstpointer a, gconstpointer b)
{
    const Group *first = *(const Group *const *)a;
    const Group *second = *(const Group *const *)b;
    if (first->n != second->n)
        return first->n > second->n ? -1 : 1;
    if (first->first != second->first)
        return first->first < second->first ? -1 : 1;
    if (first->setting->id != second->setting->id)
        return first->setting->id < second->setting->id ? -1 : 1;
    return g_strcmp0(first->item, second->item);
}

static void
line_free(gpointer data)
{
    KtRecommendedLine *line = data;
    g_free(line->patterns);
    g_free(line->item);
    g_free(line->value);
    g_free(line->reason);
    g_free(line);
}

static void
add_line(GPtrArray *lines, const char *patterns, const KtSetting *setting, const char *item,
         const char *value, const char *reason)
{
    KtRecommendedLine *line = g_new0(KtRecommendedLine, 1);
    line->patterns = g_strdup(patterns);
    line->setting = setting;
    line->item = g_strdup(item);
    line->value = g_strdup(value);
    line->reason = g_strdup(reason);
    g_ptr_array_add(lines, line);
}

/* A value that counts anyway needs no line, unless it makes an exception. */
static bool
goes_without_saying(const Sorting *sorting, const Group *group)
{
    if (group->setting->id != KT_SETTING_CPU_EXCLUSIVE || !g_str_equal(group->value, "no"))
        return false;
    for (guint i = 0; i < sorting->groups->len; i++) {
        const Group *other = sorting->groups->pdata[i];
        if (other->setting == group->setting && g_str_equal(other->value, "yes") &&
            other->n == sorting->snapshot->domains->len)
            return false;
    }
    return true;
}

/* Adds the group's line for those of its domains that are in @from up to @to: in halves where their names
 * would make the header longer than the parser takes, or anybody reads. */
static void
add_part(const Sorting *sorting, GPtrArray *lines, const Group *group, guint from, guint to)
{
    g_autofree bool *in = g_new0(bool, sorting->snapshot->domains->len);
    guint n = 0;
    for (guint i = from; i < to; i++) {
        in[i] = group->in[i];
        n += in[i];
    }
    if (n == 0)
        return;
    g_autofree char *patterns = kt_recommend_patterns(sorting->snapshot, in);
    guint middle = from + (to - from) / 2;
    if (n == 1 || strlen(patterns) <= LONGEST_HEADER) {
        add_line(lines, patterns, group->setting, group->item, group->value, group->reason);
        return;
    }
    add_part(sorting, lines, group, from, middle);
    add_part(sorting, lines, group, middle, to);
}

static void
add_groups(const Sorting *sorting, GPtrArray *lines)
{
    for (guint i = 0; i < sorting->groups->len; i++) {
        const Group *group = sorting->groups->pdata[i];
        if (!goes_without_saying(sorting, group))
            add_part(sorting, lines, group, 0, sorting->snapshot->domains->len);
    }
}

/* What was refused and needs no exception: the reader should know that it was thought of. */
static void
add_left(const Sorting *sorting, GPtrArray *left)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(group_free);
    Sorting refused = {.snapshot = sorting->snapshot, .index = sorting->index, .groups = groups};
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtRecommendedWish *host = kt_recommend_find(sorting->index, -1, (KtSettingId)id);
        if (host && host->refused)
            add_line(left, NULL, host->setting, NULL, host->value, host->refused);
        for (guint i = 0; sorting->common[id] == NULL && i < sorting->snapshot->domains->len; i++) {
            const KtRecommendedWish *wish = kt_recommend_find(sorting->index, (gint)i, (KtSettingId)id);
            if (wish && wish->refused && wish->needed)
                put(&refused, i, wish->setting, NULL, wish->value, wish->refused);
        }
    }
    add_groups(&refused, left);
}

KtRecommendation *
kt_recommend_sections(const KtSnapshot *snapshot, KtRecommendedWish *const *index)
{
    KtRecommendation *recommendation = g_new0(KtRecommendation, 1);
    recommendation->lines = g_ptr_array_new_with_free_func(line_free);
    recommendation->left = g_ptr_array_new_with_free_func(line_free);
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(group_free);
    Sorting sorting = {.snapshot = snapshot, .index = index, .groups = groups};
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        const KtRecommendedWish *host = kt_recommend_find(index, -1, setting->id);
        if (host && !host->refused)
            add_line(recommendation->lines, NULL, setting, NULL, host->value, host->reason);
        if (setting->scope == KT_SCOPE_DOMAIN && snapshot->domains->len > 0)
            put_setting(&sorting, setting);
    }
    g_ptr_array_sort(groups, compare_groups);
    add_groups(&sorting, recommendation->lines);
    add_left(&sorting, recommendation->left);
    return recommendation;
}

void
kt_recommendation_free(KtRecommendation *recommendation)
{
    if (recommendation == NULL)
        return;
    g_ptr_array_unref(recommendation->lines);
    g_ptr_array_unref(recommendation->left);
    g_free(recommendation);
}
