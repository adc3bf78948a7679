/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/changes.h"

/** More reasons than these say nothing more. */
#define MOST_REASONS 8

struct KtChanges {
    KtChangeSet *set; /* NULL: nothing has changed */
    gint64 first_usec;
    gint64 last_usec;
    gint64 looked_usec;  /* when the last look was begun */
    gint64 started_usec; /* when a guest last started */
    bool starts_alone;   /* one that started waits to be looked at, and none had right before it */
};

void
kt_change_set_free(KtChangeSet *set)
{
    if (!set)
        return;
    g_hash_table_unref(set->domains);
    g_hash_table_unref(set->seats);
    g_hash_table_unref(set->edited);
    g_ptr_array_unref(set->reasons);
    g_free(set);
}

static KtChangeSet *
set_new(void)
{
    KtChangeSet *set = g_new0(KtChangeSet, 1);
    set->domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    set->seats = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    set->edited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    set->reasons = g_ptr_array_new_with_free_func(g_free);
    return set;
}

static void
add_reason(KtChangeSet *set, const char *reason)
{
    if (set->reasons->len < MOST_REASONS &&
        !g_ptr_array_find_with_equal_func(set->reasons, reason, g_str_equal, NULL))
        g_ptr_array_add(set->reasons, g_strdup(reason));
}

char *
kt_change_set_describe(const KtChangeSet *set)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < set->reasons->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)set->reasons->pdata[i]);
    guint n = g_hash_table_size(set->domains);
    if (n > 0)
        g_string_append_printf(text, "; %u domain%s", n, n == 1 ? "" : "s");
    return g_strdup(text->str);
}

char *
kt_change_set_seat(const KtChangeSet *set, GHashTable *touched)
{
    GHashTableIter iter;
    gpointer uuid, only = (gpointer) "";
    guint n = 0;
    g_hash_table_iter_init(&iter, set->domains);
    while (g_hash_table_iter_next(&iter, &uuid, NULL)) {
        bool by_others = g_hash_table_contains(set->edited, uuid) && !g_hash_table_contains(touched, uuid);
        if (!by_others && !g_hash_table_contains(set->seats, uuid))
            continue;
        only = uuid;
        n++;
    }
    return set->everything || n > 1 ? NULL : g_strdup(only);
}

KtChanges *
kt_changes_new(void)
{
    KtChanges *changes = g_new0(KtChanges, 1);
    changes->looked_usec = changes->started_usec = G_MININT64 / 2;
    return changes;
}

void
kt_changes_free(KtChanges *changes)
{
    if (!changes)
        return;
    kt_change_set_free(changes->set);
    g_free(changes);
}

static void
note_start(KtChanges *changes, gint64 now_usec)
{
    changes->starts_alone = now_usec - changes->started_usec >= KT_CHANGES_AFTER_START_USEC;
    changes->started_usec = now_usec;
}

static void
add_domain(KtChangeSet *set, const char *uuid, KtEvent event)
{
    g_hash_table_add(set->domains, g_strdup(uuid));
    switch (kt_event_seats(event)) {
    case KT_SEATS_OF_ALL:
        g_hash_table_add(set->seats, g_strdup(uuid));
        break;
    case KT_SEATS_EDITED:
        g_hash_table_add(set->edited, g_strdup(uuid));
        break;
    case KT_SEATS_OF_NONE:
        break;
    }
}

void
kt_changes_add(KtChanges *changes, const char *uuid, KtEvent event, const char *words, gint64 now_usec)
{
    if (!changes->set) {
        changes->set = set_new();
        changes->first_usec = now_usec;
    }
    changes->last_usec = now_usec;
    add_reason(changes->set, words ? words : kt_event_words(event));
    if (event == KT_EVENT_STARTED)
        note_start(changes, now_usec);
    if (uuid)
        add_domain(changes->set, uuid, event);
    else
        changes->set->everything = true;
}

static bool
is_burst(const KtChanges *changes)
{
    if (g_hash_table_size(changes->set->domains) >= KT_CHANGES_BURST)
        return true;
    return !changes->starts_alone && changes->first_usec - changes->looked_usec < KT_CHANGES_AFTER_LOOK_USEC;
}

gint64
kt_changes_due(const KtChanges *changes)
{
    if (!changes->set)
        return G_MAXINT64;
    gint64 quiet = is_burst(changes) ? KT_CHANGES_BURST_QUIET_USEC : KT_CHANGES_QUIET_USEC;
    return MIN(changes->last_usec + quiet, changes->first_usec + KT_CHANGES_PATIENCE_USEC);
}

KtChangeSet *
kt_changes_take(KtChanges *changes, gint64 now_usec)
{
    if (changes->set)
        changes->looked_usec = now_usec;
    changes->starts_alone = false;
    return g_steal_pointer(&changes->set);
}
