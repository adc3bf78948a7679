/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/cgroup.h"

#include <string.h>

#include "probes/cgroup_parts.h"
#include "probes/cpu_list.h"
#include "probes/mounts.h"

/* QEMU's parent group: libvirt's under systemd, and the one it makes without; last their parent, whose CPUs a
 * group that is made later has. https://libvirt.org/cgroups.html */
static const char *const machine_groups[] = {"machine.slice", "machine", "", NULL};

/* systemd.special(7) */
static const char *const service_groups[] = {"system.slice", "user.slice", "init.scope", NULL};

/* Own and effective CPUs of a group. Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpusets.rst; old
 * kernels of version 1 have no effective set but the own one. */
#define OWN_CPUS "cpuset.cpus"
static const char *const effective_files[] = {"cpuset.cpus.effective", "cpuset.effective_cpus", OWN_CPUS,
                                              NULL};

#define INIT_NAME_FILE "proc/1/comm"

static void
free_service(gpointer data)
{
    KtServiceGroup *group = data;
    g_free(group->name);
    g_free(group->path);
    g_free(group->cpus);
    g_free(group->effective);
    g_free(group);
}

KtCgroup *
kt_cgroup_new(void)
{
    KtCgroup *cgroup = g_new0(KtCgroup, 1);
    cgroup->services = g_ptr_array_new_with_free_func(free_service);
    return cgroup;
}

void
kt_cgroup_free(KtCgroup *cgroup)
{
    if (!cgroup)
        return;
    g_free(cgroup->cpuset_mount);
    g_free(cgroup->machine_group);
    kt_cpuset_free(cgroup->machine_cpus);
    g_ptr_array_unref(cgroup->services);
    g_free(cgroup);
}

static char *
group_path(const char *mount, const char *group)
{
    return *group ? g_strconcat(mount, "/", group, NULL) : g_strdup(mount);
}

/* What the tasks of a group may use; *@ret_set is NULL where nothing is told. */
static bool
read_effective(const KtRoot *root, const char *group, KtCpuset **ret_set, GError **error)
{
    for (const char *const *name = effective_files; *name; name++) {
        g_autofree char *path = g_build_filename(group, *name, NULL);
        g_autoptr(KtCpuset) set = NULL;
        if (!kt_cpu_list_read(root, path, &set, error))
            return false;
        /* A version 1 group that nobody has filled yet is empty: nothing can run there as it is. */
        if (set && !hwloc_bitmap_iszero(set)) {
            *ret_set = g_steal_pointer(&set);
            return true;
        }
    }
    *ret_set = NULL;
    return true;
}

static bool
read_machine(KtCgroup *cgroup, const KtRoot *root, GError **error)
{
    for (const char *const *name = machine_groups; *name && !cgroup->machine_cpus; name++) {
        g_autofree char *group = group_path(cgroup->cpuset_mount, *name);
        if (!kt_root_exists(root, group))
            continue;
        if (**name && !cgroup->machine_group)
            cgroup->machine_group = g_strdup(*name);
        if (!read_effective(root, group, &cgroup->machine_cpus, error))
            return false;
    }
    return true;
}

static bool
read_service(KtCgroup *cgroup, const KtRoot *root, const char *name, GError **error)
{
    g_autofree char *path = group_path(cgroup->cpuset_mount, name);
    if (!kt_root_exists(root, path))
        return true;
    g_autofree char *own = g_build_filename(path, OWN_CPUS, NULL);
    g_autofree char *cpus = NULL;
    g_autoptr(KtCpuset) effective = NULL;
    if (!kt_root_read(root, own, &cpus, error) || !read_effective(root, path, &effective, error))
        return false;
    KtServiceGroup *group = g_new0(KtServiceGroup, 1);
    group->name = g_strdup(name);
    group->path = g_steal_pointer(&path);
    group->cpus = cpus ? g_steal_pointer(&cpus) : g_strdup("");
    group->effective = effective ? kt_cpuset_format(effective) : NULL;
    g_ptr_array_add(cgroup->services, group);
    return true;
}

KtCgroup *
kt_cgroup_read(const KtRoot *root, GError **error)
{
    g_autoptr(KtCgroup) cgroup = kt_cgroup_new();
    g_autofree char *init = NULL;
    if (!kt_root_read(root, INIT_NAME_FILE, &init, error) ||
        !kt_cgroup_find_mounts(root, &cgroup->layout, &cgroup->cpuset_mount, error))
        return NULL;
    cgroup->systemd = g_strcmp0(init, "systemd") == 0;
    if (!cgroup->cpuset_mount)
        return g_steal_pointer(&cgroup);
    if (!read_machine(cgroup, root, error))
        return NULL;
    for (const char *const *name = service_groups; *name; name++) {
        if (!read_service(cgroup, root, *name, error))
            return NULL;
    }
    return g_steal_pointer(&cgroup);
}

static void
add_group(GPtrArray *paths, const char *mount, const char *name)
{
    g_autofree char *group = group_path(mount, name);
    g_ptr_array_add(paths, g_build_filename(group, KT_CGROUP_V2_FILE, NULL));
    for (const char *const *file = effective_files; *file; file++)
        g_ptr_array_add(paths, g_build_filename(group, *file, NULL));
}

void
kt_cgroup_add_files(const KtRoot *root, GPtrArray *paths)
{
    g_ptr_array_add(paths, g_strdup(INIT_NAME_FILE));
    g_ptr_array_add(paths, g_strdup(KT_MOUNTS_FILE));
    for (const char *const *mount = kt_cgroup_usual_mounts; *mount; mount++)
        g_ptr_array_add(paths, g_build_filename(*mount, KT_CGROUP_V2_FILE, NULL));
    KtCgroupLayout layout;
    g_autofree char *mount = NULL;
    if (!kt_cgroup_find_mounts(root, &layout, &mount, NULL) || !mount)
        return;
    for (const char *const *name = machine_groups; *name; name++)
        add_group(paths, mount, *name);
    for (const char *const *name = service_groups; *name; name++)
        add_group(paths, mount, *name);
}
