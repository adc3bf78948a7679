/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/numa_maps.h"

#include <stdio.h>
#include <string.h>

#include "base/cpuset.h"

void
kt_numa_mapping_clear(KtNumaMapping *mapping)
{
    g_clear_pointer(&mapping->kib, g_array_unref);
}

static void
clear_mapping(gpointer mapping)
{
    kt_numa_mapping_clear(mapping);
}

/* Clean pages of a file are the page cache's: QEMU and its libraries, which all guests share, lie wherever
 * the first of them was started. Guest RAM is anonymous, dirty (shared memory) or huge. */
static void
judge(KtNumaMapping *mapping, char *const *words)
{
    bool file = false, dirty = false;
    for (; *words; words++) {
        mapping->anonymous = mapping->anonymous || g_str_has_prefix(*words, "anon=");
        mapping->huge = mapping->huge || g_str_equal(*words, "huge");
        dirty = dirty || g_str_has_prefix(*words, "dirty=");
        file = file || g_str_has_prefix(*words, "file=");
    }
    mapping->cached = file && !mapping->anonymous && !mapping->huge && !dirty;
}

static void
add_nodes(KtNumaMapping *mapping, char *const *words, gint64 page_kib)
{
    for (; *words; words++) {
        guint os;
        gint64 pages;
        if (sscanf(*words, "N%u=%" G_GINT64_FORMAT, &os, &pages) != 2 || os >= KT_CPUSET_MAX)
            continue;
        if (os >= mapping->kib->len)
            g_array_set_size(mapping->kib, os + 1);
        g_array_index(mapping->kib, gint64, os) += pages * page_kib;
    }
}

/* "7f… default anon=9 N0=5 N1=4 kernelpagesize_kB=4" */
static void
add_mapping(GArray *mappings, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    gint64 page_kib = 0;
    KtNumaMapping mapping = {0};
    if (!words[0] || sscanf(words[0], "%" G_GINT64_MODIFIER "x", &mapping.start) != 1)
        return;
    for (char **word = words; *word; word++) {
        if (g_str_has_prefix(*word, "kernelpagesize_kB="))
            page_kib = g_ascii_strtoll(*word + strlen("kernelpagesize_kB="), NULL, 10);
    }
    mapping.kib = g_array_new(FALSE, TRUE, sizeof(gint64));
    judge(&mapping, words);
    add_nodes(&mapping, words, page_kib);
    g_array_append_val(mappings, mapping);
}

GArray *
kt_numa_maps_parse(const char *text)
{
    GArray *mappings = g_array_new(FALSE, FALSE, sizeof(KtNumaMapping));
    g_array_set_clear_func(mappings, clear_mapping);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        add_mapping(mappings, *line);
    return mappings;
}

GArray *
kt_numa_maps_read(const KtRoot *root, gint64 pid)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/numa_maps", pid);
    g_autofree char *text = NULL;
    return kt_root_read(root, path, &text, NULL) && text && *text ? kt_numa_maps_parse(text) : NULL;
}
