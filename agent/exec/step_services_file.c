/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step_services_file.h"

#include "base/cpuset.h"

/** What the group above may use; NULL where it doesn't tell. Owned. */
static char *
cpus_above(const KtRoot *root, const char *file)
{
    g_autofree char *group = g_path_get_dirname(file);
    g_autofree char *above = g_path_get_dirname(group);
    g_autofree char *path = g_build_filename(above, "cpuset.cpus.effective", NULL);
    char *cpus = NULL;
    return kt_root_read(root, path, &cpus, NULL) ? cpus : NULL;
}

bool
kt_services_write(const KtRoot *root, const char *file, const char *cpus, GError **error)
{
    if (cpus && *cpus)
        return kt_root_write(root, file, cpus, error);
    g_autoptr(GError) refused = NULL;
    if (kt_root_write(root, file, "\n", &refused))
        return true;
    g_autofree char *all = cpus_above(root, file);
    if (all && *all && kt_root_write(root, file, all, NULL))
        return true;
    g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

bool
kt_services_is_all(const KtRoot *root, const char *file, const char *cpus)
{
    g_autofree char *all = cpus_above(root, file);
    g_autoptr(KtCpuset) above = all && *all ? kt_cpuset_parse(all, false, NULL) : NULL;
    g_autoptr(KtCpuset) present = cpus ? kt_cpuset_parse(cpus, false, NULL) : NULL;
    return above && present && hwloc_bitmap_isequal(above, present);
}
