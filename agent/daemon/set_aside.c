/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/set_aside.h"

/** The key of the host, which has no UUID. */
#define HOST ""

typedef struct {
    gint64 until_usec;
    gint64 wait_usec;
} Entry;

struct KtSetAside {
    GHashTable *entries; /* UUID or HOST → Entry */
};

KtSetAside *
kt_set_aside_new(void)
{
    KtSetAside *aside = g_new0(KtSetAside, 1);
    aside->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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

void
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
}

void
kt_set_aside_forgive(KtSetAside *aside, const KtChangeSet *changes)
{
    GHashTableIter iter;
    gpointer uuid;
    g_hash_table_iter_init(&iter, changes->domains);
    while (g_hash_table_iter_next(&iter, &uuid, NULL))
        g_hash_table_remove(aside->entries, uuid);
}

void
kt_set_aside_clear(KtSetAside *aside)
{
    g_hash_table_remove_all(aside->entries);
}

static bool
is_left_out(const KtSetAside *aside, const KtPlan *plan, const KtStep *step, gint64 now_usec)
{
    const KtDomain *domain = step->domain >= 0 ? plan->snapshot->domains->pdata[step->domain] : NULL;
    const Entry *entry = g_hash_table_lookup(aside->entries, domain ? domain->uuid : HOST);
    return entry && now_usec < entry->until_usec;
}

void
kt_set_aside_leave_out(const KtSetAside *aside, KtPlan *plan, gint64 now_usec)
{
    for (guint i = plan->steps->len; i > 0; i--) {
        if (is_left_out(aside, plan, plan->steps->pdata[i - 1], now_usec))
            g_ptr_array_remove_index(plan->steps, i - 1);
    }
}
