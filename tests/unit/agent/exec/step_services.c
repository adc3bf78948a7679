/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>

#include "tests/unit/agent/exec/exec_scene.h"
#include "tests/unit/agent/exec/fake_systemd.h"

#define FILE_V1 "sys/fs/cgroup/cpuset/system.slice/cpuset.cpus"
#define FILE_V2 "sys/fs/cgroup/system.slice/cpuset.cpus"
#define UNIT "systemd:system.slice"
#define DROP_IN "systemd/system.control/system.slice.d/50-AllowedCPUs.conf"

static void
plan_cpus(ExecScene *scene, const char *path, const char *from, const char *to)
{
    KtAction action = {.domain = -1,
                       .setting = kt_setting(KT_SETTING_SERVICES),
                       .item = g_strdup("system.slice"),
                       .from = g_strdup(from),
                       .to = g_strdup(to),
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:1:1"),
                       .kind = KT_STEP_SERVICES,
                       .path = g_strdup(path)};
    g_assert_true(kt_plan_add(scene->plan, action));
}

static bool
exists(const ExecScene *scene, const char *path)
{
    return kt_root_exists(scene->host->root, path);
}

/* --- the group's own file --- */

static void
test_file_round_trip(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V1, "0-3\n"}, {NULL, NULL}});
    plan_cpus(scene, FILE_V1, "0-3", "0-1");
    must_apply(scene);
    assert_file(scene, FILE_V1, "0-1");
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    assert_file(scene, FILE_V1, "0-3");
}

/* An empty list is written as an empty line: a write of nothing isn't one. */
static void
test_file_unset(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V2, "\n"}, {NULL, NULL}});
    plan_cpus(scene, FILE_V2, NULL, "0-1");
    must_apply(scene);
    assert_file(scene, FILE_V2, "0-1");
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    assert_file(scene, FILE_V2, "\n");
}

/* A group with processes in it can't lose its list again: all CPUs of the group above are what it had
 * without. */
static void
test_file_all_is_unset(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(
        (FakeFile[]){{FILE_V2, "0-7\n"}, {"sys/fs/cgroup/cpuset.cpus.effective", "0-7\n"}, {NULL, NULL}});
    plan_cpus(scene, FILE_V2, NULL, "0-1");
    must_apply(scene);
    kt_root_fail_writes(scene->host->root, FILE_V2, ENOSPC);
    fake_host_write(scene->host, FILE_V2, "0-7\n");
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* What was a list of all CPUs is none after a boot. */
static void
test_file_unset_is_all(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(
        (FakeFile[]){{FILE_V2, "0-7\n"}, {"sys/fs/cgroup/cpuset.cpus.effective", "0-7\n"}, {NULL, NULL}});
    plan_cpus(scene, FILE_V2, "0-7", "0-1");
    must_apply(scene);
    fake_host_write(scene->host, FILE_V2, "\n");
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_file_conflict_and_gone(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V1, "0-2\n"}, {NULL, NULL}});
    plan_cpus(scene, FILE_V1, "0-3", "0-1");
    g_autoptr(KtReport) report = apply(scene);
    assert_result(report, 0, KT_RESULT_CONFLICT);
    assert_message(report, 0, "expected '0-3', found '0-2'");
    assert_file(scene, FILE_V1, "0-2\n");

    g_autoptr(ExecScene) gone = exec_scene_new(NULL);
    plan_cpus(gone, FILE_V1, "0-3", "0-1");
    g_autoptr(KtReport) nothing = apply(gone);
    assert_result(nothing, 0, KT_RESULT_CONFLICT);
    g_assert_cmpuint(runs_to_undo(gone), ==, 0);
}

static void
test_file_fails(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V1, "0-3\n"}, {NULL, NULL}});
    kt_root_fail_writes(scene->host->root, FILE_V1, EBUSY);
    plan_cpus(scene, FILE_V1, "0-3", "0-1");
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "fewer CPUs than one below it");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* --- systemd --- */

static void
test_systemd_round_trip(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    g_autoptr(FakeSystemd) systemd = fake_systemd_new(scene->host);
    plan_cpus(scene, UNIT, NULL, "0-1,9");
    must_apply(scene);
    g_assert_cmpstr(systemd->calls->str, ==, "system.slice runtime '0-1,9';");
    assert_file(scene, "run/" DROP_IN, "AllowedCPUs=0-1,9\n");
    assert_file(scene, FILE_V2, "0-1,9");

    /* Nothing of it is left: no drop-in file, and the group's own file is empty as it was. */
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_true(g_str_has_suffix(systemd->calls->str, ";system.slice runtime '';"));
    g_assert_false(exists(scene, "run/systemd/system.control/system.slice.d"));
    assert_file(scene, FILE_V2, "\n");
}

/* What the administrator set with `systemctl set-property` lies where it goes before /run: it is changed
 * there. */
static void
test_systemd_persistent(void)
{
    g_autoptr(ExecScene) scene =
        exec_scene_new((FakeFile[]){{"etc/" DROP_IN, "AllowedCPUs=0-2\n"}, {FILE_V2, "0-2\n"}, {NULL, NULL}});
    g_autoptr(FakeSystemd) systemd = fake_systemd_new(scene->host);
    g_hash_table_insert(systemd->allowed, g_strdup("system.slice"), g_strdup("0-2"));
    plan_cpus(scene, UNIT, "0-2", "0-1");
    must_apply(scene);
    g_assert_cmpstr(systemd->calls->str, ==, "system.slice persistent '0-1';");
    assert_file(scene, "etc/" DROP_IN, "AllowedCPUs=0-1\n");
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    assert_file(scene, "etc/" DROP_IN, "AllowedCPUs=0-2\n");
    assert_file(scene, FILE_V2, "0-2");
    g_assert_false(exists(scene, "run/" DROP_IN));
}

/* Set by a file of the administrator's own: systemd is told that again, and ours goes. */
static void
test_systemd_own_file(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V2, "0-2\n"}, {NULL, NULL}});
    g_autoptr(FakeSystemd) systemd = fake_systemd_new(scene->host);
    g_hash_table_insert(systemd->allowed, g_strdup("system.slice"), g_strdup("0-2"));
    plan_cpus(scene, UNIT, "0-2", "0-1");
    must_apply(scene);
    g_autoptr(KtReport) undone = rollback(scene);
    assert_result(undone, 0, KT_RESULT_UNDONE);
    g_assert_true(g_str_has_suffix(systemd->calls->str, ";system.slice runtime '0-2';"));
    g_assert_false(exists(scene, "run/" DROP_IN));
    assert_file(scene, FILE_V2, "0-2");
}

/* systemd believes that the CPUs are set, but somebody wrote another list past it: it is told again. */
static void
test_systemd_drift(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V2, "0-3\n"}, {NULL, NULL}});
    g_autoptr(FakeSystemd) systemd = fake_systemd_new(scene->host);
    g_hash_table_insert(systemd->allowed, g_strdup("system.slice"), g_strdup("0-1"));
    plan_cpus(scene, UNIT, "0-3", "0-1");
    must_apply(scene);
    assert_file(scene, FILE_V2, "0-1");
}

static void
test_systemd_refuses(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    g_autoptr(FakeSystemd) systemd = fake_systemd_new(scene->host);
    g_atomic_int_set(&systemd->refusing, 1);
    plan_cpus(scene, UNIT, NULL, "0-1");
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "AllowedCPUs of system.slice: Unit is not here.");
}

/* It says yes, and the kernel doesn't have it. */
static void
test_systemd_is_deaf(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new((FakeFile[]){{FILE_V2, "\n"}, {NULL, NULL}});
    g_autoptr(FakeSystemd) systemd = fake_systemd_new(scene->host);
    g_atomic_int_set(&systemd->deaf, 1);
    plan_cpus(scene, UNIT, NULL, "0-1");
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "wanted '0-1', found 'all CPUs'");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

static void
test_systemd_is_away(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    plan_cpus(scene, UNIT, NULL, "0-1");
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "D-Bus");
}

/* The journal is a file: no other unit is touched because it says so. */
static void
test_other_units(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    plan_cpus(scene, "systemd:../../sshd.service", NULL, "0-1");
    g_autoptr(KtReport) report = apply(scene);
    g_assert_true(report->failed);
    assert_message(report, 0, "must have a group");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *directory = fake_systemd_prepare();
    g_test_add_func("/services/file/round-trip", test_file_round_trip);
    g_test_add_func("/services/file/unset", test_file_unset);
    g_test_add_func("/services/file/all-is-unset", test_file_all_is_unset);
    g_test_add_func("/services/file/unset-is-all", test_file_unset_is_all);
    g_test_add_func("/services/file/conflict-and-gone", test_file_conflict_and_gone);
    g_test_add_func("/services/file/fails", test_file_fails);
    g_test_add_func("/services/systemd/round-trip", test_systemd_round_trip);
    g_test_add_func("/services/systemd/persistent", test_systemd_persistent);
    g_test_add_func("/services/systemd/own-file", test_systemd_own_file);
    g_test_add_func("/services/systemd/drift", test_systemd_drift);
    g_test_add_func("/services/systemd/refuses", test_systemd_refuses);
    g_test_add_func("/services/systemd/deaf", test_systemd_is_deaf);
    g_test_add_func("/services/systemd/away", test_systemd_is_away);
    g_test_add_func("/services/other-units", test_other_units);
    int failed = g_test_run();
    g_assert_cmpint(g_rmdir(directory), ==, 0);
    return failed;
}
