/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libcgroup.h>
#include <string.h>

#include "probes/cgroup_parts.h"
#include "probes/mounts.h"

#define CPUSET "cpuset"

/* Version 2 alone, version 2 beside version 1, version 1. */
const char *const kt_cgroup_usual_mounts[] = {"sys/fs/cgroup", "sys/fs/cgroup/unified",
                                              "sys/fs/cgroup/cpuset", NULL};

/* What of version 1 and 2 is mounted, and the hierarchy with the cpuset controller. */
typedef struct {
    bool v1;
    bool v2;
    char *cpuset;
} Found;

static bool
is_v2(const KtRoot *root, const char *mount)
{
    g_autofree char *file = g_build_filename(mount, KT_CGROUP_V2_FILE, NULL);
    return kt_root_exists(root, file);
}

/* libcgroup's own logger writes to stdout, where our JSON goes. */
static void G_GNUC_PRINTF(3, 0) log_debug(void *data, int level, const char *format, va_list args)
{
    (void)data, (void)level;
    g_autofree char *message = g_strdup_vprintf(format, args);
    g_debug("libcgroup: %s", g_strchomp(message));
}

/* libcgroup lists controllers with the place where each is mounted; a version 2 hierarchy without any isn't
 * listed. */
static void
ask_libcgroup(Found *found, const KtRoot *root)
{
    cgroup_set_logger(log_debug, CGROUP_LOG_ERROR, NULL);
    if (cgroup_init())
        return;
    void *handle = NULL;
    g_autofree struct cgroup_mount_point *controller = g_new0(struct cgroup_mount_point, 1);
    int end = cgroup_get_controller_begin(&handle, controller);
    for (; end == 0; end = cgroup_get_controller_next(&handle, controller)) {
        const char *mount = controller->path + strspn(controller->path, "/");
        bool v2 = is_v2(root, mount);
        found->v1 |= !v2;
        found->v2 |= v2;
        if (g_str_equal(controller->name, CPUSET) && !found->cpuset)
            found->cpuset = g_strdup(mount);
    }
    cgroup_get_controller_end(&handle);
}

/* A version 1 hierarchy has its controllers as mount options. */
static bool
ask_table_v1(Found *found, const KtRoot *root, GError **error)
{
    g_autoptr(GPtrArray) mounts = kt_mounts_read(root, "cgroup", error);
    for (guint i = 0; mounts && i < mounts->len; i++) {
        const KtMount *mount = g_ptr_array_index(mounts, i);
        g_auto(GStrv) options = g_strsplit(mount->options, ",", -1);
        found->v1 = true;
        if (!found->cpuset && g_strv_contains((const char *const *)options, CPUSET))
            found->cpuset = g_strdup(mount->directory);
    }
    return mounts != NULL;
}

static bool
ask_table_v2(Found *found, const KtRoot *root, GError **error)
{
    g_autoptr(GPtrArray) mounts = kt_mounts_read(root, "cgroup2", error);
    for (guint i = 0; mounts && i < mounts->len; i++) {
        const KtMount *mount = g_ptr_array_index(mounts, i);
        g_autofree char *file = g_build_filename(mount->directory, KT_CGROUP_V2_FILE, NULL);
        g_autofree char *text = NULL;
        if (!kt_root_read(root, file, &text, error))
            return false;
        g_auto(GStrv) controllers = g_strsplit(text ? text : "", " ", -1);
        found->v2 = true;
        if (!found->cpuset && g_strv_contains((const char *const *)controllers, CPUSET))
            found->cpuset = g_strdup(mount->directory);
    }
    return mounts != NULL;
}

/* The version of the cpuset controller there, in the top group or in QEMU's parent; 0 = there is none. */
static guint
cpuset_version(const KtRoot *root, const char *mount)
{
    static const char *const groups[] = {".", "machine.slice", "machine", NULL};
    static const struct {
        const char *name;
        guint version;
    } files[] = {{"cpuset.cpus.effective", 2}, {"cpuset.effective_cpus", 1}, {"cpuset.cpus", 1}};
    for (const char *const *group = groups; *group; group++) {
        for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
            g_autofree char *path = g_build_filename(mount, *group, files[i].name, NULL);
            if (kt_root_exists(root, path))
                return files[i].version;
        }
    }
    return 0;
}

static void
ask_files(Found *found, const KtRoot *root)
{
    for (const char *const *mount = kt_cgroup_usual_mounts; *mount; mount++) {
        guint version = cpuset_version(root, *mount);
        found->v2 |= version == 2 || is_v2(root, *mount);
        found->v1 |= version == 1;
        if (version && !found->cpuset)
            found->cpuset = g_strdup(*mount);
    }
}

bool
kt_cgroup_find_mounts(const KtRoot *root, KtCgroupLayout *ret_layout, char **ret_cpuset, GError **error)
{
    Found found = {0};
    if (kt_root_is_live(root))
        ask_libcgroup(&found, root);
    if ((!found.cpuset && !ask_table_v1(&found, root, error)) || !ask_table_v2(&found, root, error)) {
        g_free(found.cpuset);
        return false;
    }
    if (!found.cpuset)
        ask_files(&found, root);
    *ret_layout = found.v1 && found.v2 ? KT_CGROUP_HYBRID
                  : found.v2           ? KT_CGROUP_V2
                  : found.v1           ? KT_CGROUP_V1
                                       : KT_CGROUP_NONE;
    *ret_cpuset = found.cpuset;
    return true;
}
