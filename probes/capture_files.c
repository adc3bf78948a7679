/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture_parts.h"
#include "probes/mounts.h"
#include "probes/remote_host.h"
#include "probes/snapshot_parts.h"

static bool
add_file(GHashTable *files, const KtRoot *root, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    if (!text)
        return true;
    bool mounts = g_str_equal(path, KT_MOUNTS_FILE);
    g_hash_table_replace(files, g_strdup(path),
                         mounts ? kt_mounts_for_capture(text) : g_steal_pointer(&text));
    return true;
}

GHashTable *
kt_capture_host_files(const KtSnapshot *snapshot, const KtRoot *root, GError **error)
{
    if (kt_remote_host_is(snapshot, root))
        return kt_remote_host_files(snapshot);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    kt_snapshot_add_files(snapshot, root, paths);
    g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < paths->len; i++) {
        if (!add_file(files, root, g_ptr_array_index(paths, i), error))
            return NULL;
    }
    return g_steal_pointer(&files);
}
