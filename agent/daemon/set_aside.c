/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/set_aside.h"

#include <string.h>

/** The key of the host, which has no UUID. */
#define HOST ""

typedef struct {
    gint64 until_usec;
    gint64 wait_usec;
    char *was; /* what the domain was at the first look after its failure; NULL = none was made yet */
} Entry;

struct KtSetAside {
    GHashTable *entries; /* UUID or HOST → Entry */
};

static void
entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->was);
    g_free(entry);
}

KtSetAside *
kt_set_aside_new(void)
{
    KtSetAside *aside = g_new0(KtSetAside, 1);
    aside->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    return aside;
}

void
kt_set_aside_free(KtSetAside *aside)
{
    if (!aside)
        return;
    g_hash_table_unref(aside->entries);
    g_free(aside);
}

gint64
kt_set_aside_add(KtSetAside *aside, const char *uuid, gint64 now_usec)
{
    const char *key = uuid ? uuid : HOST;
    Entry *entry = g_hash_table_lookup(aside->entries, key);
    if (!entry) {
        entry = g_new0(Entry, 1);
        g_hash_table_insert(aside->entries, g_strdup(key), entry);
    }
    entry->wait_usec =
        entry->wait_usec ? MIN(2 * entry->wait_usec, KT_SET_ASIDE_MOST_USEC) : KT_SET_ASIDE_FIRST_USEC;
    entry->until_usec = now_usec + entry->wait_usec;
    g_clear_pointer(&entry->was, g_free);
    return entry->wait_usec;
}

/** What a domain is, as far as a step may go another way for it: its process, state and definitions. Owned.
 */
static char *
describe(const KtDomain *domain)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    const char *const texts[] = {domain->process, domain->live_xml, domain->inactive_xml};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_checksum_update(sum, (const guchar *)(texts[i] ? texts[i] : ""),
                          texts[i] ? (gssize)strlen(texts[i]) + 1 : 1);
    g_checksum_update(sum, (const guchar *)&domain->state, sizeof domain->state);
    return g_strdup(g_checksum_get_string(sum));
}

static gboolean
has_changed(gpointer uuid, gpointer value, gpointer snapshot)
{
    Entry *entry = value;
    if (g_str_equal(uuid, HOST))
        return FALSE;
    const KtDomain *domain = kt_snapshot_find_domain(snapshot, uuid);
    g_autofree char *is = domain ? describe(domain) : NULL;
    if (!is)
        return TRUE;
    if (entry->was)
        return !g_str_equal(entry->was, is);
    entry->was = g_steal_pointer(&is);
    return FALSE;
}

void
kt_set_aside_forgive(KtSetAside *aside, const KtSnapshot *snapshot)
{
    g_hash_table_foreach_remove(aside->entries, has_changed, (gpointer)snapshot);
}

void
kt_set_aside_clear(KtSetAside *aside)
{
    g_hash_table_remove_all(aside->entries);
}

void
kt_set_aside_remove(KtSetAside *aside, const char *uuid)
{
    g_hash_table_remove(aside->entries, uuid ? uuid : HOST);
}

static bool
is_set_aside(const KtSetAside *aside, const char *key, gint64 now_usec)
{
    const Entry *entry = g_hash_table_lookup(aside->entries, key);
    return entry && now_usec < entry->until_usec;
}

void
kt_set_aside_unname(const KtSetAside *aside, KtDesired *desired, const KtSnapshot *snapshot, gint64 now_usec)
{
    static const KtSettingId pools[] = {KT_SETTING_HUGEPAGES_2M, KT_SETTING_HUGEPAGES_1G};
    for (guint i = 0; i < G_N_ELEMENTS(pools) && is_set_aside(aside, HOST, now_usec); i++)
        kt_desired_unname(desired, -1, kt_setting(pools[i]), NULL);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!is_set_aside(aside, domain->uuid, now_usec))
            continue;
        for (guint id = 0; id < KT_N_SETTINGS; id++)
            if (kt_setting(id)->scope == KT_SCOPE_DOMAIN)
                kt_desired_unname(desired, (gint)i, kt_setting(id), NULL);
    }
}

void
kt_set_aside_leave_out(const KtSetAside *aside, KtPlan *plan, gint64 now_usec)
{
    bool is_out = is_set_aside(aside, HOST, now_usec);
    for (guint i = plan->steps->len; is_out && i > 0; i--) {
        const KtStep *step = plan->steps->pdata[i - 1];
        if (step->domain < 0)
            g_ptr_array_remove_index(plan->steps, i - 1);
    }
}

gint64
kt_set_aside_due(const KtSetAside *aside, gint64 now_usec)
{
    GHashTableIter iter;
    gpointer value;
    gint64 due = 0;
    g_hash_table_iter_init(&iter, aside->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Entry *entry = value;
        gint64 left = entry->until_usec - now_usec;
        if (left > 0 && (due == 0 || left < due))
            due = left;
    }
    return due;
}
