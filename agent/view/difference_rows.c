/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/difference_rows.h"

#include <string.h>

#include "base/diagnostic.h"

/* More values than this, and they are said as a range where they are one. */
#define LONG_LIST 8

KtDifferences *
kt_differences_new(void)
{
    KtDifferences *differences = g_new0(KtDifferences, 1);
    differences->list = g_array_new(FALSE, FALSE, sizeof(KtDifference));
    differences->strings = g_string_chunk_new(512);
    return differences;
}

void
kt_differences_free(KtDifferences *differences)
{
    if (differences == NULL)
        return;
    g_array_unref(differences->list);
    g_string_chunk_free(differences->strings);
    g_free(differences);
}

void
kt_differences_add(KtDifferences *differences, KtDifference difference)
{
    const char **strings[] = {&difference.setting, &difference.item,  &difference.from,
                              &difference.to,      &difference.when,  &difference.reason,
                              &difference.source,  &difference.result};
    for (guint i = 0; i < G_N_ELEMENTS(strings); i++) {
        if (*strings[i] == NULL)
            continue;
        g_autofree char *safe = kt_printable(*strings[i]);
        *strings[i] = g_string_chunk_insert(differences->strings, safe);
    }
    g_array_append_val(differences->list, difference);
}

static void
row_free(gpointer data)
{
    KtDifferenceRow *row = data;
    kt_cpuset_free(row->vcpus);
    g_ptr_array_unref(row->froms);
    g_ptr_array_unref(row->tos);
    g_string_free(row->when, TRUE);
    g_free(row->item);
    g_free(row);
}

static const char *
when_words(const char *when)
{
    return g_str_equal(when, "next-boot") ? "next boot" : when;
}

/* The number in "vcpu N", or -1. */
static gint
vcpu_of(const char *item)
{
    if (item == NULL || !g_str_has_prefix(item, "vcpu "))
        return -1;
    return (gint)g_ascii_strtoull(item + strlen("vcpu "), NULL, 10);
}

char *
kt_item_name(const char *item)
{
    static const struct {
        const char *prefix, *name;
    } names[] = {
        {"vcpu ", "vCPU "}, {"iothread ", "IOThread "}, {"disk ", ""}, {"nic ", ""}, {"emulator", ""}};
    for (guint i = 0; item && i < G_N_ELEMENTS(names); i++) {
        if (g_str_has_prefix(item, names[i].prefix))
            return g_strconcat(names[i].name, item + strlen(names[i].prefix), NULL);
    }
    return g_strdup(item ? item : "");
}

const char *
kt_value_name(const char *setting, const char *value)
{
    if (value)
        return *value ? value : "none";
    bool pin = g_str_has_prefix(setting, "cpu.") && !g_str_equal(setting, "cpu.weight");
    return pin ? "unpinned" : "default";
}

/* A pin for now and one for the next boot are one change to the reader. What was absent in the definition had
 * the value that is said of now. */
static bool
same_but_when(const KtDifference *a, const KtDifference *b)
{
    bool same_from = a->from == NULL || b->from == NULL || g_str_equal(a->from, b->from);
    return same_from && !g_str_equal(a->when, b->when) && g_strcmp0(a->to, b->to) == 0 &&
           g_strcmp0(a->result, b->result) == 0;
}

static void
row_join(KtDifferenceRow *row, const KtDifference *difference)
{
    const KtDifference *first = row->first;
    if (first->from == NULL && difference->from)
        row->froms->pdata[0] = (gpointer)kt_value_name(difference->setting, difference->from);
    if (g_str_equal(difference->when, "now"))
        g_string_printf(row->when, "now + %s", when_words(first->when));
    else
        g_string_append_printf(row->when, " + %s", when_words(difference->when));
    row->joined = true;
}

static KtDifferenceRow *
row_new(const KtDifference *difference)
{
    KtDifferenceRow *row = g_new0(KtDifferenceRow, 1);
    row->first = difference;
    row->froms = g_ptr_array_new();
    row->tos = g_ptr_array_new();
    g_ptr_array_add(row->froms, (gpointer)kt_value_name(difference->setting, difference->from));
    g_ptr_array_add(row->tos, (gpointer)kt_value_name(difference->setting, difference->to));
    row->when = g_string_new(when_words(difference->when));
    gint vcpu = vcpu_of(difference->item);
    row->vcpus = vcpu < 0 ? NULL : kt_cpuset_single((guint)vcpu);
    return row;
}

static void
add_row(GPtrArray *rows, GHashTable *by_item, const KtDifference *difference)
{
    g_autofree char *key =
        g_strdup_printf("%s %s", difference->setting, difference->item ? difference->item : "");
    KtDifferenceRow *row = g_hash_table_lookup(by_item, key);
    if (row && !row->joined && same_but_when(row->first, difference)) {
        row_join(row, difference);
        return;
    }
    row = row_new(difference);
    g_ptr_array_add(rows, row);
    g_hash_table_insert(by_item, g_steal_pointer(&key), row);
}

static bool
is_one_cpu(const char *value)
{
    return *value != '\0' && value[strspn(value, G_CSET_DIGITS)] == '\0';
}

/* CPUs of their own are told one after the other, a common set once for all that share it. */
static bool
values_fold(const GPtrArray *into, const GPtrArray *values)
{
    const char *last = into->pdata[into->len - 1];
    const char *next = values->pdata[0];
    return g_str_equal(last, next) || (is_one_cpu(last) && is_one_cpu(next));
}

static bool
may_fold(const KtDifferenceRow *into, const KtDifferenceRow *row)
{
    const KtDifference *a = into->first;
    const KtDifference *b = row->first;
    return into->vcpus && row->vcpus && g_str_equal(a->setting, b->setting) &&
           g_string_equal(into->when, row->when) && g_strcmp0(a->reason, b->reason) == 0 &&
           g_strcmp0(a->source, b->source) == 0 && g_strcmp0(a->result, b->result) == 0 &&
           hwloc_bitmap_last(into->vcpus) < hwloc_bitmap_first(row->vcpus) &&
           values_fold(into->froms, row->froms) && values_fold(into->tos, row->tos);
}

/* Rows of vCPUs that differ in nothing but their CPUs become one. */
static void
fold_vcpus(GPtrArray *rows)
{
    for (guint i = 1; i < rows->len;) {
        KtDifferenceRow *into = rows->pdata[i - 1];
        KtDifferenceRow *row = rows->pdata[i];
        if (!may_fold(into, row)) {
            i++;
            continue;
        }
        hwloc_bitmap_or(into->vcpus, into->vcpus, row->vcpus);
        g_ptr_array_extend(into->froms, row->froms, NULL, NULL);
        g_ptr_array_extend(into->tos, row->tos, NULL, NULL);
        g_ptr_array_remove_index(rows, i);
    }
}

GPtrArray *
kt_difference_rows(const KtDifferences *differences)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
    g_autoptr(GHashTable) by_item = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < differences->list->len; i++)
        add_row(rows, by_item, &g_array_index(differences->list, KtDifference, i));
    fold_vcpus(rows);
    for (guint i = 0; i < rows->len; i++) {
        KtDifferenceRow *row = rows->pdata[i];
        g_autofree char *ids = row->vcpus ? kt_cpuset_format(row->vcpus) : NULL;
        row->item = ids ? g_strconcat("vCPU ", ids, NULL) : kt_item_name(row->first->item);
    }
    return rows;
}

static bool
all_equal(const GPtrArray *values)
{
    for (guint i = 1; i < values->len; i++) {
        if (!g_str_equal(values->pdata[i], values->pdata[0]))
            return false;
    }
    return true;
}

/* "1-64 in order" where the values are single CPUs that grow from one vCPU to the next, else NULL. */
static char *
growing_range(const GPtrArray *values)
{
    g_autoptr(KtCpuset) set = hwloc_bitmap_alloc();
    for (guint i = 0; i < values->len; i++) {
        char *end;
        guint64 cpu = g_ascii_strtoull(values->pdata[i], &end, 10);
        if (*end != '\0' || cpu >= KT_CPUSET_MAX || (gint)cpu <= hwloc_bitmap_last(set))
            return NULL;
        hwloc_bitmap_set(set, (unsigned)cpu);
    }
    g_autofree char *list = kt_cpuset_format(set);
    return g_strconcat(list, " in order", NULL);
}

char *
kt_difference_values(const GPtrArray *values)
{
    if (all_equal(values))
        return g_strdup(values->pdata[0]);
    g_autofree char *range = values->len > LONG_LIST ? growing_range(values) : NULL;
    if (range)
        return g_steal_pointer(&range);
    g_autoptr(GString) text = g_string_new(values->pdata[0]);
    for (guint i = 1; i < values->len; i++)
        g_string_append_printf(text, " %s", (const char *)values->pdata[i]);
    return g_strdup(text->str);
}
