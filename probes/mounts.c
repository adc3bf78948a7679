/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/mounts.h"

#include <mntent.h>
#include <stdio.h>
#include <string.h>

/* The types that some probe asks for. */
static const char *const read_types[] = {"cgroup", "cgroup2", "hugetlbfs", NULL};

static void
free_mount(gpointer data)
{
    KtMount *mount = data;
    g_free(mount->directory);
    g_free(mount->type);
    g_free(mount->options);
    g_free(mount);
}

static void
add_mount(GPtrArray *mounts, const struct mntent *entry)
{
    KtMount *mount = g_new0(KtMount, 1);
    mount->directory = g_strdup(entry->mnt_dir + strspn(entry->mnt_dir, "/"));
    mount->type = g_strdup(entry->mnt_type);
    mount->options = g_strdup(entry->mnt_opts);
    g_ptr_array_add(mounts, mount);
}

GPtrArray *
kt_mounts_read(const KtRoot *root, const char *type, GError **error)
{
    g_autofree char *table = NULL;
    if (!kt_root_read(root, KT_MOUNTS_FILE, &table, error))
        return NULL;
    GPtrArray *mounts = g_ptr_array_new_with_free_func(free_mount);
    if (!table || !*table)
        return mounts;
    FILE *stream = fmemopen(table, strlen(table), "r");
    g_assert(stream); /* out of memory only */
    char buffer[8192];
    struct mntent entry;
    while (getmntent_r(stream, &entry, buffer, sizeof buffer)) {
        if (g_str_equal(entry.mnt_type, type))
            add_mount(mounts, &entry);
    }
    fclose(stream);
    return mounts;
}

char *
kt_mount_option(const KtMount *mount, const char *name)
{
    const struct mntent entry = {.mnt_opts = mount->options};
    const char *option = hasmntopt(&entry, name);
    if (!option || option[strlen(name)] != '=')
        return NULL;
    const char *value = option + strlen(name) + 1;
    return g_strndup(value, strcspn(value, ","));
}

char *
kt_mounts_for_capture(const char *table)
{
    g_autoptr(GString) kept = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", -1);
        if (g_strv_length(words) > 2 && g_strv_contains(read_types, words[2]))
            g_string_append_printf(kept, "%s%s", kept->len ? "\n" : "", *line);
    }
    return g_string_free(g_steal_pointer(&kept), FALSE);
}
