/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/cgroup.h"

#include <string.h>

#include "base/error.h"
#include "probes/mounts.h"
#include "tests/unit/probes/fake_topology.h"

#define FS "sys/fs/cgroup/"

static KtCgroup *
read_cgroup(const FakeFile *files)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;
    KtCgroup *cgroup = kt_cgroup_read(host->root, &error);
    g_assert_no_error(error);
    return cgroup;
}

static const KtServiceGroup *
service(const KtCgroup *cgroup, guint i, const char *name)
{
    g_assert_cmpuint(i, <, cgroup->services->len);
    const KtServiceGroup *group = g_ptr_array_index(cgroup->services, i);
    g_assert_cmpstr(group->name, ==, name);
    return group;
}

static void
test_version_2_with_systemd(void)
{
    static const FakeFile files[] = {
        {"proc/1/comm", "systemd\n"},
        {"proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n"},
        {FS "cgroup.controllers", "cpuset cpu io memory\n"},
        {FS "cpuset.cpus.effective", "0-7\n"},
        {FS "machine.slice/cgroup.controllers", "cpuset cpu\n"},
        {FS "machine.slice/cpuset.cpus", "\n"},
        {FS "machine.slice/cpuset.cpus.effective", "2-7\n"},
        {FS "system.slice/cgroup.controllers", "cpuset cpu\n"},
        {FS "system.slice/cpuset.cpus", "0-1\n"},
        {FS "system.slice/cpuset.cpus.effective", "0-1\n"},
        /* systemd hasn't given it the controller. */
        {FS "user.slice/cgroup.controllers", "memory\n"},
        {NULL, NULL},
    };

    g_autoptr(KtCgroup) cgroup = read_cgroup(files);

    g_assert_cmpint(cgroup->layout, ==, KT_CGROUP_V2);
    g_assert_true(cgroup->systemd);
    g_assert_cmpstr(cgroup->cpuset_mount, ==, "sys/fs/cgroup");
    g_assert_cmpstr(cgroup->machine_group, ==, "machine.slice");
    assert_cpus(cgroup->machine_cpus, "2-7");
    g_assert_cmpuint(cgroup->services->len, ==, 2);
    const KtServiceGroup *system = service(cgroup, 0, "system.slice"),
                         *user = service(cgroup, 1, "user.slice");
    g_assert_cmpstr(system->path, ==, FS "system.slice");
    g_assert_cmpstr(system->cpus, ==, "0-1");
    g_assert_cmpstr(system->effective, ==, "0-1");
    g_assert_cmpstr(user->cpus, ==, "");
    g_assert_null(user->effective);
}

static void
test_version_2_before_the_first_guest(void)
{
    static const FakeFile files[] = {
        {"proc/1/comm", "init\n"},
        {"proc/mounts", "none /sys/fs/cgroup cgroup2 rw 0 0\n"},
        {FS "cgroup.controllers", "cpuset cpu\n"},
        {FS "cpuset.cpus.effective", "0-3\n"},
        {NULL, NULL},
    };

    g_autoptr(KtCgroup) cgroup = read_cgroup(files);

    g_assert_cmpint(cgroup->layout, ==, KT_CGROUP_V2);
    g_assert_false(cgroup->systemd);
    g_assert_null(cgroup->machine_group);
    /* The group that will be made has its parent's. */
    assert_cpus(cgroup->machine_cpus, "0-3");
    g_assert_cmpuint(cgroup->services->len, ==, 0);
}

/* cpuset is version 1's, the tree of processes version 2's. */
static void
test_hybrid(void)
{
    static const FakeFile files[] = {
        {"proc/1/comm", "systemd\n"},
        {"proc/mounts", "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
                        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
                        "cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n"},
        {FS "unified/cgroup.controllers", "\n"},
        {FS "unified/machine.slice/cgroup.controllers", "\n"},
        {FS "cpuset/cpuset.cpus", "0-7\n"},
        {FS "cpuset/cpuset.effective_cpus", "0-7\n"},
        {FS "cpuset/machine.slice/cpuset.cpus", "0-5\n"},
        {FS "cpuset/machine.slice/cpuset.effective_cpus", "0-4\n"},
        {NULL, NULL},
    };

    g_autoptr(KtCgroup) cgroup = read_cgroup(files);

    g_assert_cmpint(cgroup->layout, ==, KT_CGROUP_HYBRID);
    g_assert_cmpstr(cgroup->cpuset_mount, ==, "sys/fs/cgroup/cpuset");
    g_assert_cmpstr(cgroup->machine_group, ==, "machine.slice");
    assert_cpus(cgroup->machine_cpus, "0-4");
}

/* Nobody says that the hierarchy has to be where distributions have it. */
static void
test_version_1_elsewhere_without_systemd(void)
{
    static const FakeFile files[] = {
        {"proc/mounts", "cgroup /cg/both cgroup rw,cpu,cpuset 0 0\ncgroup /cg/mem cgroup rw,memory 0 0\n"},
        {"cg/both/cpuset.cpus", "0-3\n"},
        {"cg/both/machine/cpuset.cpus", "1-3\n"},
        {"cg/both/system.slice/cpuset.cpus", "0\n"},
        {NULL, NULL},
    };

    g_autoptr(KtCgroup) cgroup = read_cgroup(files);

    g_assert_cmpint(cgroup->layout, ==, KT_CGROUP_V1);
    g_assert_false(cgroup->systemd);
    g_assert_cmpstr(cgroup->cpuset_mount, ==, "cg/both");
    g_assert_cmpstr(cgroup->machine_group, ==, "machine");
    assert_cpus(cgroup->machine_cpus, "1-3");
    g_assert_cmpstr(service(cgroup, 0, "system.slice")->path, ==, "cg/both/system.slice");
    g_assert_cmpstr(service(cgroup, 0, "system.slice")->effective, ==, "0");
}

static void
test_version_1_group_that_nobody_filled(void)
{
    static const FakeFile files[] = {
        {"proc/mounts", "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n"},
        {FS "cpuset/cpuset.cpus", "0-3\n"},
        {FS "cpuset/machine/cpuset.cpus", "\n"},
        {NULL, NULL},
    };

    g_autoptr(KtCgroup) cgroup = read_cgroup(files);

    g_assert_cmpstr(cgroup->machine_group, ==, "machine");
    assert_cpus(cgroup->machine_cpus, "0-3");
}

/* A capture that has the files only, none of the mounts. */
static void
test_files_alone(void)
{
    static const struct {
        FakeFile files[3];
        KtCgroupLayout layout;
        const char *mount, *cpus;
    } cases[] = {
        {{{FS "machine.slice/cpuset.cpus.effective", "2-5"}}, KT_CGROUP_V2, "sys/fs/cgroup", "2-5"},
        {{{FS "cgroup.controllers", "cpuset"}, {FS "cpuset.cpus.effective", "1"}},
         KT_CGROUP_V2,
         "sys/fs/cgroup",
         "1"},
        {{{FS "unified/machine.slice/cpuset.cpus.effective", "3"}, {FS "unified/cgroup.controllers", ""}},
         KT_CGROUP_V2,
         "sys/fs/cgroup/unified",
         "3"},
        {{{FS "cpuset/machine/cpuset.cpus", "0-1"}}, KT_CGROUP_V1, "sys/fs/cgroup/cpuset", "0-1"},
        {{{FS "cpuset/machine/cpuset.cpus", "0-1"}, {FS "unified/cgroup.controllers", ""}},
         KT_CGROUP_HYBRID,
         "sys/fs/cgroup/cpuset",
         "0-1"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(KtCgroup) cgroup = read_cgroup(cases[i].files);
        g_assert_cmpint(cgroup->layout, ==, cases[i].layout);
        g_assert_cmpstr(cgroup->cpuset_mount, ==, cases[i].mount);
        assert_cpus(cgroup->machine_cpus, cases[i].cpus);
    }
}

static void
test_no_cgroups(void)
{
    static const FakeFile files[] = {{"proc/mounts", "proc /proc proc rw 0 0\n"}, {NULL, NULL}};

    g_autoptr(KtCgroup) cgroup = read_cgroup(files);

    g_assert_cmpint(cgroup->layout, ==, KT_CGROUP_NONE);
    g_assert_null(cgroup->cpuset_mount);
    g_assert_null(cgroup->machine_cpus);
}

static void
test_nonsense_is_an_error(void)
{
    static const FakeFile files[] = {{FS "cpuset/machine/cpuset.cpus", "none\n"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GError) error = NULL;

    g_assert_null(kt_cgroup_read(host->root, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
    g_assert_nonnull(strstr(error->message, FS "cpuset/machine/cpuset.cpus"));
}

/* libcgroup and the mount table are two ways to the same answer. */
static void
test_this_machine(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    kt_cgroup_add_files(root, paths);
    for (guint i = 0; i < paths->len; i++) {
        g_autofree char *text = NULL;
        if (kt_root_read(root, paths->pdata[i], &text, NULL) && text)
            fake_host_write(copy, paths->pdata[i], text);
    }

    g_autoptr(KtCgroup) cgroup = kt_cgroup_read(root, &error);
    g_assert_no_error(error);
    g_autoptr(KtCgroup) again = kt_cgroup_read(copy->root, &error);
    g_assert_no_error(error);

    g_assert_cmpint(again->layout, ==, cgroup->layout);
    g_assert_cmpint(again->systemd, ==, cgroup->systemd);
    g_assert_cmpstr(again->cpuset_mount, ==, cgroup->cpuset_mount);
    if (cgroup->machine_cpus)
        g_assert_true(hwloc_bitmap_isequal(again->machine_cpus, cgroup->machine_cpus));
}

static void
test_mounts_for_a_capture(void)
{
    g_autofree char *kept = kt_mounts_for_capture("//nas/secret /home cifs rw,username=me 0 0\n"
                                                  "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
                                                  "none /huge hugetlbfs rw 0 0\nodd");

    g_assert_cmpstr(kept, ==, "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\nnone /huge hugetlbfs rw 0 0");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cgroup/version-2-systemd", test_version_2_with_systemd);
    g_test_add_func("/cgroup/version-2-before-the-first-guest", test_version_2_before_the_first_guest);
    g_test_add_func("/cgroup/hybrid", test_hybrid);
    g_test_add_func("/cgroup/version-1-elsewhere", test_version_1_elsewhere_without_systemd);
    g_test_add_func("/cgroup/version-1-empty", test_version_1_group_that_nobody_filled);
    g_test_add_func("/cgroup/files-alone", test_files_alone);
    g_test_add_func("/cgroup/none", test_no_cgroups);
    g_test_add_func("/cgroup/nonsense", test_nonsense_is_an_error);
    g_test_add_func("/cgroup/live", test_this_machine);
    g_test_add_func("/mounts/for-a-capture", test_mounts_for_a_capture);
    return g_test_run();
}
