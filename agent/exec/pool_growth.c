/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/pool_growth.h"

#include <string.h>

#include "probes/pools.h"

#define NODES "sys/devices/system/node/"

/** The file by which memory of the pool's node is compacted; of a kernel without nodes all memory. Owned.
 * Documentation/admin-guide/sysctl/vm.rst, compact_memory */
static char *
compaction_file(const char *path)
{
    if (!g_str_has_prefix(path, NODES))
        return g_strdup("proc/sys/vm/compact_memory");
    const char *node = path + strlen(NODES);
    return g_strdup_printf(NODES "%.*s/compact", (int)strcspn(node, "/"), node);
}

static bool
falls_short(const KtRoot *root, const char *path, const char *wanted)
{
    gint64 pages;
    return kt_pools_read_asked(root, path, &pages, NULL) && pages != KT_ABSENT &&
           pages < g_ascii_strtoll(wanted, NULL, 10);
}

bool
kt_pool_write(const KtRoot *root, const char *path, const char *pages, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!kt_root_write(root, path, pages, error))
        return false;
    if (!falls_short(root, path, pages))
        return true;
    g_autofree char *file = compaction_file(path);
    if (!kt_root_write(root, file, "1", &failure)) {
        g_debug("memory isn't compacted: %s", failure->message);
        return true;
    }
    g_debug("/%s: fewer than %s pages came: memory was compacted", path, pages);
    return kt_root_write(root, path, pages, error);
}
