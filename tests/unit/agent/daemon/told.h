/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** What decisions were told to the log, each as the journal gets it: field → text. One a program: GLib's log
 * has one writer. */
typedef struct {
    GPtrArray *entries; /* GHashTable: char * → char * */
} Told;

static inline GLogWriterOutput
told_write(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    const Told *told = data;
    g_autoptr(GHashTable) entry = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    (void)level;
    for (gsize i = 0; i < n; i++)
        g_hash_table_insert(entry, g_strdup(fields[i].key), g_strdup(fields[i].value));
    if (g_hash_table_contains(entry, "KVM_TUNE_RESULT"))
        g_ptr_array_add(told->entries, g_steal_pointer(&entry));
    return G_LOG_WRITER_HANDLED;
}

/** Listens from now on, to the program's end. */
static inline void
told_listen(Told *told)
{
    told->entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
    g_log_set_writer_func(told_write, told, NULL);
}

/** The text of a field of the only entry since the last told_forget(); NULL = it hasn't that field. */
static inline const char *
told_field(const Told *told, const char *field)
{
    g_assert_cmpuint(told->entries->len, ==, 1);
    return g_hash_table_lookup(told->entries->pdata[0], field);
}

static inline void
told_forget(const Told *told)
{
    g_ptr_array_set_size(told->entries, 0);
}

#define told_assert(told, field, text) g_assert_cmpstr(told_field(told, field), ==, text)
