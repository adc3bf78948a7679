/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/desired.h"

/* What sections say of one domain. */
typedef struct {
    const KtValue *values[KT_N_SETTINGS]; /* without item; NULL = not named */
    GPtrArray *items;   /* KtValue with items that are newer than the one without, in order; NULL = none */
    GPtrArray *unnamed; /* Unnamed; NULL = none */
} Wishes;

/* One item for which nobody is to have named a setting. */
typedef struct {
    const KtSetting *setting;
    char *item;
} Unnamed;

struct KtDesired {
    const KtValue *host[KT_N_SETTINGS];
    Wishes *domains;
    guint n_domains;
    GPtrArray *unmatched; /* KtValue, borrowed */
};

static bool
is_keep(const KtValue *value)
{
    return kt_value_is(value, KT_KEEP);
}

/* Items are compared as libvirt does: a MAC in any case. */
static bool
same_item(const KtSetting *setting, const char *a, const char *b)
{
    return setting->item == KT_ITEM_NIC ? g_ascii_strcasecmp(a, b) == 0 : g_str_equal(a, b);
}

/* A value for all items overrides what was said of single ones before: the last line counts. */
static void
drop_items(Wishes *wishes, const KtSetting *setting)
{
    for (guint i = wishes->items ? wishes->items->len : 0; i > 0; i--) {
        const KtValue *value = g_ptr_array_index(wishes->items, i - 1);
        if (value->setting == setting)
            g_ptr_array_remove_index(wishes->items, i - 1);
    }
}

static void
unnamed_free(gpointer data)
{
    Unnamed *unnamed = data;
    g_free(unnamed->item);
    g_free(unnamed);
}

static bool
is_unnamed(const Wishes *wishes, KtSettingId id, const char *item)
{
    for (guint i = 0; item && wishes->unnamed && i < wishes->unnamed->len; i++) {
        const Unnamed *unnamed = g_ptr_array_index(wishes->unnamed, i);
        if (unnamed->setting->id == id && same_item(unnamed->setting, unnamed->item, item))
            return true;
    }
    return false;
}

static void
take_value(Wishes *wishes, const KtValue *value)
{
    if (value->item) {
        if (!wishes->items)
            wishes->items = g_ptr_array_new();
        g_ptr_array_add(wishes->items, (gpointer)value);
        return;
    }
    if (value->setting->item != KT_ITEM_NONE)
        drop_items(wishes, value->setting);
    wishes->values[value->setting->id] = is_keep(value) ? NULL : value;
}

static bool
def_has_item(const KtDomainDef *def, const KtValue *value)
{
    GPtrArray *disks = def ? def->disks : NULL, *nics = def ? def->nics : NULL;
    for (guint i = 0; value->setting->item == KT_ITEM_DISK && disks && i < disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(disks, i);
        if (disk->target && same_item(value->setting, disk->target, value->item))
            return true;
    }
    for (guint i = 0; value->setting->item == KT_ITEM_NIC && nics && i < nics->len; i++) {
        const KtNicDef *nic = g_ptr_array_index(nics, i);
        if (nic->mac && same_item(value->setting, nic->mac, value->item))
            return true;
    }
    return false;
}

static bool
section_matches(const KtProfileSection *section, const KtDomain *domain)
{
    const KtDomainDef *def = kt_domain_def(domain);
    for (guint i = 0; i < section->patterns->len; i++)
        if (kt_pattern_matches(g_ptr_array_index(section->patterns, i), domain->name, domain->uuid,
                               def ? def->title : NULL))
            return true;
    return false;
}

/* Resolves one domain section for all domains. Whether its items are anywhere is asked of every domain that
 * it matches, those too that aren't planned for this time. */
static void
resolve_section(KtDesired *desired, const KtProfileSection *section, const KtSnapshot *snapshot,
                const char *const *only)
{
    g_autofree bool *found = g_new0(bool, section->values->len + 1);
    bool matched = false;
    for (guint d = 0; d < snapshot->domains->len; d++) {
        const KtDomain *domain = g_ptr_array_index(snapshot->domains, d);
        if (!section_matches(section, domain))
            continue;
        bool wanted = !only || kt_glob_matches_any(only, domain->name);
        matched = true;
        for (guint i = 0; i < section->values->len; i++) {
            const KtValue *value = g_ptr_array_index(section->values, i);
            if (wanted)
                take_value(&desired->domains[d], value);
            if (value->item && !found[i])
                found[i] = def_has_item(domain->live, value) || def_has_item(domain->inactive, value);
        }
    }
    for (guint i = 0; matched && i < section->values->len; i++) {
        const KtValue *value = g_ptr_array_index(section->values, i);
        if (value->item && !found[i])
            g_ptr_array_add(desired->unmatched, (gpointer)value);
    }
}

/* Host settings that only say how to plan; they count for a plan of some domains too. */
static bool
is_no_action(KtSettingId id)
{
    return id == KT_SETTING_HOUSEKEEPING || id == KT_SETTING_MEMORY_RESERVE || id == KT_SETTING_CONTESTED;
}

static void
resolve_host(KtDesired *desired, const KtProfileSection *section, const char *const *only)
{
    for (guint i = 0; i < section->values->len; i++) {
        const KtValue *value = g_ptr_array_index(section->values, i);
        if (!only || is_no_action(value->setting->id))
            desired->host[value->setting->id] = is_keep(value) ? NULL : value;
    }
}

KtDesired *
kt_desired_resolve(const KtProfile *profile, const KtSnapshot *snapshot, const char *const *only)
{
    KtDesired *desired = g_new0(KtDesired, 1);
    desired->n_domains = snapshot->domains->len;
    desired->domains = g_new0(Wishes, desired->n_domains);
    desired->unmatched = g_ptr_array_new();
    for (guint i = 0; i < profile->sections->len; i++) {
        const KtProfileSection *section = g_ptr_array_index(profile->sections, i);
        if (section->scope == KT_SCOPE_HOST)
            resolve_host(desired, section, only);
        else
            resolve_section(desired, section, snapshot, only);
    }
    return desired;
}

void
kt_desired_free(KtDesired *desired)
{
    if (!desired)
        return;
    for (guint i = 0; i < desired->n_domains; i++) {
        g_clear_pointer(&desired->domains[i].items, g_ptr_array_unref);
        g_clear_pointer(&desired->domains[i].unnamed, g_ptr_array_unref);
    }
    g_free(desired->domains);
    g_ptr_array_unref(desired->unmatched);
    g_free(desired);
}

const KtValue *
kt_desired_host(const KtDesired *desired, KtSettingId id)
{
    return desired != NULL ? desired->host[id] : NULL;
}

const KtValue *
kt_desired_domain(const KtDesired *desired, guint domain, KtSettingId id, const char *item)
{
    if (desired == NULL)
        return NULL;
    g_assert(domain < desired->n_domains);
    const Wishes *wishes = &desired->domains[domain];
    if (is_unnamed(wishes, id, item))
        return NULL;
    for (guint i = item && wishes->items ? wishes->items->len : 0; i > 0; i--) {
        const KtValue *value = g_ptr_array_index(wishes->items, i - 1);
        if (value->setting->id == id && same_item(value->setting, value->item, item))
            return is_keep(value) ? NULL : value;
    }
    return wishes->values[id];
}

const KtValue *
kt_desired_any(const KtDesired *desired, guint domain, KtSettingId id)
{
    g_assert(domain < desired->n_domains);
    const Wishes *wishes = &desired->domains[domain];
    for (guint i = 0; !wishes->values[id] && wishes->items && i < wishes->items->len; i++) {
        const KtValue *value = g_ptr_array_index(wishes->items, i);
        if (value->setting->id == id && !is_keep(value))
            return value;
    }
    return wishes->values[id];
}

static void
copy_without(Wishes *copy, const Wishes *wishes, const bool *left)
{
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        copy->values[id] = left[id] ? NULL : wishes->values[id];
    for (guint i = 0; wishes->items && i < wishes->items->len; i++) {
        const KtValue *value = g_ptr_array_index(wishes->items, i);
        if (!left[value->setting->id])
            take_value(copy, value);
    }
    if (wishes->unnamed)
        copy->unnamed = g_ptr_array_ref(wishes->unnamed);
}

KtDesired *
kt_desired_without(const KtDesired *desired, const bool left[KT_N_SETTINGS])
{
    KtDesired *copy = g_new0(KtDesired, 1);
    copy->n_domains = desired->n_domains;
    copy->domains = g_new0(Wishes, copy->n_domains);
    copy->unmatched = g_ptr_array_ref(desired->unmatched);
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        copy->host[id] = left[id] ? NULL : desired->host[id];
    for (guint d = 0; d < copy->n_domains; d++)
        copy_without(&copy->domains[d], &desired->domains[d], left);
    return copy;
}

void
kt_desired_unname(KtDesired *desired, gint domain, const KtSetting *setting, const char *item)
{
    if (domain < 0) {
        desired->host[setting->id] = NULL;
        return;
    }
    g_assert((guint)domain < desired->n_domains);
    Wishes *wishes = &desired->domains[domain];
    if (!item) {
        drop_items(wishes, setting);
        wishes->values[setting->id] = NULL;
        return;
    }
    Unnamed *unnamed = g_new0(Unnamed, 1);
    unnamed->setting = setting;
    unnamed->item = g_strdup(item);
    if (!wishes->unnamed)
        wishes->unnamed = g_ptr_array_new_with_free_func(unnamed_free);
    g_ptr_array_add(wishes->unnamed, unnamed);
}

bool
kt_desired_selects(const KtDesired *desired, guint domain)
{
    g_assert(domain < desired->n_domains);
    const Wishes *wishes = &desired->domains[domain];
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        if (wishes->values[id])
            return true;
    for (guint i = 0; wishes->items && i < wishes->items->len; i++)
        if (!is_keep(g_ptr_array_index(wishes->items, i)))
            return true;
    return false;
}

GPtrArray *
kt_desired_unmatched_items(const KtDesired *desired)
{
    return desired->unmatched;
}
